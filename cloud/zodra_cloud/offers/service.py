"""From a moment to at most one offer, and what the household does with it.

Every function works inside the caller's unit of work, opened as `Database.write(household_id)`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.changes import Changes
from zodra_cloud.offers import policy, repository
from zodra_cloud.offers.campaigns import CAMPAIGNS
from zodra_cloud.offers.models import (
    Accepted,
    AcceptRefusal,
    NotAccepted,
    StoredOffer,
    StoredOfferDecision,
)
from zodra_cloud.offers.policy import (
    CAP_WINDOW,
    OFFER_TRANSITIONS,
    Campaign,
    Moment,
    OfferDecision,
    OfferEvent,
    OfferState,
    OfferVerdict,
    Rules,
)
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState

DECIDE_AGAIN_JOB: Final = "decide_offer"
EXPIRE_JOB: Final = "expire_offer"
CURRENCY: Final = "EUR"
OFFERS_MAX: Final = 50

OFFERED: Final = "offer"
"""Reason of a need that waits as an offer."""
DISMISSED: Final = "dismissed"
EXPIRED: Final = "offer_expired"
WITHDRAWN: Final = "consent_withdrawn"

__all__ = [
    "AcceptRefusal",
    "Accepted",
    "NotAccepted",
    "Rules",
    "StoredOffer",
    "StoredOfferDecision",
    "accept",
    "consider",
    "decisions_on",
    "dismiss",
    "has_offer",
    "offer_of",
    "open_offers",
    "take_back",
]

_log = structlog.get_logger("zodra_cloud.offers")


def consider(
    connection: Connection,
    signal: StoredSignal,
    *,
    rules: Rules,
    now: datetime,
    changes: Changes,
    campaigns: Sequence[Campaign] = CAMPAIGNS,
) -> bool:
    """Decide whether a need without a bound product becomes an offer, now or later.

    Args:
        connection: of the caller's unit of work.
        signal: the need.
        rules: daily cap and quiet hours.
        now: the instant.
        changes: tells the open pages after the commit.
        campaigns: what may be offered.

    Returns:
        False if no campaign knows such a moment: then it is no offer's business.
    """
    household_id, signal_id = signal.household_id, signal.signal_id
    moment = _moment(connection, signal)
    if policy.fitting(campaigns, moment) is None:
        return False
    if repository.offer_of(connection, household_id, signal_id) is not None:
        return True
    grant = consent.live_grant(connection, household_id, Purpose.OFFERS)
    consent_id = None if grant is None else grant.consent_id
    # Without consent nothing else about the household is read.
    longest = max([campaign.rest for campaign in campaigns], default=CAP_WINDOW)
    history = (
        []
        if consent_id is None
        else repository.history(connection, household_id, now - max(longest, CAP_WINDOW))
    )
    zone = ZoneInfo(households.household(connection, household_id).time_zone)
    decision = policy.choose(moment, campaigns, consent_id, history, rules, now, zone)
    number = 1 + repository.decision_count(connection, household_id, signal_id)
    repository.add_decision(
        connection,
        StoredOfferDecision(
            household_id=household_id,
            signal_id=signal_id,
            number=number,
            verdict=decision.verdict,
            reason=decision.reason,
            campaign_id=decision.campaign_id,
            facts=dict(decision.facts),
            policy_version=decision.policy_version,
            consent_id=consent_id,
            decided_at=now,
        ),
    )
    _carry_out(connection, signal, decision, number, campaigns, now, changes)
    return True


def _carry_out(
    connection: Connection,
    signal: StoredSignal,
    decision: OfferDecision,
    number: int,
    campaigns: Sequence[Campaign],
    now: datetime,
    changes: Changes,
) -> None:
    household_id, signal_id = signal.household_id, signal.signal_id
    if decision.verdict is OfferVerdict.WAIT and decision.again_at is not None:
        jobs.enqueue(
            connection,
            kind=DECIDE_AGAIN_JOB,
            key=f"{DECIDE_AGAIN_JOB}:{household_id}:{signal_id}:{number}",
            household_id=household_id,
            payload={"signal_id": signal_id},
            due_at=decision.again_at,
        )
        state, reason = SignalState.RECEIVED, decision.reason.value
    elif decision.verdict is OfferVerdict.OFFER:
        campaign = next(c for c in campaigns if c.campaign_id == decision.campaign_id)
        _add_offer(connection, signal, campaign, decision, now, changes)
        state, reason = SignalState.ASKED, OFFERED
    else:
        state, reason = SignalState.REFUSED, decision.reason.value
    needs.restate(connection, household_id, signal_id, state, reason, now=now, changes=changes)


def _moment(connection: Connection, signal: StoredSignal) -> Moment:
    devices = households.devices(connection, signal.household_id)
    family = next((d.family for d in devices if d.device_id == signal.device_id), "")
    return Moment(signal.kind, family, signal.occurred_at, signal.evidence)


def _add_offer(
    connection: Connection,
    signal: StoredSignal,
    campaign: Campaign,
    decision: OfferDecision,
    now: datetime,
    changes: Changes,
) -> None:
    household_id = signal.household_id
    offer = StoredOffer(
        household_id=household_id,
        offer_id=derived_id("f", household_id, signal.signal_id),
        signal_id=signal.signal_id,
        campaign_id=campaign.campaign_id,
        device_id=signal.device_id,
        slot_key=signal.slot_key,
        sku=campaign.sku,
        quantity=campaign.quantity,
        currency=CURRENCY,
        titles=dict(campaign.titles),
        sentences=dict(decision.sentences),
        state=OfferState.OPEN,
        quote_id=None,
        offered_at=now,
        expires_at=decision.expires_at or now,
        state_at=now,
        ended_by=None,
    )
    repository.add_offer(connection, offer)
    jobs.enqueue(
        connection,
        kind=EXPIRE_JOB,
        key=f"{EXPIRE_JOB}:{household_id}:{offer.offer_id}",
        household_id=household_id,
        payload={"id": offer.offer_id},
        due_at=offer.expires_at,
    )
    after_commit(connection, lambda: _say_offer(offer, changes))


def _say_offer(offer: StoredOffer, changes: Changes) -> None:
    _log.info(
        "offer_made",
        household_id=offer.household_id,
        signal_id=offer.signal_id,
        offer_id=offer.offer_id,
        campaign_id=offer.campaign_id,
    )
    changes.tell(offer.household_id)


def open_offers(connection: Connection, household_id: str) -> list[StoredOffer]:
    """Read the offers that wait for the household, oldest first; the cap keeps them few."""
    return repository.open_offers(connection, household_id, OFFERS_MAX)


def has_offer(connection: Connection, household_id: str, offer_id: str) -> bool:
    """Tell whether an offer is this household's, in whatever state."""
    return repository.offer(connection, household_id, offer_id) is not None


def offer_of(connection: Connection, household_id: str, signal_id: str) -> StoredOffer | None:
    """Read the offer that one need led to, for its explanation."""
    return repository.offer_of(connection, household_id, signal_id)


def decisions_on(
    connection: Connection, household_id: str, signal_id: str
) -> list[StoredOfferDecision]:
    """Read the verdicts on one need, refusals among them, for its explanation."""
    return repository.decisions_on(connection, household_id, signal_id)


def accept(
    connection: Connection,
    household_id: str,
    offer_id: str,
    *,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> Accepted | NotAccepted:
    """Take the household's yes: the shop is asked a price, and the quote is confirmed like any.

    A repeat gives the same quote.
    """
    offer = repository.offer(connection, household_id, offer_id)
    if offer is None:
        return NotAccepted(AcceptRefusal.UNKNOWN_OFFER)
    if offer.state is OfferState.ACCEPTED and offer.quote_id is not None:
        return Accepted(offer.quote_id)
    if consent.live_grant(connection, household_id, Purpose.OFFERS) is None:
        return NotAccepted(AcceptRefusal.NO_CONSENT)
    if offer.state is not OfferState.OPEN or now >= offer.expires_at:
        return NotAccepted(AcceptRefusal.CLOSED)
    signal = needs.signal(connection, household_id, offer.signal_id)
    quote_id = replenish.ask_for_offer(
        connection,
        signal,
        sku=offer.sku,
        quantity=offer.quantity,
        currency=offer.currency,
        now=now,
        changes=changes,
    )
    if quote_id is None:
        return NotAccepted(AcceptRefusal.ALREADY_ON_ITS_WAY)
    _move(connection, offer, OfferEvent.ACCEPT, now, changes, person_id, quote_id)
    return Accepted(quote_id)


def dismiss(
    connection: Connection,
    household_id: str,
    offer_id: str,
    *,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the household's no, and rest the campaign; False if the offer had ended already."""
    offer = repository.offer(connection, household_id, offer_id)
    if offer is None:
        return False
    ended = _move(connection, offer, OfferEvent.DISMISS, now, changes, person_id)
    if ended:
        _end_need(connection, offer, SignalState.REFUSED, DISMISSED, now, changes)
    return ended


def expire(
    connection: Connection, household_id: str, offer_id: str, *, now: datetime, changes: Changes
) -> bool:
    """End an offer whose need is over; False if it had ended already or has more time."""
    offer = repository.offer(connection, household_id, offer_id)
    if offer is None or now < offer.expires_at:
        return False
    ended = _move(connection, offer, OfferEvent.EXPIRE, now, changes)
    if ended:
        _end_need(connection, offer, SignalState.EXPIRED, EXPIRED, now, changes)
    return ended


def take_back(connection: Connection, household_id: str, *, now: datetime, changes: Changes) -> int:
    """Take back every open offer, and every quote for an accepted one; gives how many."""
    count = 0
    for offer in repository.open_offers(connection, household_id, OFFERS_MAX):
        if _move(connection, offer, OfferEvent.WITHDRAW, now, changes):
            _end_need(connection, offer, SignalState.REFUSED, WITHDRAWN, now, changes)
            count += 1
    return count + replenish.take_back(
        connection, household_id, Purpose.OFFERS, now=now, changes=changes
    )


def _move(
    connection: Connection,
    offer: StoredOffer,
    event: OfferEvent,
    now: datetime,
    changes: Changes,
    person_id: str | None = None,
    quote_id: str | None = None,
) -> bool:
    state = OFFER_TRANSITIONS.get((offer.state, event))
    if state is None:
        return False
    moved = replace(offer, state=state, state_at=now, ended_by=person_id, quote_id=quote_id)
    repository.save_offer(connection, moved)
    after_commit(connection, lambda: changes.tell(offer.household_id))
    return True


def _end_need(
    connection: Connection,
    offer: StoredOffer,
    state: SignalState,
    reason: str,
    now: datetime,
    changes: Changes,
) -> None:
    needs.restate(
        connection,
        offer.household_id,
        offer.signal_id,
        state,
        reason,
        now=now,
        changes=changes,
    )
