"""Devices and gateways of the household, and the token itself."""

from fastapi import APIRouter, Request

from zodra_cloud.api.routes.common import Caller, reading, works_of
from zodra_cloud.api.schemas.common import PathId
from zodra_cloud.api.schemas.slots import Device, Gateway, Me
from zodra_cloud.errors import UnknownThing
from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households

router = APIRouter(tags=["Home"])


@router.get("/me")
def read_me(caller: Caller) -> Me:
    """Say whose token this is and what it allows."""
    return Me.of(caller)


@router.get("/devices")
def list_devices(request: Request, caller: Caller) -> list[Device]:
    """List the household's devices, by id, with their newest readings."""
    with reading(request) as connection:
        return [Device.of(each) for each in households.devices(connection, caller.household_id)]


@router.get("/devices/{device_id}")
def read_device(request: Request, caller: Caller, device_id: PathId) -> Device:
    """Read one device."""
    with reading(request) as connection:
        devices = households.devices(connection, caller.household_id)
    for each in devices:
        if each.device_id == device_id:
            return Device.of(each)
    raise UnknownThing("device", device_id)


@router.get("/gateways")
def list_gateways(request: Request, caller: Caller) -> list[Gateway]:
    """List the household's gateways, each with its state and the value that decided it."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        found = fleet.of_household(connection, caller.household_id, now=now)
    return [Gateway.of(each) for each in found]
