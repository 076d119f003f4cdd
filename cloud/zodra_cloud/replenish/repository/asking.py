"""Rows of decisions and quotes."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.replenish.models import StoredDecision, StoredQuote
from zodra_cloud.replenish.policy import Reason, Verdict
from zodra_cloud.replenish.repository.tables import decisions, quotes
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import QUOTE_WAITS, QuoteState

_QUOTE_COLUMNS: Final = tuple(column.name for column in quotes.c)


def add_decision(connection: Connection, decision: StoredDecision) -> None:
    """Store one verdict; a need is decided once."""
    connection.execute(insert(decisions).values(**asdict(decision)))


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


def followers(connection: Connection, household_id: str, signal_id: str) -> list[str]:
    """Name the needs that hold on to the quote of another."""
    rows = connection.execute(
        select(decisions.c.signal_id)
        .where(decisions.c.household_id == household_id, decisions.c.follows == signal_id)
        .order_by(decisions.c.signal_id)
    )
    return list(rows.scalars())


def add_quote(connection: Connection, quote: StoredQuote) -> None:
    """Store a new quote."""
    connection.execute(insert(quotes).values(**_quote_values(quote)))


def save_quote(connection: Connection, quote: StoredQuote) -> None:
    """Write what of a quote can change."""
    connection.execute(
        update(quotes)
        .where(quotes.c.household_id == quote.household_id, quotes.c.quote_id == quote.quote_id)
        .values(**_quote_values(quote))
    )


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
