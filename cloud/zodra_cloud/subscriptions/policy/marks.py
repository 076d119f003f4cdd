"""What the household set by hand, kept when the dates around it change.

Elsewhere a change of frequency wipes manual skips. Here a skipped delivery stays skipped by its
date, and a date that the household chose stays.
"""

from datetime import date

from zodra_cloud.subscriptions.policy.dates import date_at, nearest_step
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import Plan, State


def first_free(state: State) -> int:
    """Give the first delivery that the household has not been told of yet."""
    told = state.notice is not None and state.notice.cycle == state.next_cycle
    return state.next_cycle + 1 if told else state.next_cycle


def anchor(state: State) -> int:
    """Give the delivery from which another cadence counts: behind all that is told or dated."""
    dated = [cycle for cycle, mark in state.by_hand.items() if mark.on is not None]
    return max([first_free(state), *dated])


def carried(state: State, plan: Plan, not_before: date) -> e.Marks:
    """Carry what was set by hand over to a new plan, by date rather than by number.

    Args:
        state: before the change.
        plan: after it.
        not_before: marks of earlier dates are over.
    """
    kept: e.Marks = {}
    for cycle, mark in sorted(state.by_hand.items()):
        if max(mark.planned_on, mark.on or mark.planned_on) < not_before:
            continue
        number = cycle
        if cycle > plan.cycle or mark.planned_on > plan.on:
            number = plan.cycle + nearest_step(plan.on, plan.cadence, mark.planned_on)
        there = kept.get(number)
        if there is not None:
            mark = e.Mark(there.planned_on, there.on, there.skipped or mark.skipped)
        kept[number] = mark
    return kept


def after_cadence(state: State, plan: Plan, today: date) -> e.Marks:
    """Carry marks over to another cadence; those up to its anchor keep their number.

    A delivery behind the anchor that was skipped leaves out the new one nearest to its date. Where
    that is the anchor itself, which was not skipped, nothing comes near that date any more.
    """
    kept = {cycle: mark for cycle, mark in state.by_hand.items() if cycle <= plan.cycle}
    for cycle, mark in sorted(state.by_hand.items()):
        if cycle <= plan.cycle or mark.planned_on < today:
            continue
        steps = nearest_step(plan.on, plan.cadence, mark.planned_on)
        if steps == 0:
            first = date_at(plan.on, plan.cadence, 1)
            if mark.planned_on - plan.on < first - mark.planned_on:
                continue
            steps = 1
        kept[plan.cycle + steps] = mark
    return kept
