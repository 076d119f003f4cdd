"""The values of the room: makers, their models and products, devices, calls, notifications."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from zodra_cloud.households.models import Metering

PRODUCTS_MAX: Final = 20
SLOTS_MAX: Final = 16

ScopeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+-]{1,64}$")]
"""A device model or serial, as the classic scope data allows it."""
SlotId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Units = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Named(_Part):
    """A name in both languages."""

    en: Words
    nl: Words


class Product(_Part):
    """One product that a household may pick for a slot."""

    sku: Sku
    """As the shop knows it; devices read it where they expect an ASIN."""
    title: Named
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    unit: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}$")] = "count"


class ModelSlot(_Part):
    """One replenishable place of a device model."""

    slot_id: SlotId
    title: Named
    metering: Metering = Metering.PRESS
    """`press`: the device calls replenish. `level`, `usage`: it reports, and calls or does not."""
    unit: Annotated[str, StringConstraints(max_length=20)] = ""
    """In which a level or usage slot counts."""
    capacity_units: Units | None = None
    reorder_units: Units | None = None
    """What is left when it is time, of one slot a model at most; if left out the device calls."""
    units_per_item: Units | None = None
    products: Annotated[tuple[Product, ...], Field(min_length=1, max_length=PRODUCTS_MAX)]

    def product(self, sku: str | None) -> Product | None:
        """Find a product by its SKU."""
        return next((each for each in self.products if each.sku == sku), None)


class DeviceModel(_Part):
    """A device model as its maker registers it: one TOML file."""

    model: ScopeId
    name: Words
    """What people read: the brand and the kind of device."""
    live: bool = True
    """False: may be registered only with `should_include_non_live`, never in production."""
    slots: Annotated[tuple[ModelSlot, ...], Field(min_length=1, max_length=SLOTS_MAX)]

    @model_validator(mode="after")
    def _slots_differ(self) -> Self:
        for what, ids in (
            ("slot_id", [slot.slot_id for slot in self.slots]),
            *(("sku", [each.sku for each in slot.products]) for slot in self.slots),
        ):
            if len(set(ids)) != len(ids):
                raise ValueError(f"{what}: two are the same")
        return self

    def slot(self, slot_id: str) -> ModelSlot | None:
        """Find a slot by its id."""
        return next((each for each in self.slots if each.slot_id == slot_id), None)


@dataclass(frozen=True, slots=True)
class Maker:
    """Where a maker hears what happened."""

    client_id: str
    event_url: str | None
    """None: nothing is sent."""
    event_secret: str
    """As it is stored; `sealing.Seal` opens it."""
    """`whsec_...`: signs what is sent."""


@dataclass(frozen=True, slots=True)
class DashDevice:
    """One registered device of a household."""

    household_id: str
    device_id: str
    client_id: str
    model: str
    serial: str
    is_test: bool
    registered_at: datetime
    deregistered_at: datetime | None
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True)
class DashSlot:
    """What a household picked for one slot, and what the device said of it."""

    slot_id: str
    sku: str | None
    """None: not subscribed."""
    status: dict[str, Any] | None
    status_at: datetime | None


class DetailCode(StrEnum):
    """What a replenish call is answered. All three are HTTP 200, and none says "bought"."""

    STANDARD_ORDER_PLACED = "STANDARD_ORDER_PLACED"
    """Taken in: the household is asked, and decides."""
    TEST_ORDER_PLACED = "TEST_ORDER_PLACED"
    """Of a test device: all notifications, no question, no order, no charge."""
    ORDER_INPROGRESS = "ORDER_INPROGRESS"
    """Nothing new: the slot has a question, a quote or an order that has not ended."""


@dataclass(frozen=True, slots=True)
class Event:
    """One replenish call that was taken in, and what became of it."""

    household_id: str
    event_id: str
    """The `eventInstanceId`."""
    device_id: str
    slot_id: str
    client_event_id: str | None
    """The device's own name for the call, if it gave one."""
    is_test: bool
    detail_code: DetailCode
    signal_id: str | None
    """The need that it opened; None for a test device."""
    sku: str
    quantity: int
    unit: str
    made_at: datetime
    placed_at: datetime | None
    shipped_at: datetime | None
    cancelled_at: datetime | None
    ended_at: datetime | None
    """Delivered, or ended without an order; until then the slot is in progress."""
    delivery_at: datetime | None
    """When it is expected."""


class NotificationKind(StrEnum):
    """The six notifications. A name is never reused."""

    DEVICE_REGISTERED = "DeviceRegisteredNotification"
    SUBSCRIPTION_CHANGED = "SubscriptionChangedNotification"
    ORDER_PLACED = "OrderPlacedNotification"
    ORDER_CANCELLED = "OrderCancelledNotification"
    ITEM_SHIPPED = "ItemShippedNotification"
    DEVICE_DEREGISTERED = "DeviceDeregisteredNotification"


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to a maker."""

    household_id: str
    notification_id: str
    client_id: str
    kind: NotificationKind
    body: str
    """JSON, exactly as signed and sent at every attempt."""
    created_at: datetime
    attempts: int
    last_error: str | None
    delivered_at: datetime | None
    dead_at: datetime | None
    """When it was given up; the operator sees it and may send it again."""


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot on the household's page."""

    spec: ModelSlot
    sku: str | None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One registered device on the household's page."""

    device: DashDevice
    maker: str
    model: DeviceModel
    slots: tuple[SlotView, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a login asks for, once its scope data is understood."""

    client_id: str
    model: DeviceModel
    serial: str
    is_test: bool
