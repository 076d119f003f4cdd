"""Makers, their models, and the devices that households let in; for the pages and commands.

Every function works inside the caller's unit of work; what belongs to a household takes its id,
which a page takes from the session.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.dash import policy, repository, wire
from zodra_cloud.dash.makers import (
    add_maker,
    maker,
    notifications,
    put_model,
    renew_event_secret,
    resend,
    set_event_url,
)
from zodra_cloud.dash.models import (
    DashDevice,
    DashSlot,
    DeviceModel,
    DeviceView,
    ModelSlot,
    NotificationKind,
    SlotView,
    Wanted,
)
from zodra_cloud.dash.telling import tell
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Slot
from zodra_cloud.kit.changes import Changes
from zodra_cloud.oauth import service as oauth
from zodra_cloud.oauth.service import Agreed, Registrar
from zodra_cloud.replenish import service as replenish
from zodra_contract.ids import derived_id

FAMILY: Final = "dash"
STALENESS_LIMIT_S: Final = 24 * 3_600
CURRENCY: Final = "EUR"

__all__ = [
    "DeviceModel",
    "DeviceView",
    "SlotView",
    "Wanted",
    "add_maker",
    "agreement",
    "disconnect",
    "maker",
    "notifications",
    "pick",
    "put_model",
    "read_picks",
    "registrar",
    "renew_event_secret",
    "resend",
    "set_event_url",
    "understand",
    "view",
    "views",
]

_log = structlog.get_logger("zodra_cloud.dash")


def understand(
    connection: Connection, client_id: str, scope_data: str, *, production: bool
) -> Wanted | str:
    """Read what a login asks for; a fault is said in one sentence for the maker's developer."""
    login = policy.read_scope_data(scope_data)
    if isinstance(login, str):
        return login
    if login.non_live and production:
        return "should_include_non_live is not for production"
    model = repository.devices.model(connection, client_id, login.model)
    if model is None or not (model.live or login.non_live):
        return f"device_model {login.model} is not registered for this client, or not live"
    return Wanted(client_id, model, login.serial, login.is_test)


def read_picks(wanted: Wanted, picked: Mapping[str, str]) -> dict[str, str | None]:
    """Read which product a person picked for each slot; an empty pick is none.

    Raises:
        BadRequest: a product that the slot does not have.
    """
    return {spec.slot_id: _pick(spec, picked.get(spec.slot_id, "")) for spec in wanted.model.slots}


def _pick(spec: ModelSlot, sku: str) -> str | None:
    if not sku:
        return None
    if spec.product(sku) is None:
        raise BadRequest(f"slot {spec.slot_id!r} cannot be filled with {sku!r}")
    return sku


def agreement(wanted: Wanted, picks: Mapping[str, str | None], *, language: str) -> dict[str, Any]:
    """Write what the household agreed to, to be kept with its code."""
    return {
        "model": wanted.model.model,
        "serial": wanted.serial,
        "is_test": wanted.is_test,
        "picks": dict(picks),
        "language": language,
    }


def registrar(changes: Changes) -> Registrar:
    """Make what registers a device when its code is exchanged, and not before.

    A login that is abandoned leaves nothing behind, and only the device that made the challenge
    can end one.
    """

    def register(connection: Connection, agreed: Agreed, now: datetime) -> str:
        return _register(connection, agreed, now, changes)

    return register


def _register(connection: Connection, agreed: Agreed, now: datetime, changes: Changes) -> str:
    details = agreed.details
    device = DashDevice(
        household_id=agreed.household_id,
        device_id=derived_id("d", agreed.client_id, details["model"], details["serial"]),
        client_id=agreed.client_id,
        model=details["model"],
        serial=details["serial"],
        is_test=details["is_test"],
        registered_at=now,
        deregistered_at=None,
        last_active_at=None,
    )
    model = model_of(connection, device)
    former = repository.devices.device(connection, device.household_id, device.device_id)
    repository.devices.put_device(connection, device)
    if former is not None and former.is_test != device.is_test:
        _end_other_life(connection, former, model, now)
    if not device.is_test:
        _introduce(connection, device, model, now)
        consent.grant(
            connection,
            agreed.household_id,
            Purpose.REPLENISH,
            person_id=agreed.person_id,
            language=details["language"],
            method=Method.PAGE,
            now=now,
            changes=changes,
        )
    tell(connection, device, NotificationKind.DEVICE_REGISTERED, now)
    for spec in model.slots:
        _bind(connection, device, spec, details["picks"].get(spec.slot_id), now)
    _tell_subscriptions(connection, device, model, now)
    _log.info(
        "dash_device_registered",
        household_id=device.household_id,
        device_id=device.device_id,
        client_id=device.client_id,
        is_test=device.is_test,
    )
    return device.device_id


def _end_other_life(
    connection: Connection, former: DashDevice, model: DeviceModel, now: datetime
) -> None:
    """End what a device did before it became a test device, or ceased to be one."""
    for spec in model.slots:
        if former.is_test:
            repository.calls.end_tests(
                connection, former.household_id, former.device_id, spec.slot_id, now
            )
        else:
            # Else a forecast would go on ordering for what is only rehearsing.
            _bind(connection, former, spec, None, now)


def _introduce(
    connection: Connection, device: DashDevice, model: DeviceModel, now: datetime
) -> None:
    there = households.device_ids(connection, {device.household_id})[device.household_id]
    if device.device_id not in there:
        households.add_device(
            connection,
            device.household_id,
            device.device_id,
            family=FAMILY,
            label=model.name,
            now=now,
        )


def _bind(
    connection: Connection, device: DashDevice, spec: ModelSlot, sku: str | None, now: datetime
) -> None:
    place = (device.household_id, device.device_id, spec.slot_id)
    repository.devices.put_slot(connection, *place, sku)
    if device.is_test:
        # Nothing that the household owns may order for it, not even a forecast.
        return
    product = spec.product(sku)
    language = households.household(connection, device.household_id).language
    counts = spec.metering is not Metering.PRESS
    slot = households.slot(connection, *place) or Slot(
        household_id=device.household_id,
        device_id=device.device_id,
        slot_key=spec.slot_id,
        metering=spec.metering,
        sku=None,
        quantity=1,
        price_ceiling_minor=None,
        currency=CURRENCY,
        staleness_limit_s=STALENESS_LIMIT_S,
        unit=spec.unit if counts else "",
        capacity_units=spec.capacity_units if counts else None,
        reorder_units=spec.reorder_units if counts else None,
        units_per_item=spec.units_per_item if counts else None,
    )
    if product is not None:
        title = product.title.nl if language == "nl" else product.title.en
        slot = replace(slot, sku=product.sku, quantity=product.quantity, title=title)
    else:
        slot = replace(slot, sku=None)
    households.bind_slot(connection, slot, now=now)


def _tell_subscriptions(
    connection: Connection, device: DashDevice, model: DeviceModel, now: datetime
) -> None:
    part = wire.subscriptions(model, slots_of(connection, device), second=True)
    tell(
        connection,
        device,
        NotificationKind.SUBSCRIPTION_CHANGED,
        now,
        {"subscriptionInfo": part},
    )


def slots_of(connection: Connection, device: DashDevice) -> dict[str, DashSlot]:
    """Read the slots of a device with what is bound to them now, wherever that was said."""
    found = repository.devices.slots_of(connection, device.household_id, device.device_id)
    if device.is_test:
        return found
    bound = {
        slot.slot_key: slot.sku
        for slot in households.device_slots(connection, device.household_id, device.device_id)
    }
    return {slot_id: replace(slot, sku=bound.get(slot_id)) for slot_id, slot in found.items()}


def views(connection: Connection, household_id: str) -> list[DeviceView]:
    """Read the registered devices of a household with their slots, for its page."""
    return [
        _view(connection, device)
        for device in repository.devices.registered(connection, household_id)
    ]


def view(connection: Connection, household_id: str, device_id: str) -> DeviceView:
    """Read one registered device. Raises `UnknownThing`."""
    found = repository.devices.device(connection, household_id, device_id)
    if found is None or found.deregistered_at is not None:
        raise UnknownThing("connected device", device_id)
    return _view(connection, found)


def _view(connection: Connection, device: DashDevice) -> DeviceView:
    model = model_of(connection, device)
    bound = slots_of(connection, device)
    return DeviceView(
        device=device,
        maker=oauth.client(connection, device.client_id).name,
        model=model,
        slots=tuple(
            SlotView(spec, bound[spec.slot_id].sku if spec.slot_id in bound else None)
            for spec in model.slots
        ),
    )


def pick(
    connection: Connection,
    household_id: str,
    device_id: str,
    picked: Mapping[str, str],
    *,
    now: datetime,
) -> None:
    """Change what a household picked for the slots of a device, and tell its maker.

    Raises:
        UnknownThing: the household has no such connected device.
        BadRequest: a product that a slot does not have.
    """
    found = view(connection, household_id, device_id)
    for slot in found.slots:
        wanted = _pick(slot.spec, picked.get(slot.spec.slot_id, ""))
        _bind(connection, found.device, slot.spec, wanted, now)
    _tell_subscriptions(connection, found.device, found.model, now)


def disconnect(
    connection: Connection, household_id: str, device_id: str, *, reason: str, now: datetime
) -> bool:
    """Deregister a device: its tokens end, its slots are unbound, its maker is told.

    What its slots said and what was foreseen of them is erased.

    Returns:
        False if it is not registered.
    """
    device = repository.devices.device(connection, household_id, device_id)
    if device is None or not repository.devices.deregister(
        connection, household_id, device_id, now
    ):
        return False
    oauth.end_grants(connection, household_id, device_id, reason, now)
    for spec in model_of(connection, device).slots:
        _bind(connection, device, spec, None, now)
    # It may be sold or move: what it measured in this home stays in no home.
    replenish.forget_device(connection, household_id, device_id)
    tell(connection, device, NotificationKind.DEVICE_DEREGISTERED, now)
    _log.info(
        "dash_device_deregistered",
        household_id=household_id,
        device_id=device_id,
        client_id=device.client_id,
        reason=reason,
    )
    return True


def model_of(connection: Connection, device: DashDevice) -> DeviceModel:
    """Read the model of a device. Raises `UnknownThing`."""
    found = repository.devices.model(connection, device.client_id, device.model)
    if found is None:
        raise UnknownThing("device model", device.model)
    return found
