"""The state of a subscription, folded from its events: `fold`, one event at a time.

The stored state is never the truth of its own: folding the whole ledger again gives the same
value (a property test holds that).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.codec import kind_of
from zodra_cloud.subscriptions.policy.ledger.state import (
    Cycle,
    Growth,
    Notice,
    Plan,
    Proof,
    State,
    cycle_state,
)
from zodra_cloud.subscriptions.policy.ledger.states import (
    CycleState,
    Kind,
    Status,
    next_cycle_state,
    next_status,
)
from zodra_cloud.subscriptions.policy.terms import Item

CYCLES_KEPT: Final = 12
"""Deliveries that are over and still looked up when a shop tells late; the ledger has all."""


class NotPossible(ValueError):
    """An event that its table does not name for where the subscription, or the delivery, is."""

    def __init__(self, kind: Kind, stands: str) -> None:
        super().__init__(f"{kind.value} is not possible from {stands}")


def replay(entries: Iterable[e.Entry]) -> State | None:
    """Fold a whole ledger; None if it is empty."""
    state: State | None = None
    for entry in entries:
        state = fold(state, entry)
    return state


def fold(state: State | None, entry: e.Entry) -> State:
    """Take one event in.

    Raises:
        NotPossible: the tables do not name it for where the subscription or the delivery stands.
    """
    event = entry.event
    kind = kind_of(event)
    if state is None:
        if not isinstance(event, e.Requested):
            raise NotPossible(kind, "nothing")
        return State(Status.DRAFT, event.wish, event.created_on, follow=event.wish.follow)
    status = next_status(state.status, kind)
    if status is None:
        raise NotPossible(kind, state.status.value)
    moved = replace(state, status=status)
    return _prune(_FOLDS[type(event)](moved, event, entry))


def _moved(state: State, cycle: int, kind: Kind) -> CycleState:
    stands = cycle_state(state, cycle)
    reached = next_cycle_state(stands, kind)
    if reached is None:
        raise NotPossible(kind, stands.value)
    return reached


def _prune(state: State) -> State:
    """Forget marks of deliveries that are over, and all but the last of those."""
    marks = {cycle: mark for cycle, mark in state.by_hand.items() if cycle >= state.next_cycle}
    kept = sorted(state.done)[-CYCLES_KEPT:]
    cycles = {cycle: state.done[cycle] for cycle in kept}
    item, later = state.item, state.later
    if later is not None and later[0] <= state.next_cycle:
        item, later = later[1], None
    return replace(state, marks=marks or None, cycles=cycles or None, item=item, later=later)


def _with_cycle(state: State, number: int, cycle: Cycle) -> State:
    """Note where a delivery is; the one that was next is so no more."""
    further = max(state.next_cycle, number + 1)
    notice = state.notice
    if notice is not None and notice.cycle < further:
        notice = None
    return replace(state, cycles={**state.done, number: cycle}, next_cycle=further, notice=notice)


def _offered(state: State, event: e.Offered, _entry: e.Entry) -> State:
    return replace(
        state,
        terms=event.terms,
        terms_hash=event.terms_hash,
        expires_at=event.expires_at,
    )


def _lapsed(state: State, event: e.Lapsed, _entry: e.Entry) -> State:
    return replace(state, reason=event.reason)


def _joined(state: State, event: e.Joined, _entry: e.Entry) -> State:
    terms = state.terms
    assert terms is not None  # noqa: S101 - the table lets nothing join that was not offered
    return replace(
        state,
        proof=Proof(event.person_id, event.label, event.language, event.terms_hash),
        joined_on=event.joined_on,
        term_ends_on=event.term_ends_on,
        plan=Plan(1, terms.first_on, terms.cadence),
        item=terms.item,
        price=terms.price,
        follow=terms.follow,
        expires_at=None,
    )


def _skipped(state: State, event: e.Skipped, _entry: e.Entry) -> State:
    before = state.by_hand.get(event.cycle)
    on = None if before is None else before.on
    mark = e.Mark(state.planned_on(event.cycle), on, skipped=True)
    return _unnoticed(replace(state, marks={**state.by_hand, event.cycle: mark}), event.cycle)


def _unskipped(state: State, event: e.Unskipped, _entry: e.Entry) -> State:
    before = state.by_hand.get(event.cycle)
    marks = {cycle: mark for cycle, mark in state.by_hand.items() if cycle != event.cycle}
    if before is not None and before.on is not None:
        marks[event.cycle] = replace(before, skipped=False)
    return replace(state, marks=marks)


def _unnoticed(state: State, cycle: int) -> State:
    """Forget that the household was told of a charge that is not made as told."""
    if state.notice is not None and state.notice.cycle == cycle:
        return replace(state, notice=None)
    return state


def _paused(state: State, event: e.Paused, _entry: e.Entry) -> State:
    return replace(state, paused=True, paused_until=event.until, notice=None)


def _resumed(state: State, event: e.Resumed, _entry: e.Entry) -> State:
    return replace(
        state,
        paused=False,
        paused_until=None,
        plan=Plan(event.cycle, event.on, state.cadence),
        marks=event.marks,
    )


def _rescheduled(state: State, event: e.Rescheduled, _entry: e.Entry) -> State:
    if event.following:
        plan = Plan(event.cycle, event.on, state.cadence)
        return _unnoticed(replace(state, plan=plan, marks=event.marks), event.cycle)
    mark = e.Mark(event.planned_on, event.on, skipped=False)
    return _unnoticed(replace(state, marks={**state.by_hand, event.cycle: mark}), event.cycle)


def _quantity_changed(state: State, event: e.QuantityChanged, _entry: e.Entry) -> State:
    item = replace(state.item_of(event.from_cycle), quantity=event.quantity)
    return _later(state, event.from_cycle, item)


def _swapped(state: State, event: e.Swapped, _entry: e.Entry) -> State:
    swapped = _later(state, event.from_cycle, event.item)
    if event.size is None or swapped.proposal is None:
        return swapped
    return replace(swapped, proposal=None)


def _later(state: State, from_cycle: int, item: Item) -> State:
    if from_cycle <= state.next_cycle:
        return replace(state, item=item, later=None)
    return replace(state, later=(from_cycle, item))


def _cadence_changed(state: State, event: e.CadenceChanged, _entry: e.Entry) -> State:
    plan = Plan(event.cycle, event.on, event.after)
    drift = state.drift if event.why else 0
    why = event.why or None
    return replace(state, plan=plan, marks=event.marks, drift=drift, cadence_why=why)


def _follow_changed(state: State, event: e.FollowChanged, _entry: e.Entry) -> State:
    return replace(state, follow=event.follow, drift=0)


def _forecast_looked(state: State, event: e.ForecastLooked, _entry: e.Entry) -> State:
    return replace(state, drift=event.direction, looked_cycle=event.cycle)


def _growth_told(state: State, event: e.GrowthTold, _entry: e.Entry) -> State:
    if event.ladder_id is None:
        return replace(state, growth=None, proposal=None)
    return replace(state, growth=Growth(event.ladder_id, event.born_on, {}))


def _size_proposed(state: State, event: e.SizeProposed, _entry: e.Entry) -> State:
    return replace(state, proposal=event)


def _size_declined(state: State, event: e.SizeDeclined, _entry: e.Entry) -> State:
    growth = state.growth
    if growth is not None:
        growth = replace(growth, declined={**growth.declined, event.size: event.on})
    return replace(state, proposal=None, growth=growth)


def _pre_notice_sent(state: State, event: e.PreNoticeSent, _entry: e.Entry) -> State:
    _moved(state, event.cycle, Kind.PRE_NOTICE_SENT)
    return replace(
        state,
        notice=Notice(event.cycle, event.on, event.order_at, event.total_minor, event.handed_over),
    )


def _price_announced(state: State, event: e.PriceAnnounced, _entry: e.Entry) -> State:
    return replace(state, announced_minor=event.total_minor)


def _price_accepted(state: State, event: e.PriceAccepted, entry: e.Entry) -> State:
    proof = state.proof
    if proof is not None:
        proof = Proof(entry.by or proof.person_id, event.label, event.language, event.terms_hash)
    return replace(state, price=event.price, proof=proof, announced_minor=None)


def _cycle_due(state: State, event: e.CycleDue, entry: e.Entry) -> State:
    reached = _moved(state, event.cycle, Kind.CYCLE_DUE)
    cycle = Cycle(reached, event.on, event.item, event.signal_id, "", event.within_rule, entry.at)
    return _with_cycle(state, event.cycle, cycle)


def _cycle_held(state: State, event: e.CycleHeld, entry: e.Entry) -> State:
    reached = _moved(state, event.cycle, Kind.CYCLE_HELD)
    notice = state.notice
    within = notice is not None and notice.handed_over
    held = Cycle(
        reached,
        state.on(event.cycle),
        state.item_of(event.cycle),
        event.behind,
        "",
        within,
        entry.at,
    )
    return _with_cycle(state, event.cycle, held)


def _pulled_forward(state: State, event: e.CyclePulledForward, entry: e.Entry) -> State:
    reached = _moved(state, event.cycle, Kind.CYCLE_PULLED_FORWARD)
    cycle = Cycle(
        reached,
        state.on(event.cycle),
        state.item_of(event.cycle),
        event.signal_id,
        "",
        False,
        entry.at,
    )
    return _with_cycle(state, event.cycle, cycle)


def _restored(state: State, event: e.CycleRestored, _entry: e.Entry) -> State:
    _moved(state, event.cycle, Kind.CYCLE_RESTORED)
    cycles = {cycle: each for cycle, each in state.done.items() if cycle != event.cycle}
    return replace(state, cycles=cycles, next_cycle=event.cycle, notice=None)


def _outcome(
    state: State, event: e.CycleAsked | e.CycleOrdered | e.CycleFailed, entry: e.Entry
) -> State:
    reached = _moved(state, event.cycle, kind_of(event))
    reason = "" if isinstance(event, e.CycleOrdered) else event.reason
    before = state.done[event.cycle]
    after = replace(before, state=reached, reason=reason, since=entry.at)
    return replace(state, cycles={**state.done, event.cycle: after})


def _passed(state: State, event: e.CyclePassed, entry: e.Entry) -> State:
    reached = _moved(state, event.cycle, Kind.CYCLE_PASSED)
    item = state.item_of(event.cycle)
    cycle = Cycle(reached, state.on(event.cycle), item, None, event.reason, False, entry.at)
    passed = _with_cycle(state, event.cycle, cycle)
    return replace(passed, next_cycle=max(passed.next_cycle, event.through + 1))


def _cancelled(state: State, event: e.Cancelled, _entry: e.Entry) -> State:
    return replace(state, ends_on=event.ends_on, paused_until=None, proposal=None)


def _withdrawn(state: State, event: e.Withdrawn, _entry: e.Entry) -> State:
    return replace(state, ends_on=event.on, notice=None, proposal=None)


def _ended(state: State, _event: e.Ended, _entry: e.Entry) -> State:
    return replace(state, notice=None, proposal=None)


_FOLDS: Final[dict[type[e.Event], Callable[[State, Any, e.Entry], State]]] = {
    e.Offered: _offered,
    e.Lapsed: _lapsed,
    e.Joined: _joined,
    e.Skipped: _skipped,
    e.Unskipped: _unskipped,
    e.Paused: _paused,
    e.Resumed: _resumed,
    e.Rescheduled: _rescheduled,
    e.QuantityChanged: _quantity_changed,
    e.Swapped: _swapped,
    e.CadenceChanged: _cadence_changed,
    e.FollowChanged: _follow_changed,
    e.ForecastLooked: _forecast_looked,
    e.GrowthTold: _growth_told,
    e.SizeProposed: _size_proposed,
    e.SizeDeclined: _size_declined,
    e.PreNoticeSent: _pre_notice_sent,
    e.PriceAnnounced: _price_announced,
    e.PriceAccepted: _price_accepted,
    e.CycleDue: _cycle_due,
    e.CycleHeld: _cycle_held,
    e.CyclePulledForward: _pulled_forward,
    e.CycleRestored: _restored,
    e.CycleAsked: _outcome,
    e.CycleOrdered: _outcome,
    e.CycleFailed: _outcome,
    e.CyclePassed: _passed,
    e.Cancelled: _cancelled,
    e.Withdrawn: _withdrawn,
    e.Ended: _ended,
}
