"""What pages, interfaces and the support desk read of subscriptions."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.subscriptions import moves, repository
from zodra_cloud.subscriptions.models import Delivery, LedgerLine, Past, SubscriptionView
from zodra_cloud.subscriptions.moves import Loaded
from zodra_cloud.subscriptions.policy.commands import MOVES_AHEAD_MAX
from zodra_cloud.subscriptions.policy.dates import effective_on
from zodra_cloud.subscriptions.policy.ledger.events import Why
from zodra_cloud.subscriptions.policy.ledger.state import State, cycle_state
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, Status

UPCOMING: Final = 6
LISTED_MAX: Final = 100
LEDGER_MAX: Final = 500


def view(
    connection: Connection, household_id: str, subscription_id: str, *, now: datetime
) -> SubscriptionView | None:
    """Read one; None if the household has no such subscription."""
    loaded = moves.load(connection, household_id, subscription_id)
    return None if loaded is None else _view(loaded, now)


def subscriptions(
    connection: Connection, household_id: str, *, now: datetime
) -> list[SubscriptionView]:
    """Read a household's, the newest first, at most `LISTED_MAX`."""
    rows = repository.subscriptions_of(connection, household_id, LISTED_MAX)
    return [_view(moves.opened(connection, row), now) for row in rows]


def ledger(connection: Connection, household_id: str, subscription_id: str) -> list[LedgerLine]:
    """Read what happened to one, newest first, at most `LEDGER_MAX` lines."""
    rows = repository.recent_events(connection, household_id, subscription_id, LEDGER_MAX)
    return [LedgerLine(row.number, row.kind, moves.entry(row)) for row in rows]


def _view(loaded: Loaded, now: datetime) -> SubscriptionView:
    state, row = loaded.state, loaded.row
    today = loaded.today(now)
    offered = state.status is Status.OFFERED
    channel = state.wish.channel if state.terms is None else state.terms.channel
    return SubscriptionView(
        subscription_id=row.subscription_id,
        device_id=row.device_id,
        slot_key=row.slot_key,
        status=state.status,
        reason=state.reason,
        item=state.item_of(state.next_cycle),
        price=state.price,
        announced_minor=state.announced_minor,
        cadence=state.cadence,
        follow=state.follow,
        cadence_why=_why(state),
        joined_on=state.joined_on,
        channel=channel,
        term_ends_on=state.term_ends_on,
        would_end_on=_would_end_on(state, today),
        ends_on=state.ends_on,
        paused_until=state.paused_until,
        withdraw_until=_withdraw_until(state, today),
        terms=state.terms,
        terms_hash=state.terms_hash,
        offer_open=offered and state.expires_at is not None and now < state.expires_at,
        expires_at=state.expires_at,
        growth=state.growth,
        proposal=state.proposal,
        upcoming=_upcoming(state),
        past=_past(state),
    )


def _why(state: State) -> Why:
    return state.cadence_why or {}


def _would_end_on(state: State, today: date) -> date | None:
    if state.status not in (Status.ACTIVE, Status.PAUSED) or state.term_ends_on is None:
        return None
    return effective_on(today, state.term_ends_on, state.agreed.cancel_notice_days)


def _withdraw_until(state: State, today: date) -> date | None:
    if state.status not in LIVE or state.joined_on is None:
        return None
    last = state.joined_on + timedelta(days=state.agreed.withdrawal_days)
    return last if today <= last else None


def _upcoming(state: State) -> tuple[Delivery, ...]:
    if state.status not in LIVE or state.paused:
        return ()
    listed: list[Delivery] = []
    for number in range(state.next_cycle, state.next_cycle + UPCOMING):
        on = state.on(number)
        if state.ends_on is not None and on >= state.ends_on:
            break
        notice = state.notice
        told = notice is not None and notice.cycle == number
        mark = state.by_hand.get(number)
        listed.append(
            Delivery(
                cycle=number,
                on=on,
                state=cycle_state(state, number),
                item=state.item_of(number),
                skipped=state.is_skipped(number),
                by_hand=mark is not None and mark.on is not None,
                order_at=notice.order_at if told and notice else None,
                expected_minor=notice.total_minor if told and notice else None,
                may_move=number < state.next_cycle + MOVES_AHEAD_MAX,
            )
        )
    return tuple(listed)


def _past(state: State) -> tuple[Past, ...]:
    return tuple(
        Past(number, each.on, each.state, each.item, each.signal_id, each.reason)
        for number, each in sorted(state.done.items(), reverse=True)
    )
