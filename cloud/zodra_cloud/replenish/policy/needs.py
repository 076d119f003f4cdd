"""What to do about a need signal: replenish, ask, hold or refuse.

In the European Union a press is no order: the household must see product and total price, and say
a labelled yes, right before the contract (Directive 2011/83, article 8(2); OLG Munich, 29 U
1091/18). So `replenish` is answered only for a need that a concluded contract covers.

The facts of a decision are all that it rested on, so `replay` takes it again from the stored row.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from zodra_cloud.kit.money import Money
from zodra_contract.signal import SignalKind

POLICY_VERSION: Final = "replenish-3"

CLOCK_SLACK_S: Final = 60
"""How far in the future a signal may lie, beyond its own error bound, before its date is not
believed at all."""

ERROR_MS_MAX: Final = 10 * 366 * 86_400_000
"""Ten years; a larger error bound says no more than that the date is worthless."""

Fact = str | int | float | bool | None


class Verdict(StrEnum):
    """What the cloud makes of a need."""

    REPLENISH = "replenish"
    """Order under a concluded contract, if the shop's price keeps to it."""
    ASK = "ask"
    HOLD = "hold"
    REFUSE = "refuse"


class Reason(StrEnum):
    """Why, in order of precedence. A name is never reused."""

    NO_CONSENT = "no_consent"
    NOTHING_BOUND = "nothing_bound"
    ALREADY_ON_ITS_WAY = "already_on_its_way"
    ALREADY_ASKED = "already_asked"
    COOLDOWN = "cooldown"
    """Sooner after the last order than the slot allows."""
    SPEND_CAP = "spend_cap"
    """What the slot may cost in a day is spent, or would be passed."""
    QUIET_HOURS = "quiet_hours"
    """It waits until they end, and goes on by itself."""
    BUYING_PAUSED = "buying_paused"
    """The household paused buying on the gateway that heard it: it may ask, and never order."""
    UNAUTHENTICATED = "unauthenticated"
    """The device did not prove itself: it may notify, and never order."""
    NOT_ALLOWED_TO_PRESS = "not_allowed_to_press"
    """Anybody may have pressed; a person who may confirm is asked first."""
    STALE = "stale"
    """Older than the slot allows, or of a date that cannot be believed."""
    WITHIN_AGREEMENT = "within_agreement"
    PRICE_ABOVE_CEILING = "price_above_ceiling"
    NEEDED_SOON = "needed_soon"
    """It will probably run out before a delivery could come."""
    CONFIRM_FIRST = "confirm_first"
    """The ordinary way: a priced quote, and the household's labelled yes."""


ASKED_BEFORE_QUOTING: Final = frozenset(
    {
        *(Reason.BUYING_PAUSED, Reason.UNAUTHENTICATED),
        *(Reason.NOT_ALLOWED_TO_PRESS, Reason.STALE),
    }
)
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
    paused: bool = False
    """Whether buying was paused where it was heard."""
    counts: bool = True
    """False for a press that may be anybody's, of a slot that wants to know whose."""
    forecast: dict[str, Fact] = field(default_factory=dict)
    """What a foreseen need rests on; stored with the decision."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a slot replenishes, and within which limits."""

    sku: str
    quantity: int
    price_ceiling: Money | None
    staleness_limit_s: int
    cooldown_s: int = 0
    spend_cap: Money | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the household already said and already has under way for the slot."""

    consent_id: int | None
    """The live grant for the purpose `replenish`."""
    open_order_key: str | None
    open_quote_id: str | None
    """A quote or a question that waits for the household."""
    last_order_at: datetime | None = None
    """When the slot's last order was confirmed that was not cancelled and did not fail."""
    spent: Money | None = None
    """By the slot's orders since the household's day began; None where there were none."""
    quiet_until: datetime | None = None
    """The end of the quiet hours that it is in."""
    cover_id: str | None = None
    """The concluded contract that the need falls under and that allows one more order now."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, with everything it rested on."""

    verdict: Verdict
    reason: Reason
    facts: dict[str, Fact]
    policy_version: str = POLICY_VERSION
    again_at: datetime | None = None
    """When a need that is held is decided again."""

    @property
    def asks_before_quoting(self) -> bool:
        """Whether the household is asked if the need is there, before a shop is asked a price."""
        return self.verdict is Verdict.ASK and self.reason in ASKED_BEFORE_QUOTING

    @property
    def wants_quote(self) -> bool:
        """Whether a shop is asked a price, at once or after the household's answer."""
        return self.verdict in (Verdict.ASK, Verdict.REPLENISH)


def decide(need: Need, binding: Binding | None, standing: Standing, now: datetime) -> Decision:
    """Decide what one need signal leads to.

    Args:
        need: as it was claimed.
        binding: what its slot replenishes; None if nothing is bound to it.
        standing: consent, and what is under way, at this moment.
        now: the cloud's instant, UTC.

    Returns:
        The verdict with the earliest reason that applies, and the facts of every reason.
    """
    facts = {
        **_need_facts(need, now),
        **_binding_facts(binding),
        **_standing_facts(standing),
        **{f"forecast_{name}": value for name, value in need.forecast.items()},
    }
    verdict, reason = _first_that_applies(need, binding, standing, now)
    held = reason is Reason.QUIET_HOURS
    return Decision(verdict, reason, facts, again_at=standing.quiet_until if held else None)


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
    limit = _limit(binding, standing, now)
    if limit is not None:
        return limit
    if need.paused:
        return Verdict.ASK, Reason.BUYING_PAUSED
    if not need.authenticated:
        return Verdict.ASK, Reason.UNAUTHENTICATED
    return _fresh(need, binding, standing, now)


def _limit(binding: Binding, standing: Standing, now: datetime) -> tuple[Verdict, Reason] | None:
    last = standing.last_order_at
    if last is not None and now - last < timedelta(seconds=binding.cooldown_s):
        return Verdict.REFUSE, Reason.COOLDOWN
    if _spent_up(binding.spend_cap, standing.spent):
        return Verdict.REFUSE, Reason.SPEND_CAP
    if standing.quiet_until is not None and now < standing.quiet_until:
        return Verdict.HOLD, Reason.QUIET_HOURS
    return None


def _spent_up(cap: Money | None, spent: Money | None) -> bool:
    if cap is None or spent is None:
        return False
    return spent.currency != cap.currency or not cap.exceeds(spent)


def _fresh(
    need: Need, binding: Binding, standing: Standing, now: datetime
) -> tuple[Verdict, Reason]:
    if not need.counts:
        return Verdict.ASK, Reason.NOT_ALLOWED_TO_PRESS
    if is_stale(need, binding.staleness_limit_s, now):
        return Verdict.ASK, Reason.STALE
    if standing.cover_id is not None:
        return Verdict.REPLENISH, Reason.WITHIN_AGREEMENT
    if need.kind is SignalKind.RUNNING_OUT:
        return Verdict.ASK, Reason.NEEDED_SOON
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


def _need_facts(need: Need, now: datetime) -> dict[str, Fact]:
    return {
        "kind": need.kind.value,
        # A gateway on which buying is paused vouches for no device, proven or not.
        **({"buying_paused": True} if need.paused else {"authenticated": need.authenticated}),
        "press_counts": need.counts,
        "occurred_at": need.occurred_at.isoformat(),
        "decided_at": now.isoformat(),
        "age_s": age_s_max(need, now),
        "time_error_s": need.error_ms // 1_000,
        "time_error_ms": need.error_ms,
    }


def _binding_facts(binding: Binding | None) -> dict[str, Fact]:
    if binding is None:
        return {"sku": None, "quantity": None, "staleness_limit_s": None}
    return {
        "sku": binding.sku,
        "quantity": binding.quantity,
        "staleness_limit_s": binding.staleness_limit_s,
        "cooldown_s": binding.cooldown_s,
        **_money_facts("price_ceiling", binding.price_ceiling),
        **_money_facts("spend_cap", binding.spend_cap),
    }


def _standing_facts(standing: Standing) -> dict[str, Fact]:
    return {
        "consent_id": standing.consent_id,
        "open_order": standing.open_order_key,
        "open_quote": standing.open_quote_id,
        "last_order_at": _written(standing.last_order_at),
        "quiet_until": _written(standing.quiet_until),
        "cover": standing.cover_id,
        **_money_facts("spent", standing.spent),
    }


def _money_facts(name: str, money: Money | None) -> dict[str, Fact]:
    if money is None:
        return {}
    return {f"{name}_minor": money.amount_minor, f"{name}_currency": money.currency}


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def replay(facts: dict[str, Any]) -> Decision:
    """Take a decision again from its stored facts, under this version of the policy.

    Raises:
        KeyError: the facts are of a version before `replenish-2`, which stored fewer.
    """
    need = Need(
        kind=SignalKind(facts["kind"]),
        occurred_at=datetime.fromisoformat(facts["occurred_at"]),
        error_ms=facts["time_error_ms"],
        authenticated=facts.get("authenticated", False),
        paused=facts.get("buying_paused", False),
        counts=facts["press_counts"],
        forecast={
            name.removeprefix("forecast_"): value
            for name, value in facts.items()
            if name.startswith("forecast_")
        },
    )
    standing = Standing(
        consent_id=facts["consent_id"],
        open_order_key=facts["open_order"],
        open_quote_id=facts["open_quote"],
        last_order_at=_read(facts["last_order_at"]),
        spent=_read_money(facts, "spent"),
        quiet_until=_read(facts["quiet_until"]),
        cover_id=facts["cover"],
    )
    return decide(need, _read_binding(facts), standing, datetime.fromisoformat(facts["decided_at"]))


def _read_binding(facts: dict[str, Any]) -> Binding | None:
    if facts["sku"] is None:
        return None
    return Binding(
        sku=facts["sku"],
        quantity=facts["quantity"],
        price_ceiling=_read_money(facts, "price_ceiling"),
        staleness_limit_s=facts["staleness_limit_s"],
        cooldown_s=facts["cooldown_s"],
        spend_cap=_read_money(facts, "spend_cap"),
    )


def _read(instant: str | None) -> datetime | None:
    return None if instant is None else datetime.fromisoformat(instant)


def _read_money(facts: dict[str, Any], name: str) -> Money | None:
    if f"{name}_minor" not in facts:
        return None
    return Money(facts[f"{name}_minor"], facts[f"{name}_currency"])
