"""What to do about a need signal: replenish, ask, hold or refuse.

In the European Union a press is no order: the household must see product and total price, and say
a labelled yes, right before the contract (Directive 2011/83, article 8(2); OLG Munich, 29 U
1091/18). So no facts make this version of the policy answer `replenish`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zodra_cloud.kit.money import Money
from zodra_contract.signal import SignalKind

POLICY_VERSION: Final = "replenish-1"

CLOCK_SLACK_S: Final = 60
"""How far in the future a signal may lie, beyond its own error bound, before its date is not
believed at all."""

ERROR_MS_MAX: Final = 10 * 366 * 86_400_000
"""Ten years; a larger error bound says no more than that the date is worthless."""

ORDER_LABELS: Final = {
    "en": "Order with obligation to pay",
    "nl": "Bestelling met betalingsverplichting",
}
"""The only words the confirm control may carry, by language. What counts is the control itself,
not the page around it (CJEU C-249/21)."""

Fact = str | int | bool | None


class Verdict(StrEnum):
    """What the cloud makes of a need."""

    REPLENISH = "replenish"
    """Order at once, under a standing agreement. No household can conclude one yet."""
    ASK = "ask"
    HOLD = "hold"
    REFUSE = "refuse"


class Reason(StrEnum):
    """Why, in order of precedence. A name is never reused."""

    NO_CONSENT = "no_consent"
    NOTHING_BOUND = "nothing_bound"
    ALREADY_ON_ITS_WAY = "already_on_its_way"
    ALREADY_ASKED = "already_asked"
    UNAUTHENTICATED = "unauthenticated"
    """The device did not prove itself: it may notify, and never order."""
    STALE = "stale"
    """Older than the slot allows, or of a date that cannot be believed."""
    PRICE_ABOVE_CEILING = "price_above_ceiling"
    CONFIRM_FIRST = "confirm_first"
    """The ordinary way: a priced quote, and the household's labelled yes."""


ASKED_BEFORE_QUOTING: Final = frozenset({Reason.UNAUTHENTICATED, Reason.STALE})
"""For these the household is first asked whether the need is there at all."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a signal claims, as far as the decision asks."""

    kind: SignalKind
    occurred_at: datetime
    error_ms: int
    """Bound on the error of `occurred_at`."""
    authenticated: bool
    """Whether the device proved itself."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a slot replenishes, and within which limits."""

    sku: str
    quantity: int
    price_ceiling: Money | None
    staleness_limit_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the household already said and already has under way for the slot."""

    consent_id: int | None
    """The live grant for the purpose `replenish`."""
    open_order_key: str | None
    open_quote_id: str | None
    """A quote or a question that waits for the household."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, with everything it rested on."""

    verdict: Verdict
    reason: Reason
    facts: dict[str, Fact]
    policy_version: str = POLICY_VERSION

    @property
    def asks_before_quoting(self) -> bool:
        """Whether the household is asked if the need is there, before a shop is asked a price."""
        return self.verdict is Verdict.ASK and self.reason in ASKED_BEFORE_QUOTING


def decide(need: Need, binding: Binding | None, standing: Standing, now: datetime) -> Decision:
    """Decide what one need signal leads to.

    Args:
        need: as the gateway claimed it.
        binding: what its slot replenishes; None if nothing is bound to it.
        standing: consent, open order and open quote at this moment.
        now: the cloud's instant, UTC.

    Returns:
        The verdict with the earliest reason that applies, and the facts of every reason.
    """
    limit_s = None if binding is None else binding.staleness_limit_s
    facts: dict[str, Fact] = {
        "kind": need.kind.value,
        "authenticated": need.authenticated,
        "age_s": age_s_max(need, now),
        "time_error_s": need.error_ms // 1_000,
        "staleness_limit_s": limit_s,
        "sku": None if binding is None else binding.sku,
        "quantity": None if binding is None else binding.quantity,
        "consent_id": standing.consent_id,
        "open_order": standing.open_order_key,
        "open_quote": standing.open_quote_id,
    }
    verdict, reason = _first_that_applies(need, binding, standing, now)
    return Decision(verdict, reason, facts)


def _first_that_applies(
    need: Need, binding: Binding | None, standing: Standing, now: datetime
) -> tuple[Verdict, Reason]:
    if standing.consent_id is None:
        return Verdict.REFUSE, Reason.NO_CONSENT
    if binding is None:
        return Verdict.REFUSE, Reason.NOTHING_BOUND
    if standing.open_order_key is not None:
        return Verdict.HOLD, Reason.ALREADY_ON_ITS_WAY
    if standing.open_quote_id is not None:
        return Verdict.HOLD, Reason.ALREADY_ASKED
    if not need.authenticated:
        return Verdict.ASK, Reason.UNAUTHENTICATED
    if is_stale(need, binding.staleness_limit_s, now):
        return Verdict.ASK, Reason.STALE
    return Verdict.ASK, Reason.CONFIRM_FIRST


def age_s_max(need: Need, now: datetime) -> int:
    """Give the greatest age the signal may have, in seconds: its age plus its error bound."""
    age = max(now - need.occurred_at, timedelta(0))
    return int((age + _error(need)).total_seconds())


def is_stale(need: Need, limit_s: int, now: datetime) -> bool:
    """Tell whether a signal may be older than `limit_s`, or has a date nobody can believe."""
    slack = _error(need) + timedelta(seconds=CLOCK_SLACK_S)
    return age_s_max(need, now) > limit_s or need.occurred_at > now + slack


def _error(need: Need) -> timedelta:
    return timedelta(milliseconds=min(need.error_ms, ERROR_MS_MAX))


def judge_price(total: Money, ceiling: Money | None) -> Reason:
    """Give the reason a quote is shown with, once its price is known.

    A ceiling in another currency cannot be compared, so the price counts as above it.
    """
    if ceiling is None:
        return Reason.CONFIRM_FIRST
    if total.currency != ceiling.currency or total.exceeds(ceiling):
        return Reason.PRICE_ABOVE_CEILING
    return Reason.CONFIRM_FIRST
