"""What devices call: replenish, report, ask, deregister. Each is one unit of work.

A device speaks for itself alone: the household and the device come from its token, and a slot of
another one is simply not there.
"""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.dash import policy, repository, service, wire
from zodra_cloud.dash.models import (
    DashDevice,
    DashSlot,
    DetailCode,
    DeviceModel,
    Event,
    ModelSlot,
    NotificationKind,
    Product,
)
from zodra_cloud.dash.policy import New
from zodra_cloud.dash.telling import tell
from zodra_cloud.dash.wire import DeviceStatus, SlotStatus
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering
from zodra_cloud.households.service import Heard
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.metered import Metered, tell_metered
from zodra_cloud.kit.clock import Clock
from zodra_cloud.oauth import service as oauth
from zodra_cloud.oauth.service import Access
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.types import to_ms
from zodra_contract.ids import derived_id
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality

SOURCE: Final = "dash"
"""Stands where the gateway's id stands for needs that a gateway brought."""
NEED_PREFIX: Final = "h"
"""Of the ids of needs that came over HTTP, so that others are not even looked up."""
SHIP_TEST_JOB: Final = "ship_dash_test"
SHIP_TEST_AFTER: Final = timedelta(seconds=60)
CLOCK_SLACK: Final = timedelta(minutes=5)
"""How far ahead of ours a device's clock may be before its dates are not believed."""
_CALL_KEY: Final = re.compile(policy.CALL_KEY_PATTERN)

_log = structlog.get_logger("zodra_cloud.dash")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a call, in one sentence for whoever wrote the firmware."""

    text: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A slot of the calling device."""

    device: DashDevice
    model: DeviceModel
    spec: ModelSlot
    slot: DashSlot | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Name it everywhere."""
        return self.device.household_id, self.device.device_id, self.spec.slot_id


class Calls:
    """The verbs. Each gives the body of its answer, or what is wrong with the call."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def access(self, presented: str) -> Access | None:
        """Read whom a token speaks for."""
        with self._database.read() as connection:
            return oauth.bearer(connection, presented, self._clock.now())

    def replenish(
        self, access: Access, slot_id: str, call_key: str | None
    ) -> dict[str, Any] | Fault:
        """Take in that a slot wants replenishment."""
        if call_key is not None and _CALL_KEY.match(call_key) is None:
            return Fault("Idempotency-Key: use 1 to 128 letters, digits, '.', '_', ':' and '-'")
        now = self._clock.now()
        with self._database.write(access.household_id) as connection:
            place = _place(connection, access, slot_id)
            if isinstance(place, Fault):
                return place
            product = place.spec.product(None if place.slot is None else place.slot.sku)
            if product is None:
                return Fault(f"slot {slot_id} is not subscribed: the household picked no product")
            event, code = _take_in(connection, place, product, call_key, now)
        _log.info(
            "dash_replenish",
            household_id=access.household_id,
            device_id=access.subject,
            event_id=event.event_id,
            detail_code=code.value,
        )
        return {"eventInstanceId": event.event_id, "detailCode": code.value}

    def slot_status(
        self, access: Access, slot_id: str, status: SlotStatus
    ) -> dict[str, Any] | Fault:
        """Take in what a device says is left."""
        now = self._clock.now()
        with self._database.write(access.household_id) as connection:
            place = _place(connection, access, slot_id)
            if isinstance(place, Fault):
                return place
            repository.devices.put_status(
                connection, *place.key, status.model_dump(mode="json", exclude_none=True), now
            )
            if not place.device.is_test:
                _note_level(connection, place, status, now)
        return {}

    def device_status(self, access: Access, status: DeviceStatus) -> dict[str, Any] | Fault:
        """Take in when a device was last in use."""
        now = self._clock.now()
        if status.active_at > now + CLOCK_SLACK:
            return Fault("mostRecentlyActiveDate lies in the future")
        with self._database.write(access.household_id) as connection:
            found = _device(connection, access)
            if isinstance(found, Fault):
                return found
            repository.devices.note_active(
                connection, found.household_id, found.device_id, status.active_at
            )
            if not found.is_test:
                _note_alive(connection, found, now)
        return {}

    def subscription_info(self, access: Access, *, second: bool) -> dict[str, Any] | Fault:
        """Tell which slots have a product."""
        with self._database.read() as connection:
            found = _device(connection, access)
            if isinstance(found, Fault):
                return found
            model = service.model_of(connection, found)
            slots = service.slots_of(connection, found)
        return wire.subscriptions(model, slots, second=second)

    def order_info(self, access: Access, event_id: str) -> dict[str, Any] | Fault:
        """Tell how what a call led to stands."""
        with self._database.read() as connection:
            event = repository.calls.event(connection, access.household_id, event_id)
            if event is None or event.device_id != access.subject:
                return Fault("eventInstanceId names no call of this device")
            status = policy.test_status(event)
            if event.signal_id is not None:
                need = needs.signal(connection, event.household_id, event.signal_id)
                status = policy.ORDER_STATUS[need.state]
        return wire.order_info(event, status)

    def deregister(
        self, access: Access, named: tuple[str, str] | None = None
    ) -> dict[str, Any] | Fault:
        """Let a device go; the first version of the call names its model and serial."""
        with self._database.write(access.household_id) as connection:
            found = _device(connection, access)
            if isinstance(found, Fault):
                return found
            if named is not None and named != (found.model, found.serial):
                return Fault("the device model and serial are not those of this token")
            service.disconnect(
                connection,
                access.household_id,
                access.subject,
                reason="by_device",
                now=self._clock.now(),
            )
        return {}

    def cancel_tests(self, access: Access, slot_id: str | None) -> dict[str, Any] | Fault:
        """End the test orders of one slot or of all, so that the next call places one again."""
        now = self._clock.now()
        with self._database.write(access.household_id) as connection:
            found = _device(connection, access)
            if isinstance(found, Fault):
                return found
            if not found.is_test:
                return Fault("this is no test device; its orders are the household's to cancel")
            model = service.model_of(connection, found)
            specs = [spec for spec in model.slots if slot_id in (None, spec.slot_id)]
            if not specs:
                return Fault(f"the device has no slot {slot_id}")
            for spec in specs:
                _cancel_test(connection, found, spec.slot_id, now)
        ended = [{"orderStatus": "NO_ORDER_IN_PROGRESS", "slotId": spec.slot_id} for spec in specs]
        return {"slotOrderStatuses": ended}


def _device(connection: Connection, access: Access) -> DashDevice | Fault:
    found = repository.devices.device(connection, access.household_id, access.subject)
    if found is None or found.deregistered_at is not None:
        return Fault("the device is not registered")
    return found


def _place(connection: Connection, access: Access, slot_id: str) -> _Place | Fault:
    device = _device(connection, access)
    if isinstance(device, Fault):
        return device
    model = service.model_of(connection, device)
    spec = model.slot(slot_id)
    if spec is None:
        return Fault("the device has no such slot")
    return _Place(device, model, spec, service.slots_of(connection, device).get(slot_id))


def _take_in(
    connection: Connection, place: _Place, product: Product, call_key: str | None, now: datetime
) -> tuple[Event, DetailCode]:
    judged = policy.judge_call(
        same=None if call_key is None else repository.calls.named(connection, *place.key, call_key),
        open_=repository.calls.open_on(connection, *place.key),
        last=repository.calls.last_on(connection, *place.key),
        now=now,
    )
    if not isinstance(judged, New):
        return judged.event, judged.detail_code
    event = _new_event(place, product, call_key, now)
    if place.device.is_test:
        return _test_order(connection, place, event, now), DetailCode.TEST_ORDER_PLACED
    waiting = replenish.under_way(connection, *place.key)
    if waiting is not None:
        # Opened without this call, as from the page: the call adds nothing to it.
        held = _with(event, DetailCode.ORDER_INPROGRESS, signal_id=waiting, ended_at=now)
        repository.calls.add(connection, held)
        return held, held.detail_code
    signal_id = derived_id(NEED_PREFIX, event.household_id, event.event_id)
    taken = _with(event, DetailCode.STANDARD_ORDER_PLACED, signal_id=signal_id)
    repository.calls.add(connection, taken)
    needs.take_in(
        connection,
        event.household_id,
        _need(signal_id, place, now),
        source=SOURCE,
        now=now,
    )
    _note_alive(connection, place.device, now)
    return taken, taken.detail_code


def _new_event(place: _Place, product: Product, call_key: str | None, now: datetime) -> Event:
    household_id, device_id, slot_id = place.key
    return Event(
        household_id=household_id,
        event_id=f"ze_{secrets.token_hex(16)}",
        device_id=device_id,
        slot_id=slot_id,
        client_event_id=call_key,
        is_test=place.device.is_test,
        detail_code=DetailCode.TEST_ORDER_PLACED,
        signal_id=None,
        sku=product.sku,
        quantity=product.quantity,
        unit=product.unit,
        made_at=now,
        placed_at=None,
        shipped_at=None,
        cancelled_at=None,
        ended_at=None,
        delivery_at=None,
    )


def _with(event: Event, code: DetailCode, **changed: Any) -> Event:
    return replace(event, detail_code=code, **changed)


def _need(signal_id: str, place: _Place, now: datetime) -> NeedSignal:
    pressed = place.spec.metering is Metering.PRESS
    return NeedSignal(
        signal_id=signal_id,
        device_id=place.device.device_id,
        slot_key=place.spec.slot_id,
        kind=SignalKind.PRESS if pressed else SignalKind.LOW_STOCK,
        occurred_at=now,
        time=TimeNote(boot_id=SOURCE, monotonic_ms=0, quality=TimeQuality.SYNCED, error_ms=0),
        evidence={"call": "replenish"},
        authenticated=True,
    )


def _test_order(connection: Connection, place: _Place, event: Event, now: datetime) -> Event:
    placed = replace(event, placed_at=now, delivery_at=now + timedelta(days=2))
    repository.calls.add(connection, placed)
    _tell_order(connection, place.device, placed, NotificationKind.ORDER_PLACED, now)
    jobs.enqueue(
        connection,
        kind=SHIP_TEST_JOB,
        key=f"{SHIP_TEST_JOB}:{event.event_id}",
        household_id=event.household_id,
        payload={"event_id": event.event_id},
        due_at=now + SHIP_TEST_AFTER,
    )
    return placed


def _cancel_test(connection: Connection, device: DashDevice, slot_id: str, now: datetime) -> None:
    event = repository.calls.open_on(connection, device.household_id, device.device_id, slot_id)
    if event is None:
        return
    cancelled = event.shipped_at is None
    ended = replace(event, ended_at=now, cancelled_at=now if cancelled else None)
    repository.calls.save(connection, ended)
    if cancelled:
        _tell_order(connection, device, ended, NotificationKind.ORDER_CANCELLED, now)


def _tell_order(
    connection: Connection, device: DashDevice, event: Event, kind: NotificationKind, now: datetime
) -> None:
    tell(connection, device, kind, now, wire.order_part(event, kind))


def _note_level(connection: Connection, place: _Place, status: SlotStatus, now: datetime) -> None:
    household_id, device_id, _slot_id = place.key
    if place.spec.metering is not Metering.LEVEL:
        _note_alive(connection, place.device, now)
        slot = households.slot(connection, *place.key)
        if slot is not None and slot.metering is Metering.USAGE:
            # The device has counted what is left, which says more than what we had worked out.
            replenish.count_remaining(connection, slot, status.remaining, now=now)
        return
    kind = ReadingKind.REMAINING_UNITS.value
    households.note_heard(
        connection,
        {(household_id, device_id): to_ms(now)},
        [Heard(household_id, device_id, kind, status.remaining, to_ms(now))],
    )
    # As a reading that a gateway brought: the cloud owns the threshold, and foresees.
    tell_metered(connection, [Metered(household_id, device_id, kind, status.remaining, now)], now)


def _note_alive(connection: Connection, device: DashDevice, now: datetime) -> None:
    households.note_heard(connection, {(device.household_id, device.device_id): to_ms(now)}, [])
