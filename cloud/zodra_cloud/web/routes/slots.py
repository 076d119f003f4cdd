"""The pages of what is looked after: each slot with its limits, forecast and agreements."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zodra_cloud.errors import BadRequest
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Device, Slot
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.service import AGREEMENT_LABELS, Concluded, Said, Terms
from zodra_cloud.web import typed
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.i18n import mark
from zodra_cloud.web.render import render
from zodra_cloud.web.routes.commands import Fields
from zodra_cloud.web.views.slots.form import broken_rule, read_limits
from zodra_cloud.web.views.slots.page import (
    SlotFacts,
    Typed,
    address_of,
    agreement_offer,
    product_of,
    slot_page,
    slots_page,
)

router = APIRouter()

SLOTS_MAX: Final = 60
"""On one page; no home has as many."""
_ORDERS_LOOKED_AT: Final = 30
_HOUR_S: Final = 3_600

_AGREE_RULES: Final = {
    "orders_max": mark("The number of orders has to be from 1 to 100."),
    "window_days": mark("The days have to be from 1 to 366."),
    "notice_hours": mark("The hours have to be from 0 to 336."),
}
_AGREE_MAX: Final = {"orders_max": (1, 100), "window_days": (1, 366), "notice_hours": (0, 336)}


@router.get("/products")
def products(request: Request, visitor: HouseholdMember) -> Response:
    """List what is looked after in a home."""
    site, now = site_of(request), site_of(request).clock.now()
    with site.database.read() as connection:
        names = _names(connection, visitor)
        places = [
            (device, slot)
            for device in households.devices(connection, visitor.household_id)
            for slot in device.slots
        ][:SLOTS_MAX]
        found = [
            (
                device,
                slot,
                replenish.forecast_of(connection, slot, now) if slot.sku is not None else None,
                names.get(slot.sku or "", ""),
            )
            for device, slot in places
        ]
    shell = visitor.shell(request, "/products")
    return page(request, render("slots/list.html", shell, page=slots_page(visitor.speech, found)))


@router.get("/slots/{device_id}/{slot_key}")
def detail(request: Request, visitor: HouseholdMember, device_id: str, slot_key: str) -> Response:
    """Show one slot."""
    return _show(request, visitor, device_id, slot_key)


@router.post("/slots/{device_id}/{slot_key}/limits", dependencies=[OwnForm])
def change_limits(
    request: Request, visitor: HouseholdMember, device_id: str, slot_key: str, sent: Fields
) -> Response:
    """Change the limits of a slot, all at once or not at all."""
    site = site_of(request)
    allowed = site.call_off_allowed
    with site.database.write(visitor.household_id) as connection:
        _device, slot = own_slot(connection, visitor, device_id, slot_key)
        read = read_limits(sent, slot, call_off_allowed=allowed)
        faults = dict(read.faults)
        if read.slot is not None:
            try:
                households.bind_slot(
                    connection, read.slot, now=site.clock.now(), call_off_allowed=allowed
                )
            except BadRequest as refused:
                name, rule = broken_rule(str(refused))
                faults = {name: rule}
    if faults:
        return _show(request, visitor, device_id, slot_key, Typed("limits", sent, faults))
    site.changes.tell(visitor.household_id)
    return back_to(address_of(slot), "slot_kept")


@router.post("/slots/{device_id}/{slot_key}/count", dependencies=[OwnForm])
def count(
    request: Request, visitor: HouseholdMember, device_id: str, slot_key: str, sent: Fields
) -> Response:
    """Take a person's count of what is left."""
    site = site_of(request)
    units = typed.decimal(sent.get("units", ""))
    with site.database.write(visitor.household_id) as connection:
        _device, slot = own_slot(connection, visitor, device_id, slot_key)
        if units is not None:
            replenish.count_remaining(connection, slot, units, now=site.clock.now())
    if units is None:
        return _show(request, visitor, device_id, slot_key, Typed("count", sent, {"units": ""}))
    return back_to(address_of(slot), "counted")


@router.post("/slots/{device_id}/{slot_key}/forget", dependencies=[OwnForm])
def forget(request: Request, visitor: HouseholdMember, device_id: str, slot_key: str) -> Response:
    """Forget what was measured, counted and foreseen in this home."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        _device, slot = own_slot(connection, visitor, device_id, slot_key)
        replenish.forget(
            connection, visitor.household_id, now=site.clock.now(), changes=site.changes
        )
    return back_to(address_of(slot), "forgotten")


@router.get("/slots/{device_id}/{slot_key}/agreement")
def propose(
    request: Request,
    visitor: HouseholdMember,
    device_id: str,
    slot_key: str,
    orders_max: str = "",
    window_days: str = "",
    notice_hours: str = "",
) -> Response:
    """Show the terms of a standing agreement beside the control that concludes it."""
    site = site_of(request)
    sent = {"orders_max": orders_max, "window_days": window_days, "notice_hours": notice_hours}
    with site.database.read() as connection:
        _device, slot = own_slot(connection, visitor, device_id, slot_key)
        names = _names(connection, visitor)
    if not (site.call_off_allowed and slot.call_off):
        raise HTTPException(404)
    faults = _agree_faults(sent)
    if faults:
        return _show(request, visitor, device_id, slot_key, Typed("agree", sent, faults))
    notice_s = (typed.whole(notice_hours) or 0) * _HOUR_S
    terms = _terms(visitor, slot, names, sent, notice_s)
    label = AGREEMENT_LABELS[visitor.speech.language]
    shell = visitor.shell(request, address_of(slot))
    model = agreement_offer(visitor.speech, slot, terms, label)
    return page(request, render("slots/agreement.html", shell, page=model))


@router.post("/slots/{device_id}/{slot_key}/agreement", dependencies=[OwnForm])
def conclude(
    request: Request, visitor: HouseholdMember, device_id: str, slot_key: str, sent: Fields
) -> Response:
    """Take the labelled yes to a standing agreement."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        _device, slot = own_slot(connection, visitor, device_id, slot_key)
        names = _names(connection, visitor)
        terms = _terms(visitor, slot, names, sent, typed.whole(sent.get("notice_s", "")) or 0)
        answer = replenish.conclude(
            connection,
            terms,
            Said(
                terms_hash=sent.get("terms_hash", ""),
                label=sent.get("label", ""),
                language=sent.get("language", ""),
                person_id=visitor.session.person_id,
            ),
            call_off_allowed=site.call_off_allowed,
            now=site.clock.now(),
            changes=site.changes,
        )
    agreed = isinstance(answer, Concluded)
    return back_to(address_of(slot), "agreed" if agreed else "agreement_refused")


@router.post("/slots/{device_id}/{slot_key}/agreements/{agreement_id}/end", dependencies=[OwnForm])
def end(
    request: Request, visitor: HouseholdMember, device_id: str, slot_key: str, agreement_id: str
) -> Response:
    """End a standing agreement, with one click."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        _device, slot = own_slot(connection, visitor, device_id, slot_key)
        known = replenish.agreements(connection, visitor.household_id)
        if agreement_id not in {each.agreement_id for each in known if _of(each.terms, slot)}:
            raise HTTPException(404)
        ended = replenish.end_agreement(
            connection,
            visitor.household_id,
            agreement_id,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
    return back_to(address_of(slot), "agreement_ended" if ended else "already_answered")


def own_slot(
    connection: Connection, visitor: Visitor, device_id: str, slot_key: str
) -> tuple[Device, Slot]:
    """Read a slot of the visitor's household; 404 for any other."""
    for device in households.devices(connection, visitor.household_id):
        for slot in device.slots:
            if (slot.device_id, slot.slot_key) == (device_id, slot_key):
                return device, slot
    raise HTTPException(404)


def _show(
    request: Request,
    visitor: Visitor,
    device_id: str,
    slot_key: str,
    wrong: Typed | None = None,
) -> Response:
    site, now = site_of(request), site_of(request).clock.now()
    with site.database.read() as connection:
        device, slot = own_slot(connection, visitor, device_id, slot_key)
        known = replenish.agreements(connection, visitor.household_id)
        facts = SlotFacts(
            device=device,
            slot=slot,
            devices=households.devices(connection, visitor.household_id),
            forecast=replenish.forecast_of(connection, slot, now) if slot.sku else None,
            product=_names(connection, visitor).get(slot.sku or "", ""),
            agreements=[each for each in known if _of(each.terms, slot)],
            call_off_allowed=site.call_off_allowed,
        )
    shell = visitor.shell(request, address_of(slot))
    model = slot_page(visitor.speech, facts, now, wrong)
    status = 200 if wrong is None else 422
    return page(request, render("slots/one.html", shell, page=model), status)


def _of(terms: Any, slot: Slot) -> bool:
    return (terms.device_id, terms.slot_key) == (slot.device_id, slot.slot_key)


def _names(connection: Connection, visitor: Visitor) -> dict[str, str]:
    """Name products as shops have, the newest order first."""
    names: dict[str, str] = {}
    for view in replenish.recent_orders(connection, visitor.household_id, _ORDERS_LOOKED_AT):
        names.setdefault(view.snapshot.sku, view.snapshot.title(visitor.speech.language))
    return names


def _terms(
    visitor: Visitor, slot: Slot, names: Mapping[str, str], sent: Mapping[str, str], notice_s: int
) -> Terms:
    return Terms(
        household_id=visitor.household_id,
        device_id=slot.device_id,
        slot_key=slot.slot_key,
        sku=slot.sku or "",
        title=product_of(visitor.speech, slot, names.get(slot.sku or "", "")),
        quantity=slot.quantity,
        currency=slot.currency,
        price_ceiling_minor=slot.price_ceiling_minor or 0,
        orders_max=typed.whole(sent.get("orders_max", "")) or 0,
        window_days=typed.whole(sent.get("window_days", "")) or 0,
        notice_s=notice_s,
    )


def _agree_faults(sent: Mapping[str, str]) -> dict[str, str]:
    faults = {}
    for name, (low, high) in _AGREE_MAX.items():
        value = typed.whole(sent.get(name, ""))
        if value is None or not low <= value <= high:
            faults[name] = _AGREE_RULES[name]
    return faults
