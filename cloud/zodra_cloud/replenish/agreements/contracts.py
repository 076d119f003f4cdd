"""Concluding and ending standing agreements, and saying which need falls under one.

Off unless the market allows it; the flag is looked at again for every order, so that taking a
country off the list in the settings stops its agreements at once.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Slot
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish import repository
from zodra_cloud.replenish.agreements.terms import (
    AGREEMENT_LABELS,
    AgreementRefusal,
    AgreementState,
    Terms,
    fits,
    in_range,
)
from zodra_cloud.replenish.hooks import CoverFinder
from zodra_cloud.replenish.models import At
from zodra_cloud.replenish.policy import Cover, CoverBasis
from zodra_cloud.replenish.repository.agreements import Agreement
from zodra_cloud.store.engine import after_commit
from zodra_cloud.store.types import to_ms
from zodra_contract.ids import derived_id
from zodra_contract.signal import SignalKind


@dataclass(frozen=True, slots=True)
class Concluded:
    """The agreement that the yes made; the same for a repeat of it."""

    agreement_id: str


@dataclass(frozen=True, slots=True)
class NotConcluded:
    """Nothing was agreed."""

    reason: AgreementRefusal


@dataclass(frozen=True, slots=True)
class Said:
    """What the person did to conclude it: proof, kept with the agreement."""

    terms_hash: str
    """From the form: what was shown."""
    label: str
    """The literal words on the control."""
    language: str
    person_id: str


def agreements(connection: Connection, household_id: str) -> list[Agreement]:
    """Read the standing agreements of a household, newest first, ended ones too."""
    return repository.agreements_of(connection, household_id)


def conclude(
    connection: Connection,
    terms: Terms,
    said: Said,
    *,
    call_off_allowed: bool,
    now: datetime,
    changes: Changes,
) -> Concluded | NotConcluded:
    """Conclude a standing agreement; a repeat of the same yes gives the same agreement.

    Args:
        connection: of the caller's unit of work, which names the household.
        terms: as shown, with the household of the session.
        said: the hash of what was shown, the control's literal words, and who used it.
        call_off_allowed: what the settings say of the country (`Replenish.market`).
        now: the instant.
        changes: tells the open pages after the commit.
    """
    place = (terms.household_id, terms.device_id, terms.slot_key)
    live = repository.live_agreement(connection, place)
    if live is not None and live.terms_hash == said.terms_hash == terms.sha256():
        return Concluded(live.agreement_id)
    slot = households.slot(connection, *place)
    refusal = _against(connection, terms, said, slot, call_off_allowed)
    if refusal is None and live is not None:
        refusal = AgreementRefusal.ALREADY_CONCLUDED
    if refusal is not None:
        return NotConcluded(refusal)
    concluded = Agreement(
        household_id=terms.household_id,
        agreement_id=derived_id("a", *place, to_ms(now)),
        state=AgreementState.LIVE,
        terms=terms,
        terms_hash=said.terms_hash,
        label=said.label,
        language=said.language,
        concluded_by=said.person_id,
        concluded_at=now,
        ended_by=None,
        ended_at=None,
    )
    repository.add_agreement(connection, concluded)
    after_commit(connection, lambda: changes.tell(terms.household_id))
    return Concluded(concluded.agreement_id)


def _against(
    connection: Connection, terms: Terms, said: Said, slot: Slot | None, call_off_allowed: bool
) -> AgreementRefusal | None:
    if not call_off_allowed:
        return AgreementRefusal.MARKET
    if slot is None or not fits(terms, slot):
        return AgreementRefusal.SLOT_OFF
    if consent.live_grant(connection, terms.household_id, Purpose.REPLENISH) is None:
        return AgreementRefusal.NO_CONSENT
    if slot.confirmers and said.person_id not in slot.confirmers:
        return AgreementRefusal.MAY_NOT_CONFIRM
    if not in_range(terms):
        return AgreementRefusal.BAD_TERMS
    if terms.sha256() != said.terms_hash:
        return AgreementRefusal.CHANGED
    if AGREEMENT_LABELS.get(said.language) != said.label:
        return AgreementRefusal.WRONG_LABEL
    return None


def end_agreement(
    connection: Connection,
    household_id: str,
    agreement_id: str,
    *,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> bool:
    """End an agreement at once; what was ordered under it goes on. False if it had ended."""
    found = repository.agreement(connection, household_id, agreement_id)
    if found is None or found.state is AgreementState.ENDED:
        return False
    ended = replace(found, state=AgreementState.ENDED, ended_by=person_id, ended_at=now)
    repository.save_agreement(connection, ended)
    after_commit(connection, lambda: changes.tell(household_id))
    return True


def cover_finder(*, call_off_allowed: bool) -> CoverFinder:
    """Make the finder that `app` registers with `hooks.on_cover`.

    Args:
        call_off_allowed: whether the settings allow a press to order in the country.
    """

    def find(
        connection: Connection, signal: StoredSignal, slot: Slot | None, at: At
    ) -> Cover | None:
        if not call_off_allowed or signal.kind is SignalKind.SCHEDULED:
            return None
        place = (signal.household_id, signal.device_id, signal.slot_key)
        live = repository.live_agreement(connection, place)
        if live is None or not fits(live.terms, slot):
            return None
        return _cover(connection, live, at.now)

    return find


def _cover(connection: Connection, live: Agreement, now: datetime) -> Cover:
    terms = live.terms
    since = now - timedelta(days=terms.window_days)
    count = repository.count_under(connection, terms.household_id, live.agreement_id, since)
    return Cover(
        cover_id=live.agreement_id,
        basis=CoverBasis.AGREEMENT,
        sku=terms.sku,
        quantity=terms.quantity,
        price_ceiling=terms.price_ceiling,
        notice_s=terms.notice_s,
        within_frequency=count < terms.orders_max,
        concluded_by=live.concluded_by,
        label=live.label,
        language=live.language,
    )
