"""What a login may ask for, what a replenish call is answered, and what an order's status is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from zodra_cloud.dash.models import DetailCode, Event, ScopeId
from zodra_contract.outcome import SignalState

REPEAT_SPAN: Final = timedelta(seconds=60)
"""A call that comes again so soon is the same call: HTTP clients repeat what got no answer. It
matters only where the first has ended already; until then the open-order rule answers."""
SCOPE_DATA_CHARS_MAX: Final = 2_000
RETRIES_S: Final = (5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Waits between the attempts to deliver a notification, as Standard Webhooks proposes: about
three days in all. Then it is dead, and the operator sees it."""
CALL_KEY_PATTERN: Final = r"^[A-Za-z0-9._:-]{1,128}\Z"


class _Device(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    device_model: ScopeId
    serial: ScopeId
    is_test_device: StrictBool = False
    should_include_non_live: StrictBool = False


class _ScopeData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    replenish: Annotated[_Device, Field(alias="dash:replenish")]


@dataclass(frozen=True, slots=True)
class Login:
    """Scope data that can be read."""

    model: str
    serial: str
    is_test: bool
    non_live: bool


def read_scope_data(text: str) -> Login | str:
    """Read the parameter `scope_data`; a fault is said in one sentence that names the field."""
    if not text:
        return "scope_data is missing"
    if len(text) > SCOPE_DATA_CHARS_MAX:
        return f"scope_data is longer than {SCOPE_DATA_CHARS_MAX} characters"
    try:
        found = _ScopeData.model_validate_json(text).replenish
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"scope_data {where}: {first['msg']}"
    return Login(
        found.device_model, found.serial, found.is_test_device, found.should_include_non_live
    )


@dataclass(frozen=True, slots=True)
class New:
    """A call that opens something."""


@dataclass(frozen=True, slots=True)
class Known:
    """A call that opens nothing, and what it is answered."""

    event: Event
    detail_code: DetailCode


def judge_call(
    *, same: Event | None, open_: Event | None, last: Event | None, now: datetime
) -> New | Known:
    """Judge one replenish call, in order of precedence.

    Args:
        same: the earlier call of the same name, if the device names its calls.
        open_: the slot's call that has not ended.
        last: the slot's newest call.
        now: the instant.
    """
    if same is not None:
        return Known(same, same.detail_code)
    if open_ is not None:
        return Known(open_, DetailCode.ORDER_INPROGRESS)
    if last is not None and now - last.made_at < REPEAT_SPAN:
        return Known(last, last.detail_code)
    return New()


ORDER_STATUS: Final = {
    SignalState.RECEIVED: "Pending",
    SignalState.ASKED: "Pending",
    SignalState.ORDERING: "Pending",
    SignalState.ORDERED: "Processing",
    SignalState.SHIPPED: "Shipped",
    SignalState.DELIVERED: "Closed",
    SignalState.ALREADY_ON_ITS_WAY: "Closed",
    SignalState.REFUSED: "Cancelled",
    SignalState.EXPIRED: "Cancelled",
}
"""`getOrderInfo` by where the need stands; the words of the later of the two old vocabularies."""


def test_status(event: Event) -> str:
    """Give the order status of a test device's call."""
    if event.cancelled_at is not None:
        return "Cancelled"
    if event.ended_at is not None:
        return "Closed"
    return "Processing" if event.shipped_at is None else "Shipped"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a call, as far as it was not known before."""

    placed: bool = False
    shipped: bool = False
    cancelled: bool = False
    ended: bool = False


_PLACED: Final = frozenset({SignalState.ORDERED, SignalState.SHIPPED, SignalState.DELIVERED})
_SHIPPED: Final = frozenset({SignalState.SHIPPED, SignalState.DELIVERED})


def judge_move(event: Event, state: SignalState) -> Moved:
    """Tell what is news about a call whose need stands there now.

    A step that was passed while nobody looked is news too: who hears of the parcel heard of the
    order. A need that ends as `already_on_its_way` had no order of its own, so it is cancelled.
    """
    if event.ended_at is not None:
        return Moved()
    if state in _PLACED:
        return Moved(
            placed=event.placed_at is None,
            shipped=state in _SHIPPED and event.shipped_at is None,
            ended=state is SignalState.DELIVERED,
        )
    return Moved(cancelled=state.final, ended=state.final)
