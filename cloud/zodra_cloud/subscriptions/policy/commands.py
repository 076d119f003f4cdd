"""What a household may change, and what follows of it: commands to events, or a refusal."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from zodra_cloud.law.labels import Control
from zodra_cloud.subscriptions.policy.dates import (
    CADENCE_DAYS_MAX,
    CADENCE_DAYS_MIN,
    HORIZON,
    Cadence,
    cadence_fault,
    effective_on,
)
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import Plan, State
from zodra_cloud.subscriptions.policy.ledger.states import Kind, Status, next_status
from zodra_cloud.subscriptions.policy.marks import after_cadence, anchor, first_free
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.steps import resumed
from zodra_cloud.subscriptions.policy.terms import (
    Channel,
    Follow,
    Item,
    carries,
    quantity_fault,
)

SKIPS_AHEAD_MAX: Final = 24
MOVES_AHEAD_MAX: Final = 3
PAUSE_MAX: Final = timedelta(days=366)
AGE_MAX: Final = timedelta(days=6 * 366)

Decided = Sequence[e.Event] | Refused


def _impossible(state: State, kind: Kind) -> Refused | None:
    if next_status(state.status, kind) is not None:
        return None
    return Refused(Why.NOT_POSSIBLE, rule=state.status.value)


def _upcoming(state: State, cycle: int, ahead_max: int) -> Refused | None:
    if cycle < state.next_cycle:
        known = cycle >= 1
        return Refused(Why.TOO_LATE if known else Why.NO_SUCH_DELIVERY, "cycle")
    if cycle >= state.next_cycle + ahead_max:
        rule = f"one of the next {ahead_max}"
        return Refused(Why.NO_SUCH_DELIVERY, "cycle", rule)
    if state.ends_on is not None and state.on(cycle) >= state.ends_on:
        return Refused(Why.NO_SUCH_DELIVERY, "cycle", f"before {state.ends_on}")
    return None


def skip(state: State, cycle: int) -> Decided:
    """Leave one delivery out."""
    refused = _impossible(state, Kind.SKIPPED) or _upcoming(state, cycle, SKIPS_AHEAD_MAX)
    if refused is not None:
        return refused
    if state.is_skipped(cycle):
        return Refused(Why.NOTHING_CHANGES, "cycle", "skipped already")
    return [e.Skipped(cycle, state.on(cycle))]


def unskip(state: State, cycle: int) -> Decided:
    """Make a delivery after all that was left out."""
    refused = _impossible(state, Kind.UNSKIPPED) or _upcoming(state, cycle, SKIPS_AHEAD_MAX)
    if refused is not None:
        return refused
    if not state.is_skipped(cycle):
        return Refused(Why.NOTHING_CHANGES, "cycle", "not skipped")
    return [e.Unskipped(cycle)]


def pause(state: State, until: date | None, today: date) -> Decided:
    """Make no deliveries, until a date or for an open time."""
    if state.status is Status.PAUSED:
        return Refused(Why.ALREADY_PAUSED)
    refused = _impossible(state, Kind.PAUSED)
    if refused is not None:
        return refused
    if until is not None and until <= today:
        return Refused(Why.PAST_DATE, "until", "after today")
    if until is not None and until > today + PAUSE_MAX:
        return Refused(Why.TOO_FAR, "until", f"within {PAUSE_MAX.days} days")
    return [e.Paused(until)]


def resume(state: State, now: datetime, zone: tzinfo) -> Decided:
    """Go on after a pause, at the next date of the cadence that can still be announced."""
    if next_status(state.status, Kind.RESUMED) is None:
        over = state.status in (Status.ENDED, Status.LEAVING)
        return Refused(Why.ALREADY_CANCELLED if over else Why.NOT_PAUSED)
    return [resumed(state, now, zone)]


def reschedule(state: State, cycle: int, on: date, *, following: bool, today: date) -> Decided:
    """Move one delivery to another date, alone or with all that follow."""
    refused = _impossible(state, Kind.RESCHEDULED) or _upcoming(state, cycle, MOVES_AHEAD_MAX)
    refused = refused or _date_fault(state, on, today)
    if refused is not None:
        return refused
    if on == state.on(cycle) and not state.is_skipped(cycle):
        return Refused(Why.NOTHING_CHANGES, "on")
    if cycle > state.next_cycle and on <= state.on(cycle - 1):
        return Refused(Why.TOO_SOON, "on", f"after the delivery of {state.on(cycle - 1)}")
    if not following and on >= state.on(cycle + 1):
        rule = f"before the delivery of {state.on(cycle + 1)}, or move the following ones too"
        return Refused(Why.TOO_FAR, "on", rule)
    planned_on = state.planned_on(cycle)
    marks: e.Marks = {}
    if following:
        kept = {number: mark for number, mark in state.by_hand.items() if number != cycle}
        plan = Plan(cycle, on, state.cadence)
        marks = after_cadence(replace(state, marks=kept), plan, today)
    return [e.Rescheduled(cycle, planned_on, on, following, marks)]


def _date_fault(state: State, on: date, today: date) -> Refused | None:
    if on <= today:
        return Refused(Why.PAST_DATE, "on", "after today")
    days = 1 if state.terms is None else state.terms.pre_notice_days
    if on < today + timedelta(days=days):
        return Refused(Why.TOO_SOON, "on", f"{days} days ahead, as each charge is announced")
    if on > today + HORIZON:
        return Refused(Why.TOO_FAR, "on", f"within {HORIZON.days} days")
    if state.ends_on is not None and on >= state.ends_on:
        return Refused(Why.TOO_FAR, "on", f"before {state.ends_on}, when it ends")
    return None


def change_quantity(state: State, quantity: int) -> Decided:
    """Deliver another number; fewer also of a delivery that was announced, more from the next.

    What may be charged without asking stays: where more cost more than that, the next delivery is
    an ordinary quote to confirm, until the household agrees to another price.
    """
    refused = _impossible(state, Kind.QUANTITY_CHANGED)
    if refused is not None:
        return refused
    fault = quantity_fault(quantity)
    if fault is not None:
        return Refused(Why.BAD_QUANTITY, "quantity", fault)
    now = state.item_of(state.next_cycle)
    cycle = state.next_cycle if quantity < now.quantity else first_free(state)
    if state.item_of(cycle).quantity == quantity and state.later is None:
        return Refused(Why.NOTHING_CHANGES, "quantity")
    return [e.QuantityChanged(quantity, cycle)]


def swap(state: State, item: Item, size: str | None = None) -> Decided:
    """Deliver another product from the first delivery on that was not announced yet.

    Args:
        state: of the subscription.
        item: as the shop names it; the caller asked the shop.
        size: the name of a proposed size that this accepts.
    """
    refused = _impossible(state, Kind.SWAPPED)
    if refused is not None:
        return refused
    fault = quantity_fault(item.quantity)
    if fault is not None:
        return Refused(Why.BAD_QUANTITY, "quantity", fault)
    cycle = first_free(state)
    now = state.item_of(cycle)
    if (now.sku, now.quantity) == (item.sku, item.quantity):
        return Refused(Why.NOTHING_CHANGES, "sku")
    return [e.Swapped(item, cycle, size)]


def change_cadence(state: State, cadence: Cadence, today: date) -> Decided:
    """Deliver more or less often, after what is announced and what was dated by hand."""
    refused = _impossible(state, Kind.CADENCE_CHANGED)
    if refused is not None:
        return refused
    fault = cadence_fault(cadence)
    if fault is None and state.terms and cadence.days <= state.terms.pre_notice_days:
        fault = f"longer than the {state.terms.pre_notice_days} days of the announcement"
    if fault is not None:
        return Refused(Why.BAD_CADENCE, "cadence", fault)
    if cadence == state.cadence:
        return Refused(Why.NOTHING_CHANGES, "cadence")
    return [cadence_changed(state, cadence, today, {})]


def cadence_changed(
    state: State, cadence: Cadence, today: date, why: e.Why, shift_days: int = 0
) -> e.CadenceChanged:
    """Count another cadence from the first delivery that nobody fixed; keep what was by hand.

    Args:
        state: before.
        cadence: after.
        today: the household's date.
        why: of a forecast.
        shift_days: how far that delivery itself moves.
    """
    cycle = anchor(state)
    fixed = cycle in state.by_hand
    on = state.on(cycle) + timedelta(days=0 if fixed else shift_days)
    plan = Plan(cycle, on, cadence)
    marks = after_cadence(state, plan, today)
    return e.CadenceChanged(state.cadence, cadence, cycle, on, marks, why)


def change_follow(state: State, follow: Follow | None) -> Decided:
    """Let the dates follow the forecast between two bounds, or no more."""
    refused = _impossible(state, Kind.FOLLOW_CHANGED)
    if refused is not None:
        return refused
    if follow == state.follow:
        return Refused(Why.NOTHING_CHANGES, "follow")
    fault = None if follow is None else follow_fault(follow, state.cadence)
    if fault is not None:
        return Refused(Why.BAD_CADENCE, "follow", fault)
    return [e.FollowChanged(follow)]


def follow_fault(follow: Follow, cadence: Cadence) -> str | None:
    """Say which rule the bounds break; None if they are usable."""
    if not CADENCE_DAYS_MIN <= follow.days_min <= follow.days_max <= CADENCE_DAYS_MAX:
        return f"from {CADENCE_DAYS_MIN} to {CADENCE_DAYS_MAX} days, the smaller one first"
    if not follow.days_min <= round(cadence.days) <= follow.days_max:
        return "around the cadence itself"
    return None


def tell_growth(state: State, ladder_id: str | None, born_on: date | None, today: date) -> Decided:
    """Let sizes be proposed as a child grows, or no more."""
    refused = _impossible(state, Kind.GROWTH_TOLD)
    if refused is not None:
        return refused
    if born_on is not None and not today - AGE_MAX <= born_on <= today + timedelta(days=300):
        return Refused(Why.PAST_DATE, "born_on", "a month of the last six years")
    month = None if born_on is None else born_on.replace(day=1)
    return [e.GrowthTold(ladder_id, month)]


def accept_size(state: State, size: str, *, with_cadence: bool, today: date) -> Decided:
    """Take the size that was proposed, from the first delivery on that was not announced yet."""
    proposal = state.proposal
    if proposal is None or proposal.size != size:
        return Refused(Why.NO_PROPOSAL, "size")
    swapped = swap(state, proposal.item, size)
    if isinstance(swapped, Refused) or not with_cadence or proposal.cadence is None:
        return swapped
    if proposal.cadence == state.cadence:
        return swapped
    why: e.Why = {"reason": "size_changed", "size": size}
    return [*swapped, cadence_changed(state, proposal.cadence, today, why)]


def decline_size(state: State, size: str, today: date) -> Decided:
    """Keep the size; the same one is not proposed again for a while."""
    refused = _impossible(state, Kind.SIZE_DECLINED)
    if refused is not None:
        return refused
    if state.proposal is None or state.proposal.size != size:
        return Refused(Why.NO_PROPOSAL, "size")
    return [e.SizeDeclined(size, today)]


def cancel(state: State, channel: Channel, label: str, language: str, today: date) -> Decided:
    """End the contract as soon as was agreed; any day will do, and no reason is asked.

    In the channel in which it was joined there is a control with the words of the closed list. In
    another channel the household's word counts too: it is refused nowhere.
    """
    if state.status in (Status.LEAVING, Status.ENDED):
        return Refused(Why.ALREADY_CANCELLED)
    refused = _impossible(state, Kind.CANCELLED)
    if refused is not None:
        return refused
    if not carries(Control.CANCEL_SUBSCRIPTION, channel, language, label):
        return Refused(Why.WRONG_LABEL, "label")
    term_ends_on = state.term_ends_on or today
    ends_on = effective_on(today, term_ends_on, state.agreed.cancel_notice_days)
    cancelled = e.Cancelled(channel, label, language, ends_on)
    return [cancelled, e.Ended(ends_on)] if ends_on <= today else [cancelled]


def withdraw(state: State, channel: Channel, today: date) -> Decided:
    """Withdraw from the contract itself within its withdrawal period: it ends at once."""
    if state.status is Status.ENDED:
        return Refused(Why.ALREADY_CANCELLED)
    refused = _impossible(state, Kind.WITHDRAWN)
    if refused is not None:
        return refused
    joined_on = state.joined_on or today
    last = joined_on + timedelta(days=state.agreed.withdrawal_days)
    if today > last:
        return Refused(Why.TOO_LATE, rule=f"until {last}")
    return [e.Withdrawn(channel, today)]
