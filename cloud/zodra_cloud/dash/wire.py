"""The classic headers and bodies, and the notifications' envelope. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from zodra_cloud.dash.models import (
    DashDevice,
    DashSlot,
    DeviceModel,
    Event,
    NotificationKind,
    Product,
)

TYPE_VERSION: Final = "x-amzn-type-version"
ACCEPT_TYPE: Final = "x-amzn-accept-type"
BODY_BYTES_MAX: Final = 4 * 1024
"""The largest body is a slot's status of five numbers and dates."""
ENVELOPE_VERSION: Final = "2015-06-05"
_NAMESPACE: Final = "com.amazon.dash.replenishment."


class Verb(Enum):
    """What a device can call, with the versions that it may name: of its input, of our answer."""

    REPLENISH = (("DrsReplenishInput@1.0",), ("DrsReplenishResult@1.0",))
    SLOT_STATUS = (("DrsSlotStatusInput@1.0",), ("DrsSlotStatusResult@1.0",))
    DEVICE_STATUS = (("DrsDeviceStatusInput@1.0",), ("DrsDeviceStatusResult@1.0",))
    SUBSCRIPTION_INFO = (
        ("DrsSubscriptionInfoInput@1.0", "DrsSubscriptionInfoInput@2.0"),
        ("DrsSubscriptionInfoResult@1.0", "DrsSubscriptionInfoResult@2.0"),
    )
    ORDER_INFO = (("DrsOrderInfoInput@1.0",), ("DrsOrderInfoResult@1.0",))
    DEREGISTER = (("DrsDeregisterInput@2.0",), ("DrsDeregisterResult@1.0",))
    DEREGISTER_NAMED = (("DrsDeregisterInput@1.0",), ("DrsDeregisterResult@1.0",))
    CANCEL_TEST_ORDERS = (("DrsCancelTestOrdersInput@1.0",), ("DrsCancelTestOrdersResult@1.0",))


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one call."""

    result: str
    """Of our answer, with its namespace."""

    @property
    def is_second(self) -> bool:
        """Whether the device wants the second version of the answer."""
        return self.result.endswith("@2.0")


def read_versions(verb: Verb, headers: Mapping[str, str]) -> Versions | str:
    """Check the two mandatory headers; a fault is said in one sentence.

    Args:
        verb: what is called.
        headers: with lower-case names.
    """
    inputs, results = verb.value
    for name, known in ((TYPE_VERSION, inputs), (ACCEPT_TYPE, results)):
        given = headers.get(name)
        if given is None:
            return f"header {name} is missing; send one of {_all(known)}"
        if given.removeprefix(_NAMESPACE) not in known or not given.startswith(_NAMESPACE):
            return f"header {name} is not one of {_all(known)}"
    return Versions(headers[ACCEPT_TYPE])


def _all(names: Iterable[str]) -> str:
    return ", ".join(_NAMESPACE + name for name in names)


def _instant(given: Any) -> Any:
    """Read an ISO 8601 instant or a date alone, which devices send too."""
    if not isinstance(given, str) or len(given) > 40:
        raise ValueError("use an ISO 8601 instant such as 2026-11-22T12:00:00Z")
    try:
        read = datetime.fromisoformat(given)
    except ValueError:
        read = datetime.combine(date.fromisoformat(given), time())
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(_instant)]
Quantity = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, strict=True)]


class _Body(BaseModel):
    # Old firmware sends fields that nobody documented; what we do not know changes nothing.
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class SlotStatus(_Body):
    """What a device says about a slot."""

    expected_at: Annotated[Instant | None, Field(alias="expectedReplenishmentDate")] = None
    remaining: Annotated[Quantity, Field(alias="remainingQuantityInUnit")]
    original: Annotated[Quantity | None, Field(alias="originalQuantityInUnit")] = None
    on_hand: Annotated[Quantity | None, Field(alias="totalQuantityOnHand")] = None
    last_used_at: Annotated[Instant | None, Field(alias="lastUseDate")] = None


class DeviceStatus(_Body):
    """When a device was last in use."""

    active_at: Annotated[Instant, Field(alias="mostRecentlyActiveDate")]


def read_body(kind: type[SlotStatus] | type[DeviceStatus], raw: bytes) -> Any | str:
    """Read a body; a fault is said in one sentence that names the field."""
    try:
        return kind.model_validate_json(raw)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return f"{where}: {first['msg']}"


def rfc3339(instant: datetime | None) -> str | None:
    """Write an instant with milliseconds and Z."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def product_info(product: Product) -> dict[str, Any]:
    """Write a product where devices expect an ASIN."""
    return {"asin": product.sku, "quantity": product.quantity, "unit": product.unit}


def subscriptions(
    model: DeviceModel, slots: Mapping[str, DashSlot], *, second: bool
) -> dict[str, Any]:
    """Write which slots of a device have a product, in the first or second version."""
    status: dict[str, Any] = {}
    for spec in model.slots:
        found = slots.get(spec.slot_id)
        product = spec.product(None if found is None else found.sku)
        if second:
            status[spec.slot_id] = {
                "subscribed": product is not None,
                "productInfoList": [] if product is None else [product_info(product)],
            }
        else:
            status[spec.slot_id] = product is not None
    return {"slotsSubscriptionStatus": status}


def order_info(event: Event, status: str) -> dict[str, Any]:
    """Write how an order stands."""
    return {
        "orderInfoData": {
            "instanceId": event.event_id,
            "orderItems": [
                {
                    "asin": event.sku,
                    "expectedDeliveryDate": rfc3339(event.delivery_at),
                    "quantity": event.quantity,
                    "slotId": event.slot_id,
                    "status": status,
                }
            ],
        }
    }


def order_part(event: Event, kind: NotificationKind) -> dict[str, Any]:
    """Write what a notification says of an order; a cancelled one names no product."""
    part: dict[str, Any] = {"instanceId": event.event_id, "slotId": event.slot_id}
    if kind is not NotificationKind.ORDER_CANCELLED:
        part["productInfo"] = [
            {
                "asin": event.sku,
                "quantity": event.quantity,
                "unit": event.unit,
                "estimatedDeliveryDate": rfc3339(event.delivery_at),
            }
        ]
    return {"orderInfo": part}


def envelope(
    *,
    kind: NotificationKind,
    notification_id: str,
    device: DashDevice,
    customer_id: str,
    now: datetime,
    part: Mapping[str, Any],
) -> str:
    """Write a whole notification.

    Of the household it holds the pseudonym under which this one maker knows it, and nothing else.
    """
    return json.dumps(
        {
            "notificationInfo": {
                "notificationType": kind.value,
                "notificationTime": rfc3339(now),
                "notificationId": notification_id,
                "lwaClientId": device.client_id,
                "version": ENVELOPE_VERSION,
            },
            "deviceInfo": {
                "deviceIdentifier": {"serialNumber": device.serial},
                "productIdentifier": {"modelId": device.model},
            },
            "customerInfo": {"directedCustomerId": customer_id},
            **part,
        },
        separators=(",", ":"),
        allow_nan=False,
    )
