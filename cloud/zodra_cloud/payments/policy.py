"""What follows from a provider's answer: plain values in, one step out.

The dunning schedule is here: a bank that says "not now" is asked again at given instants, a bank
that says no is never asked again about the same thing, and both end in a named state.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zodra_cloud.payments.port import Charge, ChargeState, PaymentRefusal, Refused
from zodra_cloud.payments.states import PaymentEvent, PaymentState

AMOUNT_MINOR_MAX: Final = 99_999_999
"""Eight digits is what Stripe takes; whatever is above is no household's order."""

CAPTURE_BY: Final = timedelta(days=4)
"""A hold of a merchant-initiated card payment lapses after five days at Visa, seven elsewhere.
Money that is held for an order at a shop is taken before that, sent or not."""

STILL_ON_ITS_WAY: Final = timedelta(minutes=2)
"""Within it an earlier request may still reach a provider that says it has heard none."""

BEFORE_ORDER: Final = (timedelta(hours=1), timedelta(hours=5), timedelta(hours=20))
"""Since the first no; the order waits a day at most, and nothing is ordered meanwhile."""
AFTER_SENDING: Final = (
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=5),
    timedelta(days=7),
)
"""Since the first no; card networks allow some fifteen attempts a month, we stay far below."""

SOFT: Final = frozenset(
    {
        PaymentRefusal.INSUFFICIENT_FUNDS,
        PaymentRefusal.LIMIT_EXCEEDED,
        PaymentRefusal.ISSUER_UNAVAILABLE,
        PaymentRefusal.DECLINED,
    }
)
"""Another day may bring another answer."""

ENDS_MANDATE: Final = frozenset(
    {
        PaymentRefusal.CARD_EXPIRED,
        PaymentRefusal.CARD_BLOCKED,
        PaymentRefusal.ACCOUNT_CLOSED,
        PaymentRefusal.NOT_ALLOWED,
        PaymentRefusal.MANDATE_GONE,
    }
)
"""This means of payment will not work for the next order either."""

WAITS_S: Final = (2.0, 5.0, 15.0, 60.0, 300.0)
AT_LEISURE_S: Final = 600.0
LOOK_AT_LINK_S: Final = 60.0
"""The provider's event comes sooner; asking is for those that got lost."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a payment's next step depends on, beside the answer."""

    goods_sent: bool
    """The money is owed whatever the bank says."""
    failures: int
    """Times a bank said "not now" before."""
    first_failed_at: datetime | None
    by_link: bool
    """The household approves it itself, on the provider's page."""


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from an answer about a charge."""

    event: PaymentEvent | None
    """None if the answer is none yet."""
    reason: str = ""
    retry_at: datetime | None = None
    to_link: bool = False
    """The charge is ended, and the household asked to approve a new one."""
    again: bool = False
    """The same charge is authorized once more; nothing was asked of a bank."""
    ends_mandate: bool = False


def judge(answer: Charge | Refused, facts: Facts, now: datetime) -> Step:
    """Decide what follows from what the provider said about a charge.

    Args:
        answer: of the provider; an unknown one is for the caller to ask about.
        facts: of the payment.
        now: the instant.
    """
    if isinstance(answer, Refused):
        return _refused(answer.reason, facts, now)
    if answer.state is ChargeState.HELD:
        return Step(PaymentEvent.HELD)
    if answer.state is ChargeState.CAPTURED:
        return Step(PaymentEvent.CAPTURED)
    if answer.state is ChargeState.PROCESSING:
        return Step(None)
    if facts.by_link:
        # The page lets the household try another card for as long as it is open.
        return Step(None)
    if answer.state is ChargeState.PREPARED:
        return Step(None, again=True)
    if answer.state is ChargeState.DECLINED:
        return _refused(answer.decline or PaymentRefusal.DECLINED, facts, now)
    # It wants approval, or was ended before anybody approved it.
    return Step(None, PaymentRefusal.AUTHENTICATION_REQUIRED.value, to_link=True)


def _refused(reason: PaymentRefusal, facts: Facts, now: datetime) -> Step:
    if reason is PaymentRefusal.AUTHENTICATION_REQUIRED:
        return Step(None, reason.value, to_link=True)
    if reason is PaymentRefusal.MANDATE_GONE and not facts.by_link:
        # Not a bank's no: the permission is gone, and the household can give another.
        return Step(None, reason.value, to_link=True, ends_mandate=True)
    if reason in SOFT:
        retry_at = next_retry(facts, now)
        if retry_at is not None:
            return Step(PaymentEvent.NOT_NOW, reason.value, retry_at=retry_at)
    return Step(
        PaymentEvent.GIVE_UP if facts.goods_sent else PaymentEvent.DECLINED,
        reason.value,
        ends_mandate=reason in ENDS_MANDATE,
    )


def next_retry(facts: Facts, now: datetime) -> datetime | None:
    """Give when a bank that said "not now" is asked again; None if it is not."""
    schedule = AFTER_SENDING if facts.goods_sent else BEFORE_ORDER
    if facts.by_link or facts.failures >= len(schedule):
        return None
    since = facts.first_failed_at or now
    # Never in the past: a service that was down does not ask twice in a row.
    return max(since + schedule[facts.failures], now + schedule[0])


def wait_s(times: int) -> float:
    """Give how long to wait before an unclear answer is asked about again."""
    return WAITS_S[times] if times < len(WAITS_S) else AT_LEISURE_S


def look_at_link_at(expires_at: datetime | None, now: datetime) -> datetime:
    """Give when a page is looked at next: now and then, and as it expires."""
    soon = now + timedelta(seconds=LOOK_AT_LINK_S)
    return expires_at if expires_at is not None and now < expires_at < soon else soon


def payable(amount_minor: int) -> bool:
    """Tell whether an amount can be asked of a provider at all."""
    return 0 < amount_minor <= AMOUNT_MINOR_MAX


def refundable(captured_minor: int, asked_minor: int, wanted_minor: int) -> bool:
    """Tell whether more can go back.

    Args:
        captured_minor: what was taken.
        asked_minor: what went back, or is on its way back.
        wanted_minor: what shall go back now.
    """
    return 0 < wanted_minor <= captured_minor - asked_minor


def lets_place(state: PaymentState) -> bool:
    """Tell whether a shop may be asked: the money is there, or it was taken already."""
    return state in (PaymentState.AUTHORIZED, PaymentState.CAPTURING, PaymentState.CAPTURED)
