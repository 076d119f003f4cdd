"""SQL of contacts and letters."""

from collections.abc import Collection, Sequence
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
    column,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy import delete as delete_from

from zodra_cloud.channels.content import Content
from zodra_cloud.channels.models import (
    OWED,
    Contact,
    Letter,
    LetterKind,
    LetterLine,
    LetterState,
)
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import erasure
from zodra_cloud.store.inserting import insert_into, insert_new
from zodra_cloud.store.types import Instant, Json


def _household() -> Column[str]:
    return Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True)


contacts: Final = Table(
    "contacts",
    metadata,
    _household(),
    Column("email", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", Instant, nullable=False),
    sqlite_strict=True,
)

letters: Final = Table(
    "letters",
    metadata,
    _household(),
    Column("letter_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("content", Json, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unsure", Integer, nullable=False),
    Column("last_error", Text, nullable=True),
    Column("caused_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=True),
    Column("accepted_for", Text, nullable=True),
    Column("fetched_at", Instant, nullable=True),
    Index("ix_letters_order", "household_id", "order_key"),
    Index("ix_letters_state", "state", "caused_at"),
    info=erasure(
        kept=column("kind").in_(sorted(OWED)),
        cleared={"accepted_for": None, "last_error": None},
        open=lambda _now: column("kind").in_(sorted(OWED)) & (column("state") == "waiting"),
        what="letters that the law asks for and that wait to be sent; see `zodra-cloud mail list`",
    ),
    sqlite_strict=True,
)


def forget_letters(connection: Connection, before: datetime, limit: int) -> int:
    """Delete letters that nobody owes, and that wait for nothing, from before an instant."""
    key = tuple_(letters.c.household_id, letters.c.letter_id)
    old = (
        select(*key)
        .where(
            letters.c.state_at < before,
            letters.c.state != LetterState.WAITING,
            letters.c.kind.not_in(list(OWED)),
        )
        .order_by(*key)
        .limit(limit)
    )
    return connection.execute(delete_from(letters).where(key.in_(old))).rowcount


def contact(connection: Connection, household_id: str) -> Contact | None:
    """Read where a household's letters go."""
    row = connection.execute(
        select(*contacts.c).where(contacts.c.household_id == household_id)
    ).first()
    return None if row is None else Contact(*row)


def save_contact(connection: Connection, given: Contact) -> None:
    """Write where a household's letters go."""
    values = {"email": given.email, "set_by": given.set_by, "set_at": given.set_at}
    connection.execute(
        insert_into(connection, contacts)
        .values(household_id=given.household_id, **values)
        .on_conflict_do_update(index_elements=["household_id"], set_=values)
    )


def remove_contact(connection: Connection, household_id: str) -> bool:
    """Forget where a household's letters go; False if nobody knew."""
    gone = connection.execute(delete_from(contacts).where(contacts.c.household_id == household_id))
    return gone.rowcount == 1


def add_letter(connection: Connection, letter: Letter) -> bool:
    """Store a letter; False if it was written before."""
    return insert_new(
        connection,
        letters,
        {
            "household_id": letter.household_id,
            "letter_id": letter.letter_id,
            "kind": letter.kind,
            "order_key": letter.order_key,
            "language": letter.content.language,
            "content": letter.content.to_json(),
            "content_sha256": letter.content_sha256,
            **_changing(letter),
        },
    )


def save_letter(connection: Connection, letter: Letter) -> None:
    """Write what of a letter can change; never what it says."""
    connection.execute(
        update(letters)
        .where(
            letters.c.household_id == letter.household_id, letters.c.letter_id == letter.letter_id
        )
        .values(**_changing(letter))
    )


def letter(connection: Connection, household_id: str, letter_id: str) -> Letter | None:
    """Read one letter."""
    row = connection.execute(
        select(*letters.c).where(
            letters.c.household_id == household_id, letters.c.letter_id == letter_id
        )
    ).first()
    return None if row is None else _letter(row)


def letters_about(
    connection: Connection, household_id: str, order_key: str, limit: int
) -> list[Letter]:
    """Read the letters about one order, oldest first."""
    rows = connection.execute(
        select(*letters.c)
        .where(letters.c.household_id == household_id, letters.c.order_key == order_key)
        .order_by(letters.c.caused_at, letters.c.letter_id)
        .limit(limit)
    )
    return [_letter(row) for row in rows]


def letters_in(
    connection: Connection, household_id: str, states: Collection[LetterState], limit: int
) -> list[Letter]:
    """Read a household's letters in some states, oldest first."""
    rows = connection.execute(
        select(*letters.c)
        .where(letters.c.household_id == household_id, letters.c.state.in_(states))
        .order_by(letters.c.caused_at, letters.c.letter_id)
        .limit(limit)
    )
    return [_letter(row) for row in rows]


def lines_in(
    connection: Connection, states: Collection[LetterState], limit: int
) -> list[LetterLine]:
    """List letters in some states without what they say, newest first; an operator's read."""
    rows = connection.execute(
        select(
            letters.c.household_id,
            letters.c.letter_id,
            letters.c.kind,
            letters.c.order_key,
            letters.c.state,
            letters.c.last_error,
            letters.c.caused_at,
        )
        .where(letters.c.state.in_(states))
        .order_by(letters.c.caused_at.desc(), letters.c.letter_id)
        .limit(limit)
    )
    return [LetterLine(r[0], r[1], LetterKind(r[2]), r[3], LetterState(r[4]), *r[5:]) for r in rows]


def counts(connection: Connection) -> dict[LetterState, int]:
    """Count letters by state; an operator's read."""
    rows = connection.execute(select(letters.c.state, func.count()).group_by(letters.c.state))
    return {LetterState(state): count for state, count in rows}


def owed(connection: Connection, kinds: Collection[LetterKind]) -> int:
    """Count the letters of some kinds that no household has in hand and no job sends."""
    return connection.execute(
        select(func.count()).where(
            letters.c.kind.in_(kinds),
            letters.c.state.in_((LetterState.KEPT, LetterState.FAILED)),
            letters.c.fetched_at.is_(None),
        )
    ).scalar_one()


def times(
    connection: Connection, kind: LetterKind, since: datetime, limit: int
) -> Sequence[tuple[datetime, datetime]]:
    """Read when letters of a kind were caused and accepted, newest first."""
    rows = connection.execute(
        select(letters.c.caused_at, letters.c.accepted_at)
        .where(
            letters.c.kind == kind,
            letters.c.state == LetterState.ACCEPTED,
            letters.c.caused_at >= since,
        )
        .order_by(letters.c.caused_at.desc(), letters.c.letter_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def _changing(letter: Letter) -> dict[str, Any]:
    return {
        "state": letter.state,
        "attempts": letter.attempts,
        "unsure": letter.unsure,
        "last_error": letter.last_error,
        "caused_at": letter.caused_at,
        "state_at": letter.state_at,
        "accepted_at": letter.accepted_at,
        "accepted_for": letter.accepted_for,
        "fetched_at": letter.fetched_at,
    }


def _letter(row: Any) -> Letter:
    values = dict(row._mapping)
    del values["language"]
    return Letter(
        **{
            **values,
            "kind": LetterKind(values["kind"]),
            "state": LetterState(values["state"]),
            "content": Content.from_json(values["content"]),
        }
    )
