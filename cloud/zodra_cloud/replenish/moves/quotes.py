"""The moves of a quote, from the question or the request for a price to its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.ingest.service import Restated
from zodra_cloud.replenish import hooks, repository
from zodra_cloud.replenish.models import At, StoredQuote
from zodra_cloud.replenish.moves.common import (
    EXPIRE_JOB,
    QUOTE_JOB,
    job_key,
    move_need,
    move_needs,
)
from zodra_cloud.replenish.states import Ending, QuoteEvent, QuoteState, next_quote_state
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_cloud.store.jobs import Intention
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState

QUESTION_LIFETIME: Final = timedelta(hours=24)
"""A question is no contract and may wait for the evening; a price may not."""


_log = structlog.get_logger("zodra_cloud.replenish")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be asked for: a need, its place, and what replenishes it."""

    household_id: str
    signal_id: str
    device_id: str
    slot_key: str
    purpose: str
    sku: str
    quantity: int
    currency: str
    price_ceiling_minor: int | None
    reason: str
    agreement_id: str | None = None


def ask(
    connection: Connection, wanted: Wanted, *, question: bool, number: int, at: At
) -> StoredQuote:
    """Open a quote for a need: first a question to the household, or the shop at once.

    Args:
        connection: of a unit of work that names the household.
        wanted: what to ask for.
        question: whether the household is asked first if the need is there.
        number: the round, from 1.
        at: instant and pages.
    """
    quote = new_quote(wanted, question=question, number=number, at=at)
    add_quotes(connection, [quote], at)
    return quote


def new_quote(wanted: Wanted, *, question: bool, number: int, at: At) -> StoredQuote:
    """Write down what `add_quotes` stores; arguments as those of `ask`."""
    household_id, signal_id = wanted.household_id, wanted.signal_id
    return StoredQuote(
        household_id=household_id,
        quote_id=quote_id(household_id, signal_id, number),
        signal_id=signal_id,
        round=number,
        device_id=wanted.device_id,
        slot_key=wanted.slot_key,
        purpose=wanted.purpose,
        order_key=order_key(household_id, signal_id, number),
        sku=wanted.sku,
        quantity=wanted.quantity,
        currency=wanted.currency,
        price_ceiling_minor=wanted.price_ceiling_minor,
        state=QuoteState.QUESTION if question else QuoteState.REQUESTED,
        reason=wanted.reason,
        session_id=None,
        snapshot=None,
        snapshot_hash=None,
        expires_at=at.now + QUESTION_LIFETIME if question else None,
        created_at=at.now,
        state_at=at.now,
        ended_by=None,
        agreement_id=wanted.agreement_id,
    )


def add_quotes(connection: Connection, quotes: Sequence[StoredQuote], at: At) -> None:
    """Store new quotes with their jobs; a question also moves its need."""
    repository.add_quotes(connection, quotes)
    jobs.enqueue_all(connection, [job for each in quotes for job in _quote_jobs(each, at)])
    hooks.tell_quotes(connection, quotes, at)
    asked = [
        Restated(each.household_id, each.signal_id, SignalState.ASKED, each.reason)
        for each in quotes
        if each.state is QuoteState.QUESTION
    ]
    if asked:
        move_needs(connection, asked, at)


def quote_id(household_id: str, signal_id: str, number: int) -> str:
    """Derive the id of a need's quote of one round."""
    return derived_id("q", household_id, signal_id, number)


def order_key(household_id: str, signal_id: str, number: int) -> str:
    """Derive the key of an order: the need alone names it, on any machine, after any crash.

    A later round exists only after the shop refused the order of the earlier one for certain.
    """
    parts = (household_id, signal_id) if number == 1 else (household_id, signal_id, number)
    return derived_id("o", *parts)


def move_quote(
    connection: Connection, quote: StoredQuote, event: QuoteEvent, at: At, **facts: Any
) -> StoredQuote | None:
    """Make one move of a quote with its jobs; the need is the caller's.

    Returns:
        The quote as it is now; None if its table has no such move, and nothing changed.
    """
    moved = move_quotes(connection, [Moving(quote, event, facts)], at)
    return moved[0] if moved else None


@dataclass(frozen=True, slots=True)
class Moving:
    """A move of a quote that is to be made."""

    quote: StoredQuote
    event: QuoteEvent
    facts: Mapping[str, Any]
    """What else of the quote changes."""


def move_quotes(connection: Connection, moving: Sequence[Moving], at: At) -> list[StoredQuote]:
    """Make one move of each of many quotes, as `move_quote`; gives those that moved."""
    moved: list[StoredQuote] = []
    for each in moving:
        state = next_quote_state(each.quote.state, each.event)
        if state is not None:
            moved.append(replace(each.quote, state=state, state_at=at.now, **each.facts))
    repository.save_quotes(connection, moved)
    jobs.enqueue_all(connection, [job for each in moved for job in _quote_jobs(each, at)])
    hooks.tell_quotes(connection, moved, at)
    for quote in moved:
        after_commit(connection, partial(_say_quote, quote, at))
    return moved


def _say_quote(quote: StoredQuote, at: At) -> None:
    _log.info(
        "quote_moved",
        state=quote.state.value,
        household_id=quote.household_id,
        signal_id=quote.signal_id,
        quote_id=quote.quote_id,
        sku=quote.sku,
        quantity=quote.quantity,
        total_minor=None if quote.snapshot is None else quote.snapshot.total_minor,
        currency=quote.currency,
    )
    at.changes.tell(quote.household_id)


def end_quote(
    connection: Connection,
    quote: StoredQuote,
    event: QuoteEvent,
    ending: Ending,
    at: At,
    *,
    person_id: str | None = None,
) -> bool:
    """End a quote without an order, and its need with it; False if it had ended already."""
    moved = move_quote(connection, quote, event, at, reason=ending.value, ended_by=person_id)
    if moved is None:
        return False
    state = SignalState.EXPIRED if event is QuoteEvent.EXPIRE else SignalState.REFUSED
    move_need(connection, quote.household_id, quote.signal_id, state, ending.value, at)
    return True


def _quote_jobs(quote: StoredQuote, at: At) -> list[Intention]:
    if quote.state is QuoteState.REQUESTED:
        return [_intention(QUOTE_JOB, quote, at.now)]
    if quote.state in (QuoteState.QUESTION, QuoteState.OPEN) and quote.expires_at is not None:
        ending = _intention(EXPIRE_JOB, quote, quote.expires_at, f":{quote.state.value}")
        return [replace(ending, far_off=True)]
    return []


def _intention(kind: str, quote: StoredQuote, due_at: datetime, attempt: str = "") -> Intention:
    key = job_key(kind, quote.household_id, f"{quote.quote_id}{attempt}")
    return Intention(kind, key, quote.household_id, {"id": quote.quote_id}, due_at)
