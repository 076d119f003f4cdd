"""The values that pages and other rooms see of offers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zodra_cloud.offers.policy import Fact, OfferReason, OfferState, OfferVerdict


@dataclass(frozen=True, slots=True)
class StoredOfferDecision:
    """One verdict on a moment; one that waits is followed by another."""

    household_id: str
    signal_id: str
    number: int
    """From 1."""
    verdict: OfferVerdict
    reason: OfferReason
    campaign_id: str | None
    facts: dict[str, Fact]
    policy_version: str
    consent_id: int | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class StoredOffer:
    """One offer to a household."""

    household_id: str
    offer_id: str
    signal_id: str
    campaign_id: str
    device_id: str
    slot_key: str
    sku: str
    quantity: int
    currency: str
    titles: dict[str, str]
    """By language."""
    sentences: dict[str, str]
    """Why the household sees it, by language."""
    state: OfferState
    quote_id: str | None
    """Once it was accepted."""
    offered_at: datetime
    expires_at: datetime
    state_at: datetime
    ended_by: str | None
    """The person who accepted or dismissed it."""


class AcceptRefusal(StrEnum):
    """Why an accepted offer leads to no quote, in order of precedence. A name is never reused."""

    UNKNOWN_OFFER = "unknown_offer"
    NO_CONSENT = "no_consent"
    CLOSED = "closed"
    """Dismissed, expired or taken back."""
    ALREADY_ON_ITS_WAY = "already_on_its_way"
    """The slot has a quote or an order under way."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The quote that the shop is asked for; the same for every repeat."""

    quote_id: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Nothing was asked of a shop."""

    reason: AcceptRefusal
