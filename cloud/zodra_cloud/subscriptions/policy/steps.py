"""What a subscription does next, and when: the one place that looks at the time."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from zodra_cloud.subscriptions.policy.dates import first_step, instant, local_date, nearest_step
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import Plan, State
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, UNSETTLED, Status
from zodra_cloud.subscriptions.policy.marks import carried

ORDER_TIME: Final = time(9, 0)
"""Of the household's day, when orders are made and it is told of them: nobody is woken."""
SOON: Final = timedelta(minutes=5)
LATER: Final = timedelta(hours=1)
PULL_DAYS_MAX: Final = 14
"""How long before a delivery an order of the household counts as that delivery."""
REVIEW_SHARE: Final = 0.25
"""A forecast may bring a delivery forward by this share of the cadence, so it is asked before."""


@dataclass(frozen=True, slots=True)
class LookAt:
    """Nothing to do before this instant; None: nothing at all."""

    at: datetime | None


@dataclass(frozen=True, slots=True)
class AskPrice:
    """A shop is to be asked what the wish costs."""


@dataclass(frozen=True, slots=True)
class Write:
    """An event that follows from the time alone."""

    event: e.Event


@dataclass(frozen=True, slots=True)
class Review:
    """The forecast is to be asked about a delivery."""

    cycle: int


@dataclass(frozen=True, slots=True)
class SendNotice:
    """The household is to be told of a charge."""

    cycle: int


@dataclass(frozen=True, slots=True)
class MakeNeed:
    """A delivery is due: its need is to be made, unless something else is under way."""

    cycle: int


Step = LookAt | AskPrice | Write | Review | SendNotice | MakeNeed


def next_step(state: State, now: datetime, zone: tzinfo) -> Step:
    """Say what is to be done now; the same after every crash.

    A clock that jumps ahead makes one delivery late or passes deliveries over, never two of them;
    one that jumps back finds done what is done.
    """
    if state.status is Status.DRAFT:
        return AskPrice()
    if state.status is Status.OFFERED:
        assert state.expires_at is not None  # noqa: S101 - an offer has its end
        if now >= state.expires_at:
            return Write(e.Lapsed("not_joined"))
        return LookAt(state.expires_at)
    if state.status not in LIVE:
        return _watch(state, LookAt(None), now)
    if state.ends_on is not None and local_date(now, zone) >= state.ends_on:
        return Write(e.Ended(state.ends_on))
    step = _paused(state, now, zone) if state.paused else _delivery(state, now, zone)
    return _watch(state, step, now) if isinstance(step, LookAt) else step


def _patience(waited: timedelta) -> timedelta:
    if waited < LATER:
        return SOON
    return LATER if waited < timedelta(days=1) else timedelta(days=1)


def _watch(state: State, step: LookAt, now: datetime) -> LookAt:
    """Look again at deliveries that are under way, in case nobody tells."""
    waits = [each for each in state.done.values() if each.state in UNSETTLED]
    if not waits:
        return step
    again = now + min(_patience(now - each.since) for each in waits)
    return LookAt(again if step.at is None else min(step.at, again))


def _paused(state: State, now: datetime, zone: tzinfo) -> Step:
    until = state.paused_until
    if until is None or state.status is not Status.PAUSED:
        until = state.ends_on
    if until is None:
        return LookAt(None)
    if state.status is Status.PAUSED and local_date(now, zone) >= until:
        return Write(resumed(state, now, zone))
    return LookAt(instant(until, time(0), zone))


def resumed(state: State, now: datetime, zone: tzinfo) -> e.Resumed:
    """Say with which delivery and on which date it goes on after a pause."""
    today = local_date(now, zone)
    plan = state.counted
    not_before = today + timedelta(days=state.agreed.pre_notice_days)
    pending = state.planned_on(state.next_cycle)
    steps = first_step(plan.on, plan.cadence, max(not_before, pending))
    number = plan.cycle + steps
    renewed = Plan(state.next_cycle, state.planned_on(number), plan.cadence)
    return e.Resumed(renewed.cycle, renewed.on, carried(state, renewed, not_before))


def _delivery(state: State, now: datetime, zone: tzinfo) -> Step:
    number = state.next_cycle
    on = state.on(number)
    today = local_date(now, zone)
    if state.ends_on is not None and on >= state.ends_on:
        return LookAt(instant(state.ends_on, time(0), zone))
    passed = _passed(state, number, now, zone)
    if passed is not None:
        return passed
    if state.is_skipped(number):
        if today >= on:
            return Write(e.CyclePassed(number, number, "skipped"))
        return LookAt(instant(on, ORDER_TIME, zone))
    if state.notice is not None and state.notice.cycle == number:
        return _charge(state, now, zone)
    return _before_notice(state, number, now, zone)


def _passed(state: State, number: int, now: datetime, zone: tzinfo) -> Write | None:
    """Pass deliveries over whose date was missed by so much that a later one is nearer."""
    today = local_date(now, zone)
    told = state.notice is not None and state.notice.cycle == number
    if today <= state.on(number) or (told and state.notice and now <= state.notice.order_at):
        return None
    plan = state.counted
    nearest = plan.cycle + nearest_step(plan.on, plan.cadence, today)
    if nearest <= number:
        return None
    reason = "skipped" if state.is_skipped(number) else "missed"
    return Write(e.CyclePassed(number, nearest - 1, reason))


def _charge(state: State, now: datetime, zone: tzinfo) -> Step:
    assert state.notice is not None  # noqa: S101 - the caller looked
    order_at = state.notice.order_at
    if state.ends_on is not None and local_date(max(order_at, now), zone) >= state.ends_on:
        return LookAt(instant(state.ends_on, time(0), zone))
    return MakeNeed(state.next_cycle) if now >= order_at else LookAt(order_at)


def _before_notice(state: State, number: int, now: datetime, zone: tzinfo) -> Step:
    on = state.on(number)
    looks = state.follow is not None or state.growth is not None
    if looks and state.looked_cycle != number:
        ahead = int(state.cadence.days * REVIEW_SHARE) + 1 + state.agreed.pre_notice_days
        look_at = instant(on - timedelta(days=ahead), ORDER_TIME, zone)
        return Review(number) if now >= look_at else LookAt(look_at)
    tell_at = instant(on - timedelta(days=state.agreed.pre_notice_days), ORDER_TIME, zone)
    return SendNotice(number) if now >= tell_at else LookAt(tell_at)


def order_at(state: State, cycle: int, now: datetime, zone: tzinfo) -> datetime:
    """Give the instant of a charge of which the household is told now; never sooner than agreed."""
    told = now + timedelta(days=state.agreed.pre_notice_days)
    return max(instant(state.on(cycle), ORDER_TIME, zone), told)


def pulls_forward(state: State, now: datetime, zone: tzinfo) -> bool:
    """Tell whether an order that the household makes now comes in place of the next delivery.

    In the later half of the time between two deliveries, at most `PULL_DAYS_MAX` days ahead.
    """
    number = state.next_cycle
    if state.paused or state.status not in (Status.ACTIVE, Status.LEAVING):
        return False
    if state.is_skipped(number):
        return False
    ahead = (state.on(number) - local_date(now, zone)).days
    return ahead <= min(PULL_DAYS_MAX, int(state.cadence.days / 2))
