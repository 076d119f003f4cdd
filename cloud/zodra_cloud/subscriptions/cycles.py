"""The deliveries of a subscription: from the date to one need, and from the need to its outcome.

A delivery's need is named by household, subscription and number alone, so that a crash, a second
worker or a clock that jumps can make it once and never twice.
"""

from typing import Final

from sqlalchemy import Connection

from zodra_cloud.households.models import Slot
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.money import Money
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At, StoredOrder, StoredQuote
from zodra_cloud.replenish.policy import Cover, CoverBasis
from zodra_cloud.replenish.states import Ending, OrderNews
from zodra_cloud.subscriptions import moves, repository
from zodra_cloud.subscriptions.models import room_of
from zodra_cloud.subscriptions.moves import Loaded
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import Cycle
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, RUNNING, CycleState, Status
from zodra_cloud.subscriptions.policy.steps import pulls_forward
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality

PREFIX: Final = "sc"
"""Of the ids of needs that deliveries make; so that news of other orders costs no look-up."""
SOURCE: Final = "subscriptions"

_BOUGHT: Final = frozenset({SignalState.ORDERED, SignalState.SHIPPED, SignalState.DELIVERED})
_CAME_TO_NOTHING: Final = frozenset(
    {SignalState.REFUSED, SignalState.EXPIRED, SignalState.ALREADY_ON_ITS_WAY}
)
_WATCHED: Final = frozenset(
    {CycleState.DUE, CycleState.ASKED, CycleState.ORDERED, CycleState.PULLED_FORWARD}
)


def signal_id(household_id: str, subscription_id: str, cycle: int) -> str:
    """Name the need of one delivery."""
    return derived_id(PREFIX, household_id, subscription_id, cycle)


def make_need(connection: Connection, loaded: Loaded, number: int, at: At) -> Loaded:
    """Make the need of a delivery that is due, or let it wait for what is under way."""
    row, state = loaded.row, loaded.state
    under = replenish.under_way(connection, row.household_id, row.device_id, row.slot_key)
    if under is not None:
        if number in state.done:
            return loaded
        return moves.append(connection, loaded, [e.CycleHeld(number, under)], at)
    held = state.done.get(number)
    if held is None:
        notice = state.notice
        announced = notice is not None and notice.handed_over
        on, item = state.on(number), state.item_of(number)
    else:
        announced, on, item = held.within_rule, held.on, held.item
    need_id = signal_id(row.household_id, row.subscription_id, number)
    within_rule = announced and not room_of(connection).rules.ask_each_time
    due = e.CycleDue(number, on, need_id, item, within_rule)
    after = moves.append(connection, loaded, [due], at)
    need = NeedSignal(
        signal_id=need_id,
        device_id=row.device_id,
        slot_key=row.slot_key,
        kind=SignalKind.SCHEDULED,
        occurred_at=at.now,
        time=TimeNote(boot_id="cloud", monotonic_ms=0, quality=TimeQuality.SYNCED, error_ms=0),
        evidence={"subscription_id": row.subscription_id, "cycle": number},
        authenticated=True,
    )
    needs.take_in(connection, row.household_id, need, source=SOURCE, now=at.now)
    return after


def settle(connection: Connection, loaded: Loaded, at: At) -> Loaded:
    """Take in what became of the deliveries that are under way."""
    row = loaded.row
    watched = [
        (row.household_id, each.signal_id)
        for each in loaded.state.done.values()
        if each.signal_id is not None
    ]
    found = needs.signals(connection, watched) if watched else {}
    for number, cycle in sorted(loaded.state.done.items()):
        need = found.get((row.household_id, cycle.signal_id or ""))
        if cycle.state is CycleState.HELD:
            loaded = _settle_held(connection, loaded, number, need, at)
        elif cycle.state in _WATCHED:
            event = _outcome(loaded, number, cycle, need, at)
            if event is not None:
                loaded = moves.append(connection, loaded, [event], at)
            elif _taken_back(connection, loaded, cycle, at):
                failed = e.CycleFailed(number, Ending.DECLINED.value)
                loaded = moves.append(connection, loaded, [failed], at)
    return loaded


def _outcome(
    loaded: Loaded, number: int, cycle: Cycle, need: StoredSignal | None, at: At
) -> e.Event | None:
    if need is None:
        return None
    if cycle.state is CycleState.PULLED_FORWARD:
        return _of_pulled(loaded, number, cycle, need, at)
    if need.kind is not SignalKind.SCHEDULED:
        # A gateway cannot send this kind; whoever took the name of our need gets no cover.
        return e.CycleFailed(number, "need_taken")
    if need.state in _CAME_TO_NOTHING:
        return e.CycleFailed(number, need.reason)
    if need.state in _BOUGHT:
        return None if cycle.state is CycleState.ORDERED else e.CycleOrdered(number)
    if need.state is SignalState.ASKED and cycle.state is not CycleState.ASKED:
        return e.CycleAsked(number, need.reason)
    return None


def _of_pulled(
    loaded: Loaded, number: int, cycle: Cycle, need: StoredSignal, at: At
) -> e.Event | None:
    if need.state not in _CAME_TO_NOTHING:
        return None
    state = loaded.state
    still_next = state.next_cycle == number + 1 and state.notice is None
    as_planned = cycle.on == state.planned_on(number) and cycle.on > loaded.today(at.now)
    if still_next and as_planned and state.status in RUNNING:
        return e.CycleRestored(number)
    return e.CycleFailed(number, need.reason)


def _settle_held(
    connection: Connection, loaded: Loaded, number: int, behind: StoredSignal | None, at: At
) -> Loaded:
    row, state = loaded.row, loaded.state
    if state.status not in RUNNING or state.paused:
        return moves.append(connection, loaded, [e.CycleFailed(number, "held")], at)
    under = replenish.under_way(connection, row.household_id, row.device_id, row.slot_key)
    if under is not None:
        if state.notice is None:
            return loaded
        # The next one is announced already: two would come close together.
        return moves.append(connection, loaded, [e.CycleFailed(number, "held")], at)
    own = behind is not None and behind.kind is SignalKind.SCHEDULED
    if behind is not None and not own and behind.state in _BOUGHT:
        pulled = e.CyclePulledForward(number, behind.signal_id)
        return moves.append(connection, loaded, [pulled], at)
    return make_need(connection, loaded, number, at)


def _taken_back(connection: Connection, loaded: Loaded, cycle: Cycle, at: At) -> bool:
    """Take back the quote that waits under a subscription that is over; False if none does."""
    if cycle.state is not CycleState.ASKED or loaded.state.status is not Status.ENDED:
        return False
    row, proof = loaded.row, loaded.state.proof
    for quote in replenish.open_quotes(connection, row.household_id):
        if quote.signal_id == cycle.signal_id and proof is not None:
            return replenish.decline(
                connection,
                row.household_id,
                quote.quote_id,
                person_id=proof.person_id,
                now=at.now,
                changes=at.changes,
            )
    return False


def cover(connection: Connection, signal: StoredSignal, _slot: Slot | None, at: At) -> Cover | None:
    """Say under which subscription a need is ordered; a `replenish.hooks.CoverFinder`."""
    if signal.kind is not SignalKind.SCHEDULED:
        return None
    subscription_id, number = signal.evidence.get("subscription_id"), signal.evidence.get("cycle")
    if not isinstance(subscription_id, str) or not isinstance(number, int):
        return None
    loaded = moves.load(connection, signal.household_id, subscription_id)
    if loaded is None:
        return None
    state = loaded.state
    cycle = state.done.get(number)
    over = state.ends_on is not None and loaded.today(at.now) >= state.ends_on
    if cycle is None or cycle.signal_id != signal.signal_id or state.status not in LIVE or over:
        return None
    if state.proof is None or state.price is None:
        return None
    return Cover(
        cover_id=subscription_id,
        basis=CoverBasis.SUBSCRIPTION,
        sku=cycle.item.sku,
        quantity=cycle.item.quantity,
        price_ceiling=Money(state.price.ceiling_minor, state.price.currency),
        notice_s=0,
        within_frequency=cycle.within_rule,
        concluded_by=state.proof.person_id,
        label=state.proof.label,
        language=state.proof.language,
    )


def on_quote(connection: Connection, quote: StoredQuote, at: At) -> None:
    """Look at once what became of a delivery; a `replenish.hooks.QuoteListener`."""
    if quote.signal_id.startswith(f"{PREFIX}_"):
        _wake_of(connection, quote.household_id, quote.signal_id, at)


def on_order(connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
    """Hear of orders: of a delivery's own, and of one that comes in place of a delivery.

    A `replenish.hooks.OrderListener`.
    """
    if order.signal_id.startswith(f"{PREFIX}_"):
        _wake_of(connection, order.household_id, order.signal_id, at)
        return
    row = repository.live_at(connection, order.household_id, order.device_id, order.slot_key)
    if row is None:
        return
    if news is not OrderNews.CONFIRMED:
        moves.wake(connection, row.household_id, row.subscription_id, at.now)
        return
    loaded = moves.opened(connection, row)
    state = loaded.state
    ordered = replenish.order(connection, order.household_id, order.order_key).snapshot
    same = ordered.sku == state.item_of(state.next_cycle).sku
    if same and pulls_forward(state, at.now, loaded.zone):
        pulled = e.CyclePulledForward(state.next_cycle, order.signal_id)
        moves.append(connection, loaded, [pulled], at)


def _wake_of(connection: Connection, household_id: str, need_id: str, at: At) -> None:
    evidence = needs.signal(connection, household_id, need_id).evidence
    subscription_id = evidence.get("subscription_id")
    if isinstance(subscription_id, str):
        moves.wake(connection, household_id, subscription_id, at.now)
