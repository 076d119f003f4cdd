"""Rows of decisions and quotes."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from zodra_cloud.replenish.models import StoredDecision, StoredQuote
from zodra_cloud.replenish.policy import Reason, Verdict
from zodra_cloud.replenish.repository.tables import decisions, quotes, superseded_decisions
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import QUOTE_WAITS, QuoteState
from zodra_cloud.store.among import among
from zodra_cloud.store.inserting import insert_many, update_many
from zodra_cloud.store.paging import Before, older

_QUOTE_COLUMNS: Final = tuple(column.name for column in quotes.c)
_QUOTE_KEY: Final = ("household_id", "quote_id")
_QUOTE_MOVES: Final = (
    "state",
    "reason",
    "session_id",
    "snapshot",
    "snapshot_hash",
    "expires_at",
    "state_at",
    "ended_by",
)
_DECISION_COLUMNS: Final = tuple(column.name for column in decisions.c)
_SUPERSEDED_COLUMNS: Final = tuple(column.name for column in superseded_decisions.c)


Place = tuple[str, str, str]
"""Household, device and slot key."""


def add_decisions(connection: Connection, verdicts: Sequence[StoredDecision]) -> None:
    """Store verdicts; a need has one at a time."""
    insert_many(connection, decisions, [_decision_values(each) for each in verdicts])


def supersede_decision(connection: Connection, decision: StoredDecision) -> None:
    """Set a verdict aside that only held its need, before the need is decided again."""
    place = (
        decisions.c.household_id == decision.household_id,
        decisions.c.signal_id == decision.signal_id,
    )
    count = connection.execute(
        select(func.count()).where(
            superseded_decisions.c.household_id == decision.household_id,
            superseded_decisions.c.signal_id == decision.signal_id,
        )
    ).scalar_one()
    values = _decision_values(decision)
    kept = {name: values[name] for name in _SUPERSEDED_COLUMNS if name != "number"}
    connection.execute(insert(superseded_decisions).values(number=count + 1, **kept))
    connection.execute(delete(decisions).where(*place))


def superseded(connection: Connection, household_id: str, signal_id: str) -> list[StoredDecision]:
    """Read the verdicts on one need that were set aside, oldest first."""
    rows = connection.execute(
        select(*superseded_decisions.c)
        .where(
            superseded_decisions.c.household_id == household_id,
            superseded_decisions.c.signal_id == signal_id,
        )
        .order_by(superseded_decisions.c.number)
    )
    found: list[StoredDecision] = []
    for row in rows:
        values = {name: value for name, value in row._mapping.items() if name != "number"}
        values |= {"verdict": Verdict(row.verdict), "reason": Reason(row.reason)}
        found.append(StoredDecision(**values, quote_id=None, follows=None))
    return found


def decisions_for(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], StoredDecision]:
    """Read the verdicts on needs of several households, by household and signal."""
    rows = connection.execute(
        select(*decisions.c).where(
            among(connection, (decisions.c.household_id, decisions.c.signal_id), keys)
        )
    )
    return {(row.household_id, row.signal_id): _decision(row) for row in rows}


def decision(connection: Connection, household_id: str, signal_id: str) -> StoredDecision | None:
    """Read the verdict on one need."""
    return decisions_on(connection, household_id, [signal_id]).get(signal_id)


def decisions_on(
    connection: Connection, household_id: str, signal_ids: Collection[str]
) -> dict[str, StoredDecision]:
    """Read the verdicts on several needs, by signal."""
    rows = connection.execute(
        select(*decisions.c).where(
            decisions.c.household_id == household_id, decisions.c.signal_id.in_(signal_ids)
        )
    )
    return {row.signal_id: _decision(row) for row in rows}


def followers(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Name the needs that hold on to the quotes of others: household, that need, and the other."""
    rows = connection.execute(
        select(decisions.c.household_id, decisions.c.signal_id, decisions.c.follows)
        .where(among(connection, (decisions.c.household_id, decisions.c.follows), keys))
        .order_by(decisions.c.household_id, decisions.c.signal_id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def add_quotes(connection: Connection, new: Sequence[StoredQuote]) -> None:
    """Store new quotes."""
    insert_many(connection, quotes, [_quote_values(each) for each in new])


def save_quotes(connection: Connection, moved: Sequence[StoredQuote]) -> None:
    """Write what of quotes can change."""
    written = [_quote_values(each) for each in moved]
    update_many(
        connection,
        quotes,
        _QUOTE_KEY,
        [{name: each[name] for name in (*_QUOTE_KEY, *_QUOTE_MOVES)} for each in written],
    )


def quotes_at(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], StoredQuote]:
    """Read several quotes, by household and quote."""
    rows = connection.execute(
        select(*quotes.c).where(among(connection, (quotes.c.household_id, quotes.c.quote_id), keys))
    )
    return {(row.household_id, row.quote_id): _quote(row) for row in rows}


def quote(connection: Connection, household_id: str, quote_id: str) -> StoredQuote | None:
    """Read one quote."""
    row = connection.execute(
        select(*quotes.c).where(
            quotes.c.household_id == household_id, quotes.c.quote_id == quote_id
        )
    ).first()
    return None if row is None else _quote(row)


def waiting_quote(
    connection: Connection, household_id: str, device_id: str, slot_key: str
) -> StoredQuote | None:
    """Read the one quote or question of a slot that waits."""
    row = connection.execute(
        select(*quotes.c).where(
            quotes.c.household_id == household_id,
            quotes.c.device_id == device_id,
            quotes.c.slot_key == slot_key,
            quotes.c.state.in_(QUOTE_WAITS),
        )
    ).first()
    return None if row is None else _quote(row)


def waiting_quote_ids(
    connection: Connection, places: Collection[Place]
) -> dict[Place, tuple[str, str]]:
    """Read quote and signal of what waits at several places."""
    place = (quotes.c.household_id, quotes.c.device_id, quotes.c.slot_key)
    rows = connection.execute(
        select(
            quotes.c.household_id,
            quotes.c.device_id,
            quotes.c.slot_key,
            quotes.c.quote_id,
            quotes.c.signal_id,
        ).where(among(connection, place, places), quotes.c.state.in_(QUOTE_WAITS))
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


def quotes_in(
    connection: Connection, household_id: str, states: Collection[QuoteState], limit: int
) -> list[StoredQuote]:
    """Read the quotes of a household in some states, oldest first."""
    rows = connection.execute(
        select(*quotes.c)
        .where(quotes.c.household_id == household_id, quotes.c.state.in_(states))
        .order_by(quotes.c.created_at, quotes.c.quote_id)
        .limit(limit)
    )
    return [_quote(row) for row in rows]


def recent_quotes(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[StoredQuote]:
    """Read the newest quotes and questions of a household, or those that follow in the list."""
    rows = connection.execute(
        select(*quotes.c)
        .where(quotes.c.household_id == household_id)
        .where(older(quotes.c.created_at, quotes.c.quote_id, before))
        .order_by(quotes.c.created_at.desc(), quotes.c.quote_id)
        .limit(limit)
    )
    return [_quote(row) for row in rows]


def quotes_of(
    connection: Connection, household_id: str, signal_ids: Collection[str]
) -> dict[str, list[StoredQuote]]:
    """Read all quotes of several needs, by signal, in the order of their rounds."""
    rows = connection.execute(
        select(*quotes.c)
        .where(quotes.c.household_id == household_id, quotes.c.signal_id.in_(signal_ids))
        .order_by(quotes.c.signal_id, quotes.c.round)
    )
    found: dict[str, list[StoredQuote]] = {}
    for row in rows:
        found.setdefault(row.signal_id, []).append(_quote(row))
    return found


def _decision_values(decision: StoredDecision) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in _DECISION_COLUMNS}


def _decision(row: Any) -> StoredDecision:
    values = {**row._mapping}
    return StoredDecision(
        **{**values, "verdict": Verdict(row.verdict), "reason": Reason(row.reason)}
    )


def _quote(row: Any) -> StoredQuote:
    stored = row.snapshot
    return StoredQuote(
        **{
            **row._mapping,
            "state": QuoteState(row.state),
            "snapshot": None if stored is None else Snapshot.from_json(stored),
        }
    )


def _quote_values(quote: StoredQuote) -> dict[str, Any]:
    values = {name: getattr(quote, name) for name in _QUOTE_COLUMNS}
    return {**values, "snapshot": None if quote.snapshot is None else quote.snapshot.to_json()}
