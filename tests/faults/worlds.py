"""Needs and readings for the faults to happen to."""

import json
from datetime import UTC, datetime
from typing import Final

from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.outbox import KeptReading, LightRow, MemoryRow

AT: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DEVICE: Final = "btn-kitchen"
_TEMPLATE: Final = NeedSignal(
    signal_id="p",
    device_id=DEVICE,
    slot_key="button-1",
    kind=SignalKind.PRESS,
    occurred_at=AT,
    time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
    evidence={"event": "press", "button": 0, "counter": "4711"},
    authenticated=True,
)


def signal(name: str) -> NeedSignal:
    """A press by this name."""
    return _TEMPLATE.model_copy(update={"signal_id": name})


def light(name: str) -> LightRow:
    """The light that goes with it."""
    return LightRow(DEVICE, "button-1", name, "kept", "", 0)


def memory(name: str) -> MemoryRow:
    """What is remembered with it; about as long as a real button's."""
    return MemoryRow(DEVICE, json.dumps({"counter": name, "recent": ["x" * 40] * 4}))


def reading(number: int) -> KeptReading:
    """One temperature."""
    made = Reading(
        device_id="trv-living",
        kind=ReadingKind.ROOM_TEMPERATURE_C,
        value=float(number),
        observed_at=AT,
    )
    return KeptReading(made, TimeQuality.SYNCED, 5)
