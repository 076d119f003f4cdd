"""Which offer fits a moment, if any, and whether now is the time for it.

Consent comes first: without it nothing else about the household is looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from babel.numbers import format_decimal

from zodra_cloud.kit import quiet
from zodra_contract.signal import SignalKind

POLICY_VERSION: Final = "offers-1"

CAP_WINDOW: Final = timedelta(hours=24)
"""The daily cap counts offers in any 24 hours: two within an hour of midnight are not two days."""

_LOCALES: Final = {"en": "en_GB", "nl": "nl_NL"}

_UNITS: Final = (
    (3_600, {"en": ("hour", "hours"), "nl": ("uur", "uur")}),
    (60, {"en": ("minute", "minutes"), "nl": ("minuut", "minuten")}),
    (1, {"en": ("second", "seconds"), "nl": ("seconde", "seconden")}),
)
"""Seconds of a unit, and its words by language for one and for more."""

Fact = str | int | float | bool | None


class OfferVerdict(StrEnum):
    """What becomes of a moment."""

    OFFER = "offer"
    WAIT = "wait"
    """Decide again when the quiet hours are over; the need lasts longer than they do."""
    REFUSE = "refuse"


class OfferReason(StrEnum):
    """Why, in order of precedence. A name is never reused."""

    NO_CONSENT = "no_consent"
    NOTHING_FITS = "nothing_fits"
    OUTLIVED = "outlived"
    """The need is older than an offer for it is worth."""
    ALREADY_OFFERED = "already_offered"
    """The same offer waits for the household already."""
    DISMISSED_BEFORE = "dismissed_before"
    """The household said no to it not long ago."""
    DAILY_CAP = "daily_cap"
    QUIET_HOURS = "quiet_hours"
    FITS = "fits"


class OfferState(StrEnum):
    """Where an offer stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """The shop is asked for its price; the order is confirmed like any other."""
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """Taken back when the household withdrew its consent."""


class OfferEvent(StrEnum):
    """What can happen to an offer."""

    ACCEPT = "accept"
    DISMISS = "dismiss"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"


OFFER_TRANSITIONS: Final = {
    (OfferState.OPEN, OfferEvent.ACCEPT): OfferState.ACCEPTED,
    (OfferState.OPEN, OfferEvent.DISMISS): OfferState.DISMISSED,
    (OfferState.OPEN, OfferEvent.EXPIRE): OfferState.EXPIRED,
    (OfferState.OPEN, OfferEvent.WITHDRAW): OfferState.WITHDRAWN,
}
"""An event that is not named here for a state changes nothing."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What may be offered, at which moment, and with which words."""

    campaign_id: str
    kind: SignalKind
    family: str
    sku: str
    quantity: int
    value: int
    """The greater one wins where several fit."""
    lifetime: timedelta
    """How long after the moment the need is worth an offer."""
    rest: timedelta
    """How long it is not offered again after a no."""
    titles: Mapping[str, str]
    """By language."""
    reasons: Mapping[str, str]
    """By language: a sentence with `{duration}`."""
    reasons_plain: Mapping[str, str]
    """By language: the sentence for a moment that came without a duration."""
    duration_evidence: str
    """Name of the signal's fact that holds the duration, in hours."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The situation that a signal without a bound product tells of."""

    kind: SignalKind
    family: str
    occurred_at: datetime
    evidence: Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class PastOffer:
    """One earlier offer to the household."""

    campaign_id: str
    offered_at: datetime
    is_open: bool
    dismissed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rules:
    """When a household may be offered something, in its own local time."""

    quiet_from: time = time(22, 0)
    quiet_to: time = time(8, 0)
    """The same as `quiet_from`: no quiet hours."""
    per_day: int = 1


@dataclass(frozen=True, slots=True)
class OfferDecision:
    """The verdict, with everything it rested on."""

    verdict: OfferVerdict
    reason: OfferReason
    campaign_id: str | None
    sentences: Mapping[str, str]
    """Why the household sees the offer, by language; empty unless it is offered."""
    again_at: datetime | None
    """When a waiting moment is decided again."""
    expires_at: datetime | None
    """When the offer is taken back."""
    facts: Mapping[str, Fact]
    policy_version: str = POLICY_VERSION


def fitting(campaigns: Iterable[Campaign], moment: Moment) -> Campaign | None:
    """Give the campaign of the greatest value that fits a moment."""
    fits = (c for c in campaigns if (c.kind, c.family) == (moment.kind, moment.family))
    return min(fits, key=lambda c: (-c.value, c.campaign_id), default=None)


def choose(
    moment: Moment,
    campaigns: Iterable[Campaign],
    consent_id: int | None,
    history: Sequence[PastOffer],
    rules: Rules,
    now: datetime,
    zone: tzinfo,
) -> OfferDecision:
    """Choose at most one offer for a moment.

    Args:
        moment: what happened at home.
        campaigns: everything that may be offered.
        consent_id: the live grant for the purpose `offers`; None if there is none.
        history: the household's earlier offers, at least those of the last 24 hours, the open
            ones, and those dismissed within the longest `rest`.
        rules: cap and quiet hours.
        now: the cloud's instant, UTC.
        zone: the household's own.

    Returns:
        An offer with its reason in a sentence, a time to decide again, or a refusal.
    """
    if consent_id is None:
        return _refusal(OfferReason.NO_CONSENT, None, {"consent_id": None})
    campaign = fitting(campaigns, moment)
    facts: dict[str, Fact] = {"consent_id": consent_id, "kind": moment.kind.value}
    if campaign is None:
        return _refusal(OfferReason.NOTHING_FITS, None, facts)
    expires_at = moment.occurred_at + campaign.lifetime
    in_window = sum(now - past.offered_at < CAP_WINDOW for past in history)
    facts |= {
        "offers_in_24_h": in_window,
        "offers_per_day_max": rules.per_day,
        "local_time": now.astimezone(zone).strftime("%H:%M"),
        "quiet_from": rules.quiet_from.strftime("%H:%M"),
        "quiet_to": rules.quiet_to.strftime("%H:%M"),
    }
    reason = _against(campaign, history, expires_at, now)
    if reason is None and in_window >= rules.per_day:
        reason = OfferReason.DAILY_CAP
    if reason is not None:
        return _refusal(reason, campaign.campaign_id, facts)
    loud_at = quiet_until(rules, now, zone)
    if loud_at is None:
        return OfferDecision(
            verdict=OfferVerdict.OFFER,
            reason=OfferReason.FITS,
            campaign_id=campaign.campaign_id,
            sentences=sentences(campaign, moment),
            again_at=None,
            expires_at=expires_at,
            facts=facts,
        )
    if loud_at >= expires_at:
        return _refusal(OfferReason.QUIET_HOURS, campaign.campaign_id, facts)
    return OfferDecision(
        verdict=OfferVerdict.WAIT,
        reason=OfferReason.QUIET_HOURS,
        campaign_id=campaign.campaign_id,
        sentences={},
        again_at=loud_at,
        expires_at=None,
        facts=facts,
    )


def _against(
    campaign: Campaign, history: Sequence[PastOffer], expires_at: datetime, now: datetime
) -> OfferReason | None:
    if now >= expires_at:
        return OfferReason.OUTLIVED
    same = [past for past in history if past.campaign_id == campaign.campaign_id]
    if any(past.is_open for past in same):
        return OfferReason.ALREADY_OFFERED
    dismissals = (past.dismissed_at for past in same if past.dismissed_at is not None)
    if any(now - dismissed_at < campaign.rest for dismissed_at in dismissals):
        return OfferReason.DISMISSED_BEFORE
    return None


def quiet_until(rules: Rules, now: datetime, zone: tzinfo) -> datetime | None:
    """Give the end of the quiet hours that `now` lies in, UTC; None outside them.

    Local wall time decides, so a night with a change of the clock is an hour shorter or longer.
    """
    return quiet.quiet_until(rules.quiet_from, rules.quiet_to, now, zone)


def sentences(campaign: Campaign, moment: Moment) -> dict[str, str]:
    """Write the reason of an offer, in every language of its campaign."""
    hours = moment.evidence.get(campaign.duration_evidence)
    if not isinstance(hours, int | float) or hours <= 0:
        return dict(campaign.reasons_plain)
    return {
        language: text.format(duration=_duration(float(hours), language))
        for language, text in campaign.reasons.items()
    }


def _duration(hours: float, language: str) -> str:
    """Write a duration in its largest whole unit. Our own words: babel 2.18 has no Dutch hours."""
    seconds_of, words = next(
        (each for each in _UNITS if hours * 3_600 >= each[0]),
        _UNITS[-1],
    )
    count = max(1, int(hours * 3_600 / seconds_of))
    one, many = words.get(language, words["en"])
    number = format_decimal(count, locale=_LOCALES.get(language, "en_GB"))
    return f"{number} {one if count == 1 else many}"


def _refusal(
    reason: OfferReason, campaign_id: str | None, facts: Mapping[str, Fact]
) -> OfferDecision:
    return OfferDecision(
        verdict=OfferVerdict.REFUSE,
        reason=reason,
        campaign_id=campaign_id,
        sentences={},
        again_at=None,
        expires_at=None,
        facts=facts,
    )
