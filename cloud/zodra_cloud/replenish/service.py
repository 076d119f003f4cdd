"""What people and other rooms can do with needs: confirm, decline, answer, ask, settle.

Every function works inside the caller's unit of work, opened as `Database.write(household_id)`, so
that two clicks on one control follow each other. The household comes from the session, never from
the URL. What pages read is in `replenish.reading`, and reachable from here.

Other rooms take part in an order's life through `replenish.hooks`, in the commit of the move:

- `hooks.on_order(database, listener)`: `listener(connection, order, news, at)` for each
  `OrderNews` (confirmed, placed, shipped, delivered, cancelled, failed, late, refunded, ...);
- `hooks.on_quote(database, listener)`: `listener(connection, quote, at)` for each state of a quote;
- `hooks.on_cover(database, finder)`: `finder(connection, signal, slot, at)` gives the `Cover`, the
  concluded contract under which a need is ordered without another yes;
- `hooks.before_placing(database, gate)`: `gate(connection, order, at)` says `Go()`,
  `Wait(reason)` (its room calls `resume` when it knows more) or `Stop(ending)`.

They read and write and enqueue jobs; they call nobody outside.
"""

from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish import moves, repository
from zodra_cloud.replenish.after.service import (
    answer_follow_up,
    cancel,
    note_refund,
    open_follow_ups,
)
from zodra_cloud.replenish.agreements.contracts import (
    Concluded,
    NotConcluded,
    Said,
    agreements,
    conclude,
    cover_finder,
    end_agreement,
)
from zodra_cloud.replenish.agreements.terms import AGREEMENT_LABELS, AgreementRefusal, Terms
from zodra_cloud.replenish.metering.foreseeing import (
    SlotForecast,
    count_remaining,
    forecast_of,
    forget,
    forget_device,
)
from zodra_cloud.replenish.models import (
    At,
    Balance,
    CancelAnswer,
    Confirmed,
    ConfirmRefusal,
    Explanation,
    FollowUp,
    Line,
    NotConfirmed,
    OrderView,
    StoredOrder,
    StoredQuote,
    UnclearOrder,
)
from zodra_cloud.replenish.moves import Wanted
from zodra_cloud.replenish.policy import ORDER_LABELS
from zodra_cloud.replenish.reading import (
    balance,
    has_quote,
    open_questions,
    open_quotes,
    operator_balances,
    order,
    recent_orders,
    timeline,
    unclear_orders,
    under_way,
    why,
)
from zodra_cloud.replenish.repository import Agreement
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import (
    QUOTE_WAITS,
    Answer,
    Ending,
    OrderEvent,
    OrderState,
    QuoteEvent,
    QuoteState,
)
from zodra_cloud.store import jobs

__all__ = [
    "AGREEMENT_LABELS",
    "ORDER_LABELS",
    "Agreement",
    "AgreementRefusal",
    "Answer",
    "Balance",
    "CancelAnswer",
    "Concluded",
    "ConfirmRefusal",
    "Confirmed",
    "Explanation",
    "FollowUp",
    "Line",
    "NotConcluded",
    "NotConfirmed",
    "OrderView",
    "Said",
    "SlotForecast",
    "Snapshot",
    "StoredOrder",
    "StoredQuote",
    "Terms",
    "UnclearOrder",
    "agreements",
    "answer",
    "answer_follow_up",
    "ask_for_offer",
    "balance",
    "cancel",
    "conclude",
    "confirm",
    "count_remaining",
    "cover_finder",
    "decline",
    "end_agreement",
    "forecast_of",
    "forget",
    "forget_device",
    "has_quote",
    "note_refund",
    "open_follow_ups",
    "open_questions",
    "open_quotes",
    "operator_balances",
    "order",
    "recent_orders",
    "resume",
    "settle",
    "take_back",
    "timeline",
    "unclear_orders",
    "under_way",
    "why",
]

WAITING_MAX: Final = 1_000
"""At most one waits per slot, and no household has this many slots."""

_log = structlog.get_logger("zodra_cloud.replenish")


def confirm(
    connection: Connection,
    household_id: str,
    quote_id: str,
    *,
    snapshot_hash: str,
    label: str,
    language: str,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> Confirmed | NotConfirmed:
    """Take the household's labelled yes to a quote, and order it.

    A repeat of the same yes gives the same order, also long after.

    Args:
        connection: of the caller's unit of work.
        household_id: of the session.
        quote_id: from the form.
        snapshot_hash: from the form: what the person saw.
        label: the literal words on the control, in `language`; kept as proof.
        language: of the page.
        person_id: of the session.
        now: the instant.
        changes: tells the open pages after the commit.
    """
    quote = repository.quote(connection, household_id, quote_id)
    if quote is None or quote.snapshot is None:
        return NotConfirmed(ConfirmRefusal.UNKNOWN_QUOTE)
    if quote.state is QuoteState.CONFIRMED and quote.snapshot_hash == snapshot_hash:
        return Confirmed(quote.order_key)
    refusal = _against(connection, quote, snapshot_hash, label, language, person_id, now)
    at = At(now, changes)
    if refusal is ConfirmRefusal.EXPIRED:
        moves.end_quote(connection, quote, QuoteEvent.EXPIRE, Ending.QUOTE_EXPIRED, at)
    if refusal is not None:
        return NotConfirmed(refusal)
    confirmed = moves.move_quote(connection, quote, QuoteEvent.CONFIRM, at, ended_by=person_id)
    if confirmed is None:
        return NotConfirmed(ConfirmRefusal.CLOSED)
    placed = moves.new_order(confirmed, moves.Yes(person_id, label, language), at)
    moves.add_order(connection, placed, at)
    return Confirmed(placed.order_key)


def _against(
    connection: Connection,
    quote: StoredQuote,
    snapshot_hash: str,
    label: str,
    language: str,
    person_id: str,
    now: datetime,
) -> ConfirmRefusal | None:
    if not _may_confirm(connection, quote, person_id):
        return ConfirmRefusal.MAY_NOT_CONFIRM
    expired = quote.expires_at is not None and now >= quote.expires_at
    if consent.live_grant(connection, quote.household_id, Purpose(quote.purpose)) is None:
        return ConfirmRefusal.NO_CONSENT
    if quote.state is QuoteState.EXPIRED or (quote.state is QuoteState.OPEN and expired):
        return ConfirmRefusal.EXPIRED
    if quote.state is not QuoteState.OPEN:
        return ConfirmRefusal.CLOSED
    if quote.snapshot_hash != snapshot_hash:
        return ConfirmRefusal.CHANGED
    if ORDER_LABELS.get(language) != label:
        return ConfirmRefusal.WRONG_LABEL
    place = (quote.household_id, quote.device_id, quote.slot_key)
    if repository.open_order(connection, *place) is not None:
        return ConfirmRefusal.ALREADY_ON_ITS_WAY
    return None


def _may_confirm(connection: Connection, quote: StoredQuote, person_id: str) -> bool:
    place = (quote.household_id, quote.device_id, quote.slot_key)
    slot = households.slot(connection, *place)
    return slot is None or not slot.confirmers or person_id in slot.confirmers


def decline(
    connection: Connection,
    household_id: str,
    quote_id: str,
    *,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the household's no to a quote or a question; False if it had ended already."""
    quote = repository.quote(connection, household_id, quote_id)
    if quote is None:
        return False
    at = At(now, changes)
    return moves.end_quote(
        connection, quote, QuoteEvent.DECLINE, Ending.DECLINED, at, person_id=person_id
    )


def answer(
    connection: Connection,
    household_id: str,
    quote_id: str,
    *,
    needed: bool,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the answer to "do you still need this?"; a yes asks the shop for its price.

    Returns:
        False if the question had ended already, or the slot's limits do not let this person
        answer it with yes; nothing changed.
    """
    if not needed:
        return decline(
            connection, household_id, quote_id, person_id=person_id, now=now, changes=changes
        )
    quote = repository.quote(connection, household_id, quote_id)
    if quote is None or not _may_confirm(connection, quote, person_id):
        return False
    at = At(now, changes)
    wanted = moves.move_quote(connection, quote, QuoteEvent.WANTED, at, expires_at=None)
    return wanted is not None


def ask_for_offer(
    connection: Connection,
    signal: StoredSignal,
    *,
    sku: str,
    quantity: int,
    currency: str,
    now: datetime,
    changes: Changes,
) -> str | None:
    """Ask a price for an offer that the household accepted; it is confirmed like any other.

    Returns:
        The quote's id; None if the slot has a quote or an order under way already.
    """
    place = (signal.household_id, signal.device_id, signal.slot_key)
    if repository.waiting_quote(connection, *place) or repository.open_order(connection, *place):
        return None
    wanted = Wanted(
        household_id=signal.household_id,
        signal_id=signal.signal_id,
        device_id=signal.device_id,
        slot_key=signal.slot_key,
        purpose=Purpose.OFFERS.value,
        sku=sku,
        quantity=quantity,
        currency=currency,
        price_ceiling_minor=None,
        reason="offer_accepted",
    )
    return moves.ask(connection, wanted, question=False, number=1, at=At(now, changes)).quote_id


def settle(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take an operator's word that the shop does not have an order that was unknown.

    Returns:
        False if the order is not, or no longer, in need of a person.
    """
    found = repository.order(connection, household_id, order_key)
    if found is None or found.state is not OrderState.NEEDS_PERSON:
        return False
    at = At(now, changes)
    moves.move_order(
        connection, found, OrderEvent.REFUSED, "operator", at, reason=Ending.NOT_AT_SHOP.value
    )
    _log.info("order_settled", order_key=order_key, household_id=household_id)
    return True


def resume(connection: Connection, household_id: str, order_key: str, *, now: datetime) -> bool:
    """Ask the gates at once about an order that waits, as when its payment is through.

    Returns:
        False if the order does not wait.
    """
    return jobs.hasten(connection, moves.job_key(moves.PLACE_JOB, household_id, order_key), now)


def take_back(
    connection: Connection,
    household_id: str,
    purpose: Purpose,
    *,
    now: datetime,
    changes: Changes,
) -> int:
    """Take back every quote and question that waits under a consent that was withdrawn.

    Orders that the household confirmed go on: those are contracts of their own.

    Returns:
        How many were taken back.
    """
    at = At(now, changes)
    waiting = repository.quotes_in(connection, household_id, tuple(QUOTE_WAITS), WAITING_MAX)
    under = [quote for quote in waiting if quote.purpose == purpose]
    for quote in under:
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.CONSENT_WITHDRAWN, at)
    return len(under)
