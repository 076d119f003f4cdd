"""All SQL of the room. What belongs to a household is read and written under its id."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)

from zodra_cloud.api.models import Event, KeptAnswer, Scope, Token
from zodra_cloud.store.among import among
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.inserting import insert_into
from zodra_cloud.store.types import BigInt, Instant, Json


def _household() -> Column[str]:
    return Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True)


api_tokens: Final = Table(
    "api_tokens",
    metadata,
    _household(),
    Column("token_id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant, nullable=True),
    Column("last_used_at", Instant, nullable=True),
    UniqueConstraint("token_hash"),
    sqlite_strict=True,
)

api_answers: Final = Table(
    "api_answers",
    metadata,
    _household(),
    Column("token_id", Text, primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", Text, nullable=False),
    Column("answered_at", Instant, nullable=False),
    Index("ix_api_answers_answered_at", "household_id", "answered_at"),
    sqlite_strict=True,
)

api_events: Final = Table(
    "api_events",
    metadata,
    _household(),
    Column("number", BigInt, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("order_key", Text, nullable=True),
    Column("told", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_api_events_order", "household_id", "order_key", "number"),
    sqlite_strict=True,
)

_TOKEN: Final = (
    api_tokens.c.household_id,
    api_tokens.c.token_id,
    api_tokens.c.name,
    api_tokens.c.scopes,
    api_tokens.c.person_id,
    api_tokens.c.created_at,
    api_tokens.c.expires_at,
    api_tokens.c.revoked_at,
    api_tokens.c.last_used_at,
)
_EVENT: Final = (
    api_events.c.number,
    api_events.c.kind,
    api_events.c.order_key,
    api_events.c.told,
    api_events.c.at,
)


def add_token(connection: Connection, token: Token, token_hash: str) -> None:
    """Store a token under the hash of its secret."""
    connection.execute(
        insert_into(connection, api_tokens).values(
            household_id=token.household_id,
            token_id=token.token_id,
            token_hash=token_hash,
            name=token.name,
            scopes=sorted(token.scopes),
            person_id=token.person_id,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


def token_by_hash(connection: Connection, token_hash: str) -> Token | None:
    """Read a token by the hash of its secret; the one read that no household id bounds."""
    row = connection.execute(select(*_TOKEN).where(api_tokens.c.token_hash == token_hash)).first()
    return None if row is None else _token(row)


def token(connection: Connection, household_id: str, token_id: str) -> Token | None:
    """Read a token of a household by its id."""
    row = connection.execute(
        select(*_TOKEN).where(
            api_tokens.c.household_id == household_id, api_tokens.c.token_id == token_id
        )
    ).first()
    return None if row is None else _token(row)


def tokens(connection: Connection, household_id: str, limit: int) -> list[Token]:
    """Read the newest tokens of a household, newest first."""
    rows = connection.execute(
        select(*_TOKEN)
        .where(api_tokens.c.household_id == household_id)
        .order_by(api_tokens.c.created_at.desc(), api_tokens.c.token_id)
        .limit(limit)
    )
    return [_token(row) for row in rows]


def count_live(connection: Connection, household_id: str, now: datetime) -> int:
    """Count the tokens of a household that open something."""
    return connection.execute(
        select(func.count()).where(
            api_tokens.c.household_id == household_id,
            api_tokens.c.revoked_at.is_(None),
            api_tokens.c.expires_at > now,
        )
    ).scalar_one()


def revoke(connection: Connection, household_id: str, token_id: str, now: datetime) -> bool:
    """Revoke a token; False if the household has none of that id that is not revoked yet."""
    done = connection.execute(
        update(api_tokens)
        .where(
            api_tokens.c.household_id == household_id,
            api_tokens.c.token_id == token_id,
            api_tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def note_used(connection: Connection, household_id: str, token_id: str, now: datetime) -> None:
    """Write when a token was last used."""
    connection.execute(
        update(api_tokens)
        .where(api_tokens.c.household_id == household_id, api_tokens.c.token_id == token_id)
        .values(last_used_at=now)
    )


def answer(connection: Connection, household_id: str, token_id: str, key: str) -> KeptAnswer | None:
    """Read what a call was answered."""
    row = connection.execute(
        select(
            api_answers.c.request_hash,
            api_answers.c.status,
            api_answers.c.headers,
            api_answers.c.body,
            api_answers.c.answered_at,
        ).where(
            api_answers.c.household_id == household_id,
            api_answers.c.token_id == token_id,
            api_answers.c.idempotency_key == key,
        )
    ).first()
    return None if row is None else KeptAnswer(*row)


def keep_answer(
    connection: Connection, household_id: str, token_id: str, key: str, kept: KeptAnswer
) -> None:
    """Keep what a call is answered, in place of one that was kept long enough."""
    name = {"household_id": household_id, "token_id": token_id, "idempotency_key": key}
    values = {
        "request_hash": kept.request_hash,
        "status": kept.status,
        "headers": kept.headers,
        "body": kept.body,
        "answered_at": kept.answered_at,
    }
    statement = insert_into(connection, api_answers).values(**name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(name), set_=values))


def forget_answers(connection: Connection, household_id: str, before: datetime) -> int:
    """Delete what a household's calls were answered up to an instant; give how many."""
    return connection.execute(
        delete(api_answers).where(
            api_answers.c.household_id == household_id, api_answers.c.answered_at <= before
        )
    ).rowcount


def add_event(
    connection: Connection,
    household_id: str,
    kind: str,
    order_key: str | None,
    told: dict[str, Any],
    at: datetime,
) -> int | None:
    """Append an event; None, and nothing stored, for a household that has no live token.

    One statement: it runs in the commit of every move of every order. The unit of work names the
    household, so no two of them take the same number.
    """
    last = select(func.coalesce(func.max(api_events.c.number), 0) + 1).where(
        api_events.c.household_id == household_id
    )
    listened = exists().where(
        api_tokens.c.household_id == household_id,
        api_tokens.c.revoked_at.is_(None),
        api_tokens.c.expires_at > at,
    )
    columns = {
        "household_id": literal(household_id, Text),
        "number": last.scalar_subquery(),
        "kind": literal(kind, Text),
        "order_key": literal(order_key, Text),
        "told": literal(told, Json),
        "at": literal(at, Instant),
    }
    statement = (
        insert_into(connection, api_events)
        .from_select(list(columns), select(*columns.values()).where(listened))
        .returning(api_events.c.number)
    )
    return connection.execute(statement).scalar()


def listening(
    connection: Connection, household_ids: Collection[str], at: datetime
) -> frozenset[str]:
    """Say which households have a live token."""
    rows = connection.execute(
        select(api_tokens.c.household_id)
        .where(
            among(connection, (api_tokens.c.household_id,), [(each,) for each in household_ids]),
            api_tokens.c.revoked_at.is_(None),
            api_tokens.c.expires_at > at,
        )
        .distinct()
    )
    return frozenset(rows.scalars())


def forget_events(connection: Connection, household_id: str, upto: int) -> None:
    """Delete the events of a household up to a number."""
    connection.execute(
        delete(api_events).where(
            api_events.c.household_id == household_id, api_events.c.number <= upto
        )
    )


def events_after(
    connection: Connection, household_id: str, after: int, order_key: str | None, limit: int
) -> list[Event]:
    """Read the events of a household, or of one of its orders, after a number, oldest first."""
    query = select(*_EVENT).where(
        api_events.c.household_id == household_id, api_events.c.number > after
    )
    if order_key is not None:
        query = query.where(api_events.c.order_key == order_key)
    rows = connection.execute(query.order_by(api_events.c.number).limit(limit))
    return [Event(*row) for row in rows]


def numbers(connection: Connection, household_id: str) -> tuple[int, int]:
    """Give the first and the last number that is kept; zeros if there is none."""
    row = connection.execute(
        select(
            func.coalesce(func.min(api_events.c.number), 0),
            func.coalesce(func.max(api_events.c.number), 0),
        ).where(api_events.c.household_id == household_id)
    ).one()
    return int(row[0]), int(row[1])


def _token(row: Any) -> Token:
    return Token(**{**row._mapping, "scopes": frozenset(map(Scope, row.scopes))})
