"""Events to and from the JSON of the ledger; the kinds name the types."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import TypeAdapter

from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.states import Kind

_TYPES: Final[Mapping[Kind, type[e.Event]]] = MappingProxyType(
    {
        Kind.REQUESTED: e.Requested,
        Kind.OFFERED: e.Offered,
        Kind.LAPSED: e.Lapsed,
        Kind.JOINED: e.Joined,
        Kind.SKIPPED: e.Skipped,
        Kind.UNSKIPPED: e.Unskipped,
        Kind.PAUSED: e.Paused,
        Kind.RESUMED: e.Resumed,
        Kind.RESCHEDULED: e.Rescheduled,
        Kind.QUANTITY_CHANGED: e.QuantityChanged,
        Kind.SWAPPED: e.Swapped,
        Kind.CADENCE_CHANGED: e.CadenceChanged,
        Kind.FOLLOW_CHANGED: e.FollowChanged,
        Kind.FORECAST_LOOKED: e.ForecastLooked,
        Kind.GROWTH_TOLD: e.GrowthTold,
        Kind.SIZE_PROPOSED: e.SizeProposed,
        Kind.SIZE_DECLINED: e.SizeDeclined,
        Kind.PRE_NOTICE_SENT: e.PreNoticeSent,
        Kind.PRICE_ANNOUNCED: e.PriceAnnounced,
        Kind.PRICE_ACCEPTED: e.PriceAccepted,
        Kind.CYCLE_DUE: e.CycleDue,
        Kind.CYCLE_ASKED: e.CycleAsked,
        Kind.CYCLE_HELD: e.CycleHeld,
        Kind.CYCLE_ORDERED: e.CycleOrdered,
        Kind.CYCLE_PULLED_FORWARD: e.CyclePulledForward,
        Kind.CYCLE_RESTORED: e.CycleRestored,
        Kind.CYCLE_FAILED: e.CycleFailed,
        Kind.CYCLE_PASSED: e.CyclePassed,
        Kind.CANCELLED: e.Cancelled,
        Kind.WITHDRAWN: e.Withdrawn,
        Kind.ENDED: e.Ended,
    }
)
_KINDS: Final = {type_: kind for kind, type_ in _TYPES.items()}
_ADAPTERS: Final[dict[Kind, TypeAdapter[Any]]] = {
    kind: TypeAdapter(type_) for kind, type_ in _TYPES.items()
}


def kind_of(event: e.Event) -> Kind:
    """Name the kind of an event."""
    return _KINDS[type(event)]


def to_facts(event: e.Event) -> dict[str, Any]:
    """Write the facts of an event as JSON values."""
    facts: dict[str, Any] = _ADAPTERS[kind_of(event)].dump_python(event, mode="json")
    return facts


def from_facts(kind: Kind, facts: Any) -> e.Event:
    """Read what `to_facts` wrote."""
    event: e.Event = _ADAPTERS[kind].validate_python(facts)
    return event
