"""Standing agreements: read them, conclude one under a labelled yes, end one in one call."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api.models import Token
from zodra_cloud.api.once import Done
from zodra_cloud.api.problems import Code, FieldError, Problem
from zodra_cloud.api.routes.common import Caller, Keyed, OnceOf, codes, reading, works_of
from zodra_cloud.api.schemas.agreements import AgreementOffer, AgreementYes, StandingAgreement
from zodra_cloud.api.schemas.common import Nothing, PathId
from zodra_cloud.api.schemas.quotes import Language
from zodra_cloud.errors import UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Slot
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.agreements.terms import NOTICE_S_MAX, ORDERS_MAX, WINDOW_DAYS_MAX
from zodra_cloud.replenish.service import AgreementRefusal, NotConcluded, Said, Terms

router = APIRouter(tags=["Agreements"])

_ORDERS_LOOKED_AT: Final = 30
_CODES: Final = {
    AgreementRefusal.MARKET: Code.CALL_OFF_NOT_ALLOWED,
    AgreementRefusal.NO_CONSENT: Code.NO_CONSENT,
    AgreementRefusal.MAY_NOT_CONFIRM: Code.MAY_NOT_CONFIRM,
    AgreementRefusal.CHANGED: Code.QUOTE_CHANGED,
    AgreementRefusal.WRONG_LABEL: Code.WRONG_LABEL,
}
"""Every other reason is `agreement_refused`, named in its rule."""
_FIELDS: Final = {
    AgreementRefusal.CHANGED: "terms_hash",
    AgreementRefusal.WRONG_LABEL: "label",
}


@router.get("/agreements")
def list_agreements(request: Request, caller: Caller) -> list[StandingAgreement]:
    """List the household's standing agreements, newest first, ended ones too, at most a hundred."""
    with reading(request) as connection:
        found = replenish.agreements(connection, caller.household_id)
    return [StandingAgreement.of(each) for each in found]


@router.get("/agreements/{agreement_id}")
def read_agreement(request: Request, caller: Caller, agreement_id: PathId) -> StandingAgreement:
    """Read one standing agreement: its terms, and the proof of its conclusion."""
    with reading(request) as connection:
        return _agreement(connection, caller, agreement_id)


@router.get(
    "/slots/{device_id}/{slot_key}/agreement",
    openapi_extra=codes(Code.CALL_OFF_NOT_ALLOWED, Code.AGREEMENT_REFUSED),
)
def read_agreement_terms(
    request: Request,
    caller: Caller,
    device_id: PathId,
    slot_key: PathId,
    orders_max: Annotated[int, Query(ge=1, le=ORDERS_MAX, examples=[2])],
    window_days: Annotated[int, Query(ge=1, le=WINDOW_DAYS_MAX, examples=[30])],
    notice_s: Annotated[int, Query(ge=0, le=NOTICE_S_MAX, examples=[14_400])] = 0,
    language: Language = "en",
) -> AgreementOffer:
    """Give the terms of a standing agreement for a slot, to be shown before a labelled yes."""
    allowed = works_of(request).call_off_allowed
    with reading(request) as connection:
        slot = _slot(connection, caller, device_id, slot_key)
        terms = _terms(connection, slot, language, (orders_max, window_days, notice_s))
    if not allowed:
        raise _refused(AgreementRefusal.MARKET)
    if not slot.call_off:
        raise _refused(AgreementRefusal.SLOT_OFF)
    return AgreementOffer.of(terms)


@router.post(
    "/slots/{device_id}/{slot_key}/agreement",
    dependencies=[Keyed],
    response_model=StandingAgreement,
    openapi_extra=codes(
        Code.CALL_OFF_NOT_ALLOWED,
        Code.AGREEMENT_REFUSED,
        Code.NO_CONSENT,
        Code.MAY_NOT_CONFIRM,
        Code.QUOTE_CHANGED,
        Code.WRONG_LABEL,
    ),
)
def conclude_agreement(
    request: Request,
    caller: Caller,
    once: OnceOf,
    device_id: PathId,
    slot_key: PathId,
    given: AgreementYes,
) -> Response:
    """Conclude a standing agreement: take the person's labelled yes to the terms as shown.

    From then on a press of the slot orders within the terms, as far as the market allows that.
    """

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        slot = _slot(connection, caller, device_id, slot_key)
        numbers = (given.orders_max, given.window_days, given.notice_s)
        answer = replenish.conclude(
            connection,
            _terms(connection, slot, given.language, numbers),
            Said(given.terms_hash, given.label, given.language, caller.person_id),
            call_off_allowed=works_of(request).call_off_allowed,
            now=now,
            changes=works_of(request).changes,
        )
        if isinstance(answer, NotConcluded):
            return _refused(answer.reason)
        return Done(_agreement(connection, caller, answer.agreement_id))

    return once.do(request, caller, given, effect)


@router.post(
    "/agreements/{agreement_id}/end", dependencies=[Keyed], response_model=StandingAgreement
)
def end_agreement(
    request: Request,
    caller: Caller,
    once: OnceOf,
    agreement_id: PathId,
    given: Nothing | None = None,
) -> Response:
    """End a standing agreement at once; what was ordered under it goes on."""

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        _agreement(connection, caller, agreement_id)
        replenish.end_agreement(
            connection,
            caller.household_id,
            agreement_id,
            person_id=caller.person_id,
            now=now,
            changes=works_of(request).changes,
        )
        return Done(_agreement(connection, caller, agreement_id))

    return once.do(request, caller, given, effect)


def _slot(connection: Connection, caller: Token, device_id: str, slot_key: str) -> Slot:
    found = households.slot(connection, caller.household_id, device_id, slot_key)
    if found is None:
        raise UnknownThing("slot", slot_key)
    return found


def _agreement(connection: Connection, caller: Token, agreement_id: str) -> StandingAgreement:
    for each in replenish.agreements(connection, caller.household_id):
        if each.agreement_id == agreement_id:
            return StandingAgreement.of(each)
    raise UnknownThing("agreement", agreement_id)


def _terms(
    connection: Connection, slot: Slot, language: str, numbers: tuple[int, int, int]
) -> Terms:
    orders_max, window_days, notice_s = numbers
    return Terms(
        household_id=slot.household_id,
        device_id=slot.device_id,
        slot_key=slot.slot_key,
        sku=slot.sku or "",
        title=_title(connection, slot, language),
        quantity=slot.quantity,
        currency=slot.currency,
        price_ceiling_minor=slot.price_ceiling_minor or 0,
        orders_max=orders_max,
        window_days=window_days,
        notice_s=notice_s,
    )


def _title(connection: Connection, slot: Slot, language: str) -> str:
    """Name the product as the shop last did, else as the household does, else by its code."""
    for view in replenish.recent_orders(connection, slot.household_id, _ORDERS_LOOKED_AT):
        if view.snapshot.sku == slot.sku:
            return view.snapshot.title(language)
    return slot.title or slot.sku or ""


def _refused(reason: AgreementRefusal) -> Problem:
    code = _CODES.get(reason, Code.AGREEMENT_REFUSED)
    error = FieldError(place="body", field=_FIELDS.get(reason, ""), rule=reason.value)
    return Problem(code, (error,))
