"""A baby monitor that speaks our own JSON (docs/baby-monitor.md) on the home's broker.

It hears crying, watches breathing, measures the room, and has two buttons at the changing table:
one for a diaper that was used, one for a pack that was put on the shelf.
"""

import json
import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

SCHEMA: Final = 1
UNSENT_MAX: Final = 50
"""Events kept while the broker is away; beyond it a press on the monitor is refused, with a beep.
A gateway remembers the last 64 events, so that all of these can be sent again without harm."""
UNITS_MAX: Final = 1_000
PACK_UNITS: Final = 44


class DiaperEvent(StrEnum):
    """What the monitor's buttons say."""

    CHANGE = "change"
    REFILL = "refill"


@dataclass(frozen=True, slots=True)
class Event:
    """One diaper event, kept until the broker has acknowledged it."""

    event_id: str
    event: DiaperEvent
    units: int
    observed_at: str
    """RFC 3339 with Z."""
    remaining_units: int
    """What is left after it."""


@dataclass(frozen=True, slots=True)
class BabyMonitor:
    """What the monitor keeps."""

    serial: str
    """Drawn when it was made; with the count it names an event for good."""
    events_made: int = 0
    unsent: tuple[Event, ...] = ()
    stock_units: int = PACK_UNITS
    changes: int = 0
    """How often a diaper was ever changed."""
    cry_until_ms: int = 0
    """On the caller's wall clock."""
    battery_percent: int = 100


def press(
    state: BabyMonitor, event: DiaperEvent, units: int, observed_at: str
) -> tuple[BabyMonitor, Event]:
    """Press one of the two buttons.

    Args:
        state: before.
        event: which button.
        units: how many diapers it is about, 1 to `UNITS_MAX`.
        observed_at: by the monitor's own clock, RFC 3339 with Z.

    Raises:
        ValueError: the units are out of range, or too many events wait to be sent.
    """
    if not 1 <= units <= UNITS_MAX:
        raise ValueError(f"units = {units} is outside 1..{UNITS_MAX}")
    if len(state.unsent) >= UNSENT_MAX:
        raise ValueError(f"{UNSENT_MAX} events wait for the home's broker; the monitor is full")
    made = state.events_made + 1
    used = event is DiaperEvent.CHANGE
    left = max(0, state.stock_units + (-units if used else units))
    happened = Event(f"{state.serial}-{made}", event, units, observed_at, left)
    return (
        replace(
            state,
            events_made=made,
            unsent=(*state.unsent, happened),
            stock_units=left,
            changes=state.changes + (units if used else 0),
        ),
        happened,
    )


def sent(state: BabyMonitor, event_id: str) -> BabyMonitor:
    """Forget one event that the broker acknowledged."""
    return replace(state, unsent=tuple(one for one in state.unsent if one.event_id != event_id))


def cry(state: BabyMonitor, now_ms: int, for_ms: int) -> BabyMonitor:
    """Let the baby cry for a while from now on; for no time soothes it."""
    return replace(state, cry_until_ms=now_ms + max(0, for_ms))


def is_crying(state: BabyMonitor, now_ms: int) -> bool:
    """Say whether the baby cries now."""
    return now_ms < state.cry_until_ms


def event_payload(happened: Event) -> bytes:
    """Write one diaper event. The same event is written the same way each time."""
    return _compact(
        {
            "schema": SCHEMA,
            "event_id": happened.event_id,
            "observed_at": happened.observed_at,
            "diaper": {
                "event": happened.event.value,
                "units": happened.units,
                "remaining_units": happened.remaining_units,
            },
        }
    )


def report_payload(state: BabyMonitor, now_ms: int, observed_at: str, random_unit: float) -> bytes:
    """Write the periodic report: cry, breathing, room, battery.

    Args:
        state: of the monitor.
        now_ms: the caller's wall clock; the room's temperature follows the time of day.
        observed_at: the same instant as RFC 3339 with Z.
        random_unit: from 0 to 1, for the noise of the sensors.
    """
    crying = is_crying(state, now_ms)
    noise = random_unit - 0.5
    day = math.sin(2 * math.pi * now_ms / 86_400_000)
    # A crying baby moves: the radar then has no breathing to report, and says nothing.
    breathing = {} if crying else {"breathing": {"rate_bpm": round(36 + 6 * noise, 1)}}
    return _compact(
        {
            "schema": SCHEMA,
            "observed_at": observed_at,
            "battery_percent": state.battery_percent,
            "cry": {"confidence": round(0.92 + 0.1 * noise if crying else 0.03 * random_unit, 3)},
            **breathing,
            "room": {
                "temperature_c": round(20.5 + day + 0.2 * noise, 1),
                "humidity_percent": round(47 - 3 * day + 2 * noise, 1),
            },
        }
    )


def _compact(body: dict[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
