"""Shelly's later generations: `<id>/events/rpc`, `<id>/status/<component>`, `<id>/online`.

Notifications: shelly-api-docs.shelly.cloud, "Gen2 / Notifications" and "BTHome". An event is named
by its component and by `ts`, when it was, so the same notification a second time is none. A
Bluetooth device comes as component `bthomedevice:<id>` where the gateway knows it, or as event
`shelly-blu` where Shelly's own script relays it.
"""

import re
from datetime import datetime
from typing import Final, NamedTuple

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import ACTIONS, Facts, below, read_online
from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.mqtt.reading.moments import moment
from zodra_edge.decode.mqtt.shelly import blu
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Press, Undecodable

EVENTS_MAX: Final = 64
"""In one notification; a device sends one or two."""

_ONLINE: Final = {"true": True, "false": False}
_STATUS: Final = frozenset({"NotifyStatus", "NotifyFullStatus"})
_COMPONENT: Final = re.compile(r"([a-z0-9_]{1,24})(?::([0-9]{1,4}))?\Z")
_BUTTONS: Final = frozenset({"input", "bthomedevice", "bthomesensor"})
"""Before firmware 1.6 a Bluetooth button's events came from one of its sensors."""
_AROUND: Final = frozenset(
    {"btn_down", "btn_up", "hold_release", "discovered", "device_discovered"}
)
_NOT_OURS: Final = re.compile(r"config_changed|sync_|ota_|component_|associat")
_CLOCK_SET: Final = 1_000_000_000
"""A `ts` below is counted from when the device was switched on: its clock was not set yet."""


class _Field(NamedTuple):
    path: tuple[str, ...]
    kind: ReadingKind
    scale: float = 1.0


_METER: Final = (
    _Field(("apower",), ReadingKind.POWER_W),
    _Field(("aenergy", "total"), ReadingKind.ENERGY_KWH, 0.001),
    _Field(("voltage",), ReadingKind.VOLTAGE_V),
    _Field(("current",), ReadingKind.CURRENT_A),
)
_VALVE: Final = (
    _Field(("current_C",), ReadingKind.ROOM_TEMPERATURE_C),
    _Field(("target_C",), ReadingKind.SETPOINT_TEMPERATURE_C),
)
_FIELDS: Final[dict[str, tuple[_Field, ...]]] = {
    "temperature": (_Field(("tC",), ReadingKind.ROOM_TEMPERATURE_C),),
    "humidity": (_Field(("rh",), ReadingKind.HUMIDITY_PERCENT),),
    "devicepower": (_Field(("battery", "percent"), ReadingKind.BATTERY_PERCENT),),
    "bthomedevice": (_Field(("battery",), ReadingKind.BATTERY_PERCENT),),
    "illuminance": (_Field(("lux",), ReadingKind.ILLUMINANCE_LUX),),
    "flood": (_Field(("alarm",), ReadingKind.WATER_LEAK),),
    "smoke": (_Field(("alarm",), ReadingKind.SMOKE),),
    "voltmeter": (_Field(("voltage",), ReadingKind.VOLTAGE_V),),
    "switch": _METER,
    "pm1": _METER,
    "em1": (_Field(("act_power",), ReadingKind.POWER_W), *_METER[2:]),
    "em1data": (_Field(("total_act_energy",), ReadingKind.ENERGY_KWH, 0.001),),
    "em": (_Field(("total_act_power",), ReadingKind.POWER_W),),
    "emdata": (_Field(("total_act",), ReadingKind.ENERGY_KWH, 0.001),),
    "thermostat": (
        *_VALVE,
        _Field(("output",), ReadingKind.HEATING_ON),
        _Field(("current_humidity",), ReadingKind.HUMIDITY_PERCENT),
    ),
    "blutrv": (
        *_VALVE,
        _Field(("pos",), ReadingKind.HEATING_DEMAND_PERCENT),
        _Field(("battery",), ReadingKind.BATTERY_PERCENT),
    ),
    "bthomesensor": (),
}
"""`bthomesensor:<id>` has a value and no word of what it is: a rule in the settings says so."""
YIELDS: Final = tuple(dict.fromkeys(field.kind for fields in _FIELDS.values() for field in fields))


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    device = profile.topic or ""
    return (f"{device}/online", f"{device}/events/rpc", f"{device}/status/+")


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    rest = below(frame.topic, profile.topic or "")
    if rest is None:
        return FROM_ANOTHER
    if rest == "online":
        return read_online(frame, profile, _ONLINE)
    if rest != "events/rpc" and not rest.startswith("status/"):
        return Decoded(profile.device_id)
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    if rest.startswith("status/"):
        _status(facts, profile, {rest.removeprefix("status/"): body})
        return facts.decoded()
    params = body.get("params")
    if not isinstance(params, dict):
        return Undecodable(DecodeRefusal.MALFORMED, "params: an object is required")
    said_at = moment(params.get("ts"), frame.heard)
    if body.get("method") in _STATUS:
        _status(facts, profile, params)
        return facts.decoded(said_at)
    if body.get("method") == "NotifyEvent":
        return _decode_events(facts, profile, params, frame, said_at)
    return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "no notification of a status or an event")


def _status(facts: Facts, profile: DeviceProfile, params: dict[str, object]) -> None:
    part = profile.spoken.part
    for component, status in params.items():
        match = _COMPONENT.match(component)
        if match is None or not isinstance(status, dict) or part not in (None, component):
            continue
        if part is None and match[1] in ("bthomedevice", "blutrv"):
            # A gateway's own battery, if it had one, would not be told from another device's.
            continue
        if match[1] == "bthomesensor":
            facts.take(component, status.get("value"), None)
        for field in _FIELDS.get(match[1], ()):
            value: object = status
            for name in field.path:
                value = value.get(name) if isinstance(value, dict) else None
            facts.take(f"{component}.{'.'.join(field.path)}", value, field.kind, scale=field.scale)
        if match[1] == "blutrv" and isinstance(status.get("pos"), int):
            facts.take(f"{component}.heating", status["pos"] > 0, ReadingKind.HEATING_ON)


def _decode_events(
    facts: Facts,
    profile: DeviceProfile,
    params: dict[str, object],
    frame: MqttMessage,
    said_at: datetime | None,
) -> Decoded | Undecodable:
    events = params.get("events")
    if not isinstance(events, list):
        return Undecodable(DecodeRefusal.MALFORMED, "params.events: a list is required")
    if len(events) > EVENTS_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(events)} events in one notification")
    authenticated = True
    for event in events:
        if not isinstance(event, dict):
            facts.refuse(DecodeRefusal.MALFORMED, "an event that is no object")
            continue
        said_at = moment(event.get("ts"), frame.heard) or said_at
        if event.get("event") == blu.EVENT:
            if blu.take(facts, event.get("data"), profile.spoken.part):
                authenticated = False
        elif _take_event(facts, event, profile.spoken.part):
            authenticated = authenticated and not str(event["component"]).startswith("bthome")
    return facts.decoded(said_at, authenticated=authenticated)


def _take_event(facts: Facts, event: dict[str, object], part: str | None) -> bool:
    """Take one event; True if it is this device's."""
    component, word = event.get("component"), event.get("event")
    match = _COMPONENT.match(component) if isinstance(component, str) else None
    if match is None or match[1] not in _BUTTONS or part not in (None, component):
        return False
    if part is None and match[1] != "input":
        return False
    if not isinstance(word, str) or word in _AROUND or _NOT_OURS.match(word) is not None:
        return False
    if word not in ACTIONS:
        facts.unknown_action()
        return True
    index = event.get("idx") if match[1] == "bthomedevice" else match[2] if part is None else 0
    button = int(index) if isinstance(index, int | str) and str(index).isdecimal() else 0
    facts.press(
        Press(min(button, 255), ACTIONS[word], None, None, _event_id(component, event.get("ts")))
    )
    return True


def _event_id(component: object, ts: object) -> str | None:
    if isinstance(ts, bool) or not isinstance(ts, int | float) or not _CLOCK_SET <= ts < 1e11:
        return None
    return f"{component}@{round(ts * 1000)}"
