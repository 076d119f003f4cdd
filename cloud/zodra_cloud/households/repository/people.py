"""SQL of households, people, sign-in links and sessions."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.households.models import Household, Role, Session
from zodra_cloud.households.repository.tables import households, people, sessions, sign_in_links
from zodra_cloud.store.inserting import insert_new


def add_household(connection: Connection, household: Household, now: datetime) -> bool:
    """Add one; False if its id is taken."""
    return insert_new(
        connection,
        households,
        {
            "household_id": household.household_id,
            "language": household.language,
            "time_zone": household.time_zone,
            "created_at": now,
        },
    )


def household(connection: Connection, household_id: str) -> Household | None:
    """Read one."""
    row = connection.execute(
        select(households.c.household_id, households.c.language, households.c.time_zone).where(
            households.c.household_id == household_id
        )
    ).first()
    return None if row is None else Household(*row)


def all_households(connection: Connection, limit: int) -> list[Household]:
    """Read every household, by id; an operator's read."""
    rows = connection.execute(
        select(households.c.household_id, households.c.language, households.c.time_zone)
        .order_by(households.c.household_id)
        .limit(limit)
    )
    return [Household(*row) for row in rows]


def person_ids(connection: Connection, household_id: str) -> frozenset[str]:
    """Read who belongs to a household."""
    rows = connection.execute(
        select(people.c.person_id).where(people.c.household_id == household_id)
    )
    return frozenset(rows.scalars())


def add_person(
    connection: Connection,
    *,
    person_id: str,
    household_id: str | None,
    role: Role,
    language: str,
    now: datetime,
) -> bool:
    """Add a person; False if the id is taken: one derived from its household is there already."""
    return insert_new(
        connection,
        people,
        {
            "person_id": person_id,
            "household_id": household_id,
            "role": role,
            "language": language,
            "created_at": now,
        },
    )


def set_language(connection: Connection, person_id: str, language: str) -> None:
    """Store the language a person reads."""
    connection.execute(
        update(people).where(people.c.person_id == person_id).values(language=language)
    )


def add_link(
    connection: Connection, token_hash: str, person_id: str, now: datetime, expires_at: datetime
) -> None:
    """Store a one-time link by the hash of its token."""
    connection.execute(
        insert(sign_in_links).values(
            token_hash=token_hash, person_id=person_id, created_at=now, expires_at=expires_at
        )
    )


def take_link(connection: Connection, token_hash: str, now: datetime) -> str | None:
    """Use a link up, in one statement, so that of two clicks one wins; give whose it was."""
    taken: str | None = connection.execute(
        update(sign_in_links)
        .where(
            sign_in_links.c.token_hash == token_hash,
            sign_in_links.c.redeemed_at.is_(None),
            sign_in_links.c.expires_at > now,
        )
        .values(redeemed_at=now)
        .returning(sign_in_links.c.person_id)
    ).scalar()
    return taken


def add_session(
    connection: Connection, session_hash: str, person_id: str, now: datetime, expires_at: datetime
) -> None:
    """Store a session by the hash of its id."""
    connection.execute(
        insert(sessions).values(
            session_hash=session_hash, person_id=person_id, created_at=now, expires_at=expires_at
        )
    )


def session(connection: Connection, session_hash: str, now: datetime) -> Session | None:
    """Read a session that has neither ended nor expired."""
    row = connection.execute(
        select(
            sessions.c.session_hash,
            people.c.person_id,
            people.c.household_id,
            people.c.role,
            people.c.language,
            households.c.time_zone,
            sessions.c.expires_at,
        )
        .select_from(sessions.join(people).outerjoin(households))
        .where(
            sessions.c.session_hash == session_hash,
            sessions.c.ended_at.is_(None),
            sessions.c.expires_at > now,
        )
    ).first()
    if row is None:
        return None
    return Session(
        session_hash=row.session_hash,
        person_id=row.person_id,
        household_id=row.household_id,
        role=Role(row.role),
        language=row.language,
        time_zone=row.time_zone or "UTC",
        expires_at=row.expires_at,
    )


def end_session(connection: Connection, session_hash: str, now: datetime) -> None:
    """End a session; it stays in the table for the audit."""
    connection.execute(
        update(sessions)
        .where(sessions.c.session_hash == session_hash, sessions.c.ended_at.is_(None))
        .values(ended_at=now)
    )
