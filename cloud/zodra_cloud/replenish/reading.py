"""What pages read: the timeline, open quotes, orders, explanations, and balances that add up."""

from typing import Final

from sqlalchemy import Connection

from zodra_cloud.errors import UnknownThing
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.replenish import repository
from zodra_cloud.replenish.models import (
    Balance,
    Explanation,
    FollowUp,
    Line,
    OrderStep,
    OrderView,
    Step,
    StepKind,
    StoredDecision,
    StoredOrder,
    StoredQuote,
    UnclearOrder,
)
from zodra_cloud.replenish.policy import Fact
from zodra_cloud.replenish.states import AT_SHOP, OrderState, QuoteState
from zodra_cloud.store.paging import Before
from zodra_contract.outcome import SignalState
from zodra_contract.signal import BUYING_PAUSED

QUOTES_MAX: Final = 50
"""More open quotes than slots there cannot be; a page that lists more helps nobody."""
UNCLEAR_MAX: Final = 200

_FOR_REPLAY: Final = frozenset({"occurred_at", "decided_at", "time_error_ms", "press_counts"})
"""Facts that a decision is taken again from, and that say nothing more to a person."""
_ONLY_IF_GIVEN: Final = frozenset({"last_order_at", "quiet_until", "cover"})

_COUNTED_AS: Final = {
    SignalState.RECEIVED: "pending",
    SignalState.ORDERING: "pending",
    SignalState.ASKED: "asked",
    SignalState.ORDERED: "ordered",
    SignalState.SHIPPED: "ordered",
    SignalState.DELIVERED: "ordered",
    SignalState.ALREADY_ON_ITS_WAY: "refused",
    SignalState.REFUSED: "refused",
    SignalState.EXPIRED: "expired",
}


def timeline(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[Line]:
    """Read the newest needs of a household with what became of each, newest first.

    With `before`, those that follow in the list; it names the instant and id of the last one.
    """
    found = needs.recent_signals(connection, household_id, limit, before)
    return _lines(connection, household_id, found)


def line(connection: Connection, household_id: str, signal_id: str) -> Line:
    """Read one need with what became of it. Raises `UnknownThing`."""
    return _lines(connection, household_id, [needs.signal(connection, household_id, signal_id)])[0]


def quote(connection: Connection, household_id: str, quote_id: str) -> StoredQuote:
    """Read one quote or question, in whatever state. Raises `UnknownThing`."""
    found = repository.quote(connection, household_id, quote_id)
    if found is None:
        raise UnknownThing("quote", quote_id)
    return found


def recent_quotes(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[StoredQuote]:
    """Read the newest quotes and questions of a household, newest first, or those that follow."""
    return repository.recent_quotes(connection, household_id, limit, before)


def follow_up(connection: Connection, household_id: str, order_key: str) -> FollowUp | None:
    """Read the question "was it right?" about an order; None before its delivery."""
    return repository.follow_up(connection, household_id, order_key)


def open_quotes(connection: Connection, household_id: str) -> list[StoredQuote]:
    """Read the priced quotes that wait for the household, oldest first; each has a snapshot."""
    return repository.quotes_in(connection, household_id, (QuoteState.OPEN,), QUOTES_MAX)


def open_questions(connection: Connection, household_id: str) -> list[StoredQuote]:
    """Read the questions "do you still need this?" that wait; the reason says why it is asked."""
    return repository.quotes_in(connection, household_id, (QuoteState.QUESTION,), QUOTES_MAX)


def has_quote(connection: Connection, household_id: str, quote_id: str) -> bool:
    """Tell whether a quote is this household's, in whatever state."""
    return repository.quote(connection, household_id, quote_id) is not None


def under_way(
    connection: Connection, household_id: str, device_id: str, slot_key: str
) -> str | None:
    """Name the need whose order, quote or question a slot waits for; None if there is none."""
    place = (household_id, device_id, slot_key)
    found = repository.open_order(connection, *place) or repository.waiting_quote(
        connection, *place
    )
    return None if found is None else found.signal_id


def order(connection: Connection, household_id: str, order_key: str) -> OrderView:
    """Read one order with its history. Raises `UnknownThing`."""
    found = repository.order(connection, household_id, order_key)
    if found is None:
        raise UnknownThing("order", order_key)
    return _order_view(connection, found)


def recent_orders(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[OrderView]:
    """Read the newest orders of a household, newest first, or those that follow `before`."""
    found = repository.recent_orders(connection, household_id, limit, before)
    return [_order_view(connection, each) for each in found]


def unclear_orders(connection: Connection) -> list[UnclearOrder]:
    """Read the orders that may or may not be at the shop; an operator's read, longest first."""
    return repository.unclear_orders(connection, UNCLEAR_MAX)


def why(connection: Connection, household_id: str, signal_id: str) -> Explanation:
    """Explain one need, step by step. Raises `UnknownThing`."""
    signal = needs.signal(connection, household_id, signal_id)
    line = _lines(connection, household_id, [signal])[0]
    steps = [_need_step(signal)]
    for earlier in repository.superseded(connection, household_id, signal_id):
        steps.append(_decision_step(earlier))
    if line.decision is not None:
        steps.append(_decision_step(line.decision))
    of_signal = repository.quotes_of(connection, household_id, [signal_id])
    for quote in of_signal.get(signal_id, []):
        steps += _quote_steps(quote)
    found = line.order
    if found is not None and found.signal_id == signal_id:
        history = repository.steps(connection, household_id, found.order_key)
        steps += [_order_step(found, step) for step in history]
    outcome = Step(StepKind.OUTCOME, signal.state_at, signal.state.value, signal.reason, {})
    return Explanation(line, (*steps, outcome))


def balance(connection: Connection, household_id: str) -> Balance:
    """Count where all needs of a household stand."""
    tally = needs.tally(connection, household_id)
    orders = repository.tally(connection, household_id).get(household_id, {})
    return _balance(household_id, tally, orders)


def operator_balances(connection: Connection) -> list[Balance]:
    """Count where all needs stand, for every household that has any; an operator's read."""
    orders = repository.tally(connection, None)
    return [
        _balance(household_id, tally, orders.get(household_id, {}))
        for household_id, tally in sorted(needs.tallies(connection).items())
    ]


def _balance(
    household_id: str, tally: dict[SignalState, int], orders: dict[OrderState, int]
) -> Balance:
    counts = dict.fromkeys(_COUNTED_AS.values(), 0)
    for state, count in tally.items():
        counts[_COUNTED_AS[state]] += count
    return Balance(
        household_id=household_id,
        needs=sum(tally.values()),
        ordered=counts["ordered"],
        asked=counts["asked"],
        refused=counts["refused"],
        expired=counts["expired"],
        pending=counts["pending"],
        held=tally.get(SignalState.ALREADY_ON_ITS_WAY, 0),
        orders=sum(orders.get(state, 0) for state in AT_SHOP),
        unclear=orders.get(OrderState.UNKNOWN, 0) + orders.get(OrderState.NEEDS_PERSON, 0),
    )


def _lines(connection: Connection, household_id: str, signals: list[StoredSignal]) -> list[Line]:
    decisions = repository.decisions_on(
        connection, household_id, [signal.signal_id for signal in signals]
    )
    leads = {
        signal.signal_id: _lead(signal.signal_id, decisions.get(signal.signal_id))
        for signal in signals
    }
    quotes = repository.quotes_of(connection, household_id, list(leads.values()))
    orders = repository.orders_of(connection, household_id, list(leads.values()))
    return [
        Line(
            signal=signal,
            decision=decisions.get(signal.signal_id),
            quote=quotes.get(leads[signal.signal_id], [None])[-1],
            order=orders.get(leads[signal.signal_id]),
        )
        for signal in signals
    ]


def _lead(signal_id: str, decision: StoredDecision | None) -> str:
    return signal_id if decision is None or decision.follows is None else decision.follows


def _order_view(connection: Connection, found: StoredOrder) -> OrderView:
    quote = repository.quote(connection, found.household_id, found.quote_id)
    if quote is None or quote.snapshot is None:
        raise UnknownThing("quote", found.quote_id)
    steps = repository.steps(connection, found.household_id, found.order_key)
    return OrderView(found, quote.snapshot, tuple(steps))


def _need_step(signal: StoredSignal) -> Step:
    paused = BUYING_PAUSED in signal.evidence
    facts: dict[str, Fact] = {
        "device_id": signal.device_id,
        "slot_key": signal.slot_key,
        "gateway_id": signal.gateway_id,
        **({"buying_paused": True} if paused else {"authenticated": signal.authenticated}),
        "time_quality": signal.quality.value,
        "time_error_ms": signal.error_ms,
        "received_after_ms": round((signal.received_at - signal.occurred_at).total_seconds() * 1e3),
        **{
            f"evidence_{name}": value
            for name, value in signal.evidence.items()
            if name != BUYING_PAUSED
        },
    }
    return Step(StepKind.NEED, signal.occurred_at, signal.kind.value, "", facts)


def _decision_step(decision: StoredDecision) -> Step:
    facts: dict[str, Fact] = {
        name: value
        for name, value in decision.facts.items()
        if name not in _FOR_REPLAY and not (value is None and name in _ONLY_IF_GIVEN)
    }
    facts["policy_version"] = decision.policy_version
    return Step(
        StepKind.DECISION,
        decision.decided_at,
        decision.verdict.value,
        decision.reason.value,
        facts,
    )


def _quote_steps(quote: StoredQuote) -> list[Step]:
    kind = StepKind.QUESTION if quote.state is QuoteState.QUESTION else StepKind.QUOTE
    facts: dict[str, Fact] = {"sku": quote.sku, "quantity": quote.quantity, "round": quote.round}
    if quote.snapshot is not None:
        facts |= {
            "total_minor": quote.snapshot.total_minor,
            "currency": quote.snapshot.currency,
            "price_ceiling_minor": quote.price_ceiling_minor,
            "merchant": quote.snapshot.merchant_name,
            "snapshot_hash": quote.snapshot_hash,
        }
    return [Step(kind, quote.created_at, quote.state.value, quote.reason, facts)]


def _order_step(found: StoredOrder, step: OrderStep) -> Step:
    if step.event is None:
        facts: dict[str, Fact] = {
            "label": found.label,
            "total_minor": found.total_minor,
            "currency": found.currency,
            "snapshot_hash": found.snapshot_hash,
        }
        return Step(StepKind.CONFIRMATION, step.at, step.state.value, "", facts)
    facts = {"source": step.source, "order_key": found.order_key}
    if found.shop_order_id is not None:
        facts["shop_order_id"] = found.shop_order_id
    return Step(StepKind.ORDER, step.at, step.state.value, step.detail, facts)
