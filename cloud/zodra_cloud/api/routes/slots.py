"""Slots with their limits and forecasts."""

from dataclasses import replace
from datetime import datetime, time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api.models import Token
from zodra_cloud.api.once import Done
from zodra_cloud.api.problems import Code, FieldError, Problem
from zodra_cloud.api.routes.common import Caller, Keyed, OnceOf, codes, reading, works_of
from zodra_cloud.api.schemas.common import PathId
from zodra_cloud.api.schemas.slots import Counted, Forecast, Slot, SlotBinding, SlotLimits
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering
from zodra_cloud.households.models import Slot as StoredSlot
from zodra_cloud.replenish import service as replenish

router = APIRouter(tags=["Slots"])

_NULLABLE = frozenset(
    {
        "price_ceiling_minor",
        "spend_cap_minor",
        "quiet_from",
        "quiet_to",
        "capacity_units",
        "reorder_units",
        "units_per_item",
    }
)
_ETAG = {"headers": {"ETag": {"schema": {"type": "string"}, "description": "For If-Match."}}}

IfMatch = Annotated[
    str,
    Header(
        max_length=200,
        description="The ETag of the slot as it was read; required, so that no change is lost.",
    ),
]

IfNoneMatch = Annotated[
    Literal["*"] | None,
    Header(description="`*` for a slot that is not there yet, in place of If-Match."),
]


@router.get("/slots")
def list_slots(request: Request, caller: Caller) -> list[Slot]:
    """List the household's slots, by device and key; there are as many as its devices have."""
    with reading(request) as connection:
        devices = households.devices(connection, caller.household_id)
    return [Slot.of(slot) for device in devices for slot in device.slots]


@router.get("/slots/{device_id}/{slot_key}", responses={200: {"description": "The slot.", **_ETAG}})
def read_slot(
    request: Request, response: Response, caller: Caller, device_id: PathId, slot_key: PathId
) -> Slot:
    """Read one slot; its ETag is needed to change it."""
    with reading(request) as connection:
        slot = Slot.of(_slot(connection, caller, device_id, slot_key))
    response.headers["etag"] = slot.etag()
    return slot


@router.patch(
    "/slots/{device_id}/{slot_key}",
    dependencies=[Keyed],
    response_model=Slot,
    responses={200: {"description": "The slot as it is now.", **_ETAG}},
    openapi_extra=codes(
        Code.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE, Code.SLOT_RULE, Code.MAY_NOT_CONFIRM
    ),
)
def change_slot(
    request: Request,
    caller: Caller,
    once: OnceOf,
    device_id: PathId,
    slot_key: PathId,
    given: SlotLimits,
    if_match: IfMatch = "",
) -> Response:
    """Change a slot's limits: what is left out stays, null takes a limit away.

    Limits hold from the next decision on; an order that was confirmed goes on.
    """

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        before = _slot(connection, caller, device_id, slot_key)
        if if_match not in ("*", Slot.of(before).etag()):
            raise Problem(Code.CHANGED_MEANWHILE)
        bound = replace(before, **_changes(given))
        return _bound(request, connection, caller, before, bound, given, now)

    if not if_match:
        raise Problem(Code.IF_MATCH_MISSING)
    return once.do(request, caller, given, effect)


@router.put(
    "/slots/{device_id}/{slot_key}",
    dependencies=[Keyed],
    response_model=Slot,
    responses={200: {"description": "The slot as it is now.", **_ETAG}},
    openapi_extra=codes(
        Code.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE, Code.SLOT_RULE, Code.MAY_NOT_CONFIRM
    ),
)
def bind_slot(
    request: Request,
    caller: Caller,
    once: OnceOf,
    device_id: PathId,
    slot_key: PathId,
    given: SlotBinding,
    if_match: IfMatch = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Bind a slot to a product, with all its limits; what is left out falls back to its default.

    A slot of the device that is not there yet is made by it, with `If-None-Match: *`. A binding
    orders nothing: a need of it is quoted, and the quote waits for a labelled yes.
    """

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        home = caller.household_id
        if device_id not in households.device_ids(connection, {home})[home]:
            raise UnknownThing("device", device_id)
        before = households.slot(connection, home, device_id, slot_key)
        there = before is not None
        if there != bool(if_match) or (
            before is not None and if_match not in ("*", Slot.of(before).etag())
        ):
            raise Problem(Code.CHANGED_MEANWHILE)
        bound = StoredSlot(
            household_id=home,
            device_id=device_id,
            slot_key=slot_key,
            **_stored(given.model_dump()),
        )
        return _bound(request, connection, caller, before, bound, given, now)

    if not if_match and if_none_match is None:
        raise Problem(Code.IF_MATCH_MISSING)
    return once.do(request, caller, given, effect)


@router.get("/slots/{device_id}/{slot_key}/forecast")
def read_forecast(
    request: Request, caller: Caller, device_id: PathId, slot_key: PathId
) -> Forecast:
    """Say when a slot is needed again, as probabilities, with the facts behind them."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        slot = _slot(connection, caller, device_id, slot_key)
        made = replenish.forecast_of(connection, slot, now)
    return Forecast.of(made.made_at, made.forecast, made.remaining_units)


@router.post(
    "/slots/{device_id}/{slot_key}/count",
    dependencies=[Keyed],
    response_model=Forecast,
    openapi_extra=codes(Code.SLOT_RULE),
)
def count_slot(
    request: Request,
    caller: Caller,
    once: OnceOf,
    device_id: PathId,
    slot_key: PathId,
    given: Counted,
) -> Response:
    """Say how much is left in a usage slot; it replaces what we thought, and gives the forecast."""

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        slot = _slot(connection, caller, device_id, slot_key)
        if slot.metering is not Metering.USAGE or slot.reorder_units is None:
            rule = "only a usage slot with reorder_units is counted"
            return Problem(Code.SLOT_RULE, (FieldError(place="body", field="units", rule=rule),))
        replenish.count_remaining(connection, slot, given.units, now=now)
        made = replenish.forecast_of(connection, slot, now)
        return Done(Forecast.of(made.made_at, made.forecast, made.remaining_units))

    return once.do(request, caller, given, effect)


def _slot(connection: Connection, caller: Token, device_id: str, slot_key: str) -> StoredSlot:
    found = households.slot(connection, caller.household_id, device_id, slot_key)
    if found is None:
        raise UnknownThing("slot", slot_key)
    return found


def _changes(given: SlotLimits) -> dict[str, Any]:
    changed = given.model_dump(exclude_unset=True)
    for name, value in changed.items():
        if value is None and name not in _NULLABLE:
            rule = "null takes away a limit, and this is none; leave it out to keep it"
            error = FieldError(place="body", field=name, rule=rule)
            raise Problem(Code.INVALID_REQUEST, (error,))
    return _stored(changed)


def _stored(values: dict[str, Any]) -> dict[str, Any]:
    """Give the values of a body as the households room keeps them."""
    for name in ("quiet_from", "quiet_to"):
        if values.get(name) is not None:
            values[name] = time.fromisoformat(values[name])
    for name in ("press_devices", "confirmers"):
        if name in values:
            values[name] = tuple(values[name])
    return values


def _bound(
    request: Request,
    connection: Connection,
    caller: Token,
    before: StoredSlot | None,
    bound: StoredSlot,
    given: SlotBinding | SlotLimits,
    now: datetime,
) -> Done | Problem:
    if before is not None and before.confirmers and caller.person_id not in before.confirmers:
        return Problem(Code.MAY_NOT_CONFIRM)
    allowed = works_of(request).call_off_allowed
    try:
        households.bind_slot(connection, bound, now=now, call_off_allowed=allowed)
    except BadRequest as fault:
        raise Problem(Code.SLOT_RULE, (_rule(str(fault), given),)) from fault
    changed = Slot.of(_slot(connection, caller, bound.device_id, bound.slot_key))
    return Done(changed, {"etag": changed.etag()})


def _rule(said: str, given: SlotBinding | SlotLimits) -> FieldError:
    """Take field and rule from the sentence of the households room, `slot ...: field: rule`."""
    _, _, fault = said.partition(": ")
    name, _, rule = fault.partition(": ")
    value = getattr(given, name, None)
    is_plain = isinstance(value, int | float | bool | None)
    return FieldError(place="body", field=name, rule=rule, value=value if is_plain else None)
