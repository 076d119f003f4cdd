"""What is said to Home Assistant: discovery of the gateway and of each device, and their states.

Pure: facts in, retained messages out. Format: Home Assistant's documentation of MQTT discovery,
"device discovery payload" (Home Assistant 2024.12 and later).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode.profile import Family
from zodra_edge.home_assistant.kinds import SHOWN

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
UNKNOWN: Final = b"None"
"""What a sensor is told once its value is too old. An empty message would take the value off the
broker, but Home Assistant then shows it anew for as long as it expires (seen with 2025.4)."""
BATTERY_EXPIRY_S: Final = 25 * 3600
"""Zigbee2MQTT takes a battery device for gone after as long."""
EVENT_TYPES: Final = (
    "press",
    "double_press",
    "triple_press",
    "long_press",
    "long_double_press",
    "long_triple_press",
    "press_long_press",
    "long_press_press",
    "other",
)
"""What buttons say; Home Assistant drops an event of another type than was announced."""
_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device, as it is now."""

    device_id: str
    family: Family
    available: bool
    kinds: frozenset[ReadingKind] = frozenset()
    """What it was ever heard to read, and may be shown."""
    gone: frozenset[ReadingKind] = frozenset()
    """What was shown before and no longer may be."""
    order: str = ""
    """What its newest need came to; empty if it had none."""
    practice: bool = False
    expire_after_s: int = 2 * 3600
    """After how long without news a value is unknown."""


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """The gateway, as it is now."""

    needs_waiting: int
    readings_waiting: int
    deaf: bool
    has_radio: bool
    last_order: str
    """What the newest need came to, as its light says; empty if there was none."""
    paused: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Where everything is said."""

    prefix: str
    gateway_id: str
    version: str

    @property
    def base(self) -> str:
        """Name the topic below which all states are."""
        return f"zodra/{self.gateway_id}/ha"

    @property
    def availability(self) -> str:
        """Name the topic of the gateway's last will."""
        return f"{self.base}/availability"

    @property
    def birth(self) -> str:
        """Name the topic on which Home Assistant says that it began."""
        return f"{self.prefix}/status"

    @property
    def pause(self) -> str:
        """Name the topic on which the switch is thrown."""
        return f"{self.base}/pause/set"

    def state(self, what: str) -> str:
        """Name the topic of one of the gateway's own states."""
        return f"{self.base}/gateway/{what}"

    def of(self, device_id: str, what: str) -> str:
        """Name the topic of something about a device."""
        return f"{self.base}/device/{device_id}/{what}"

    def config(self, device_id: str = "") -> str:
        """Name the topic of a discovery payload; the gateway's own without a device."""
        return f"{self.prefix}/device/{self.object_id(device_id)}/config"

    def object_id(self, device_id: str = "") -> str:
        """Name a device, in the characters that Home Assistant takes; no two the same."""
        name = f"zodra-{self.gateway_id}" + (f"-{device_id}" if device_id else "")
        plain = _ID.sub("_", name)
        # One dash could part gateway and device in two places.
        told = hashlib.sha256(f"{self.gateway_id}/{device_id}".encode()).hexdigest()[:8]
        return f"{plain}-{told}"

    def kind_of(self, topic: str) -> tuple[str, ReadingKind] | None:
        """Read which device and kind a state's topic is of, if it is such."""
        begin = f"{self.base}/device/"
        parts = topic.removeprefix(begin).split("/")
        if not topic.startswith(begin) or len(parts) != 3 or parts[1] != "reading":
            return None
        return (parts[0], ReadingKind(parts[2])) if parts[2] in set(ReadingKind) else None


def gateway_messages(names: Names, facts: GatewayFacts) -> dict[str, bytes]:
    """Introduce the gateway, and say how it is; all of it retained."""
    said = {
        "needs_waiting": str(facts.needs_waiting),
        "readings_waiting": str(facts.readings_waiting),
        "paused": _on(facts.paused),
    }
    if facts.last_order:
        said["last_order"] = facts.last_order
    if facts.has_radio:
        said["deaf"] = _on(facts.deaf)
    config = _config(
        names,
        "",
        {"name": f"Zodra gateway {names.gateway_id}", "model": "gateway"},
        _gateway_parts(names, facts.has_radio),
        [names.availability],
    )
    states = {names.state(what): value.encode() for what, value in said.items()}
    return {names.config(): config, **states}


def device_messages(names: Names, facts: DeviceFacts) -> dict[str, bytes]:
    """Introduce a device, and say whether it is there; both retained."""
    available = names.of(facts.device_id, "availability")
    model = facts.family.replace("_", " ") + (", in practice" if facts.practice else "")
    about = {
        "name": facts.device_id,
        "model": model,
        "via_device": names.object_id(),
    }
    config = _config(
        names, facts.device_id, about, _parts(names, facts), [names.availability, available]
    )
    said = {
        names.config(facts.device_id): config,
        available: ONLINE if facts.available else OFFLINE,
    }
    if facts.order:
        said[names.of(facts.device_id, "order")] = facts.order.encode()
    return said


def event(kind: str, button: int, slot_key: str, practice: bool) -> bytes:
    """Tell of one press; never retained."""
    body: dict[str, str | int | bool] = {
        "event_type": kind if kind in EVENT_TYPES else "other",
        "button": button + 1,
        "slot": slot_key,
    }
    if practice:
        body["practice"] = True
    return json.dumps(body, separators=(",", ":")).encode()


def reading(kind: ReadingKind, value: float) -> bytes:
    """Say one value, as the entity of its kind reads it."""
    if SHOWN[kind].is_on_off:
        return _on(value > 0).encode()
    return f"{value:.10g}".encode()


def expiry_s(kind: ReadingKind, expire_after_s: int) -> int:
    """Say after how many seconds without news a value of this kind is unknown."""
    is_battery = kind is ReadingKind.BATTERY_PERCENT
    return max(expire_after_s, BATTERY_EXPIRY_S) if is_battery else expire_after_s


def may_show(kind: ReadingKind, stayed_home: bool, show_home_readings: bool) -> bool:
    """Whether a reading is for everybody who may read the home's broker."""
    return show_home_readings or not (stayed_home or kind in STAYS_HOME)


def _gateway_parts(names: Names, has_radio: bool) -> dict[str, dict[str, object]]:
    said = names.state
    parts: dict[str, dict[str, object]] = {
        "needs_waiting": {
            "platform": "sensor",
            "name": "Needs waiting for the cloud",
            "state_topic": said("needs_waiting"),
            "state_class": "measurement",
            "entity_category": "diagnostic",
        },
        "readings_waiting": {
            "platform": "sensor",
            "name": "Readings waiting for the cloud",
            "state_topic": said("readings_waiting"),
            "state_class": "measurement",
            "entity_category": "diagnostic",
        },
        "last_order": {
            "platform": "sensor",
            "name": "Last order",
            "state_topic": said("last_order"),
        },
        "paused": {
            "platform": "switch",
            "name": "Pause buying",
            "icon": "mdi:cart-off",
            "state_topic": said("paused"),
            "command_topic": names.pause,
            "payload_on": "ON",
            "payload_off": "OFF",
            "retain": False,
            "optimistic": False,
        },
    }
    if has_radio:
        parts["deaf"] = {
            "platform": "binary_sensor",
            "name": "Radio deaf",
            "device_class": "problem",
            "state_topic": said("deaf"),
            "payload_on": "ON",
            "payload_off": "OFF",
            "entity_category": "diagnostic",
        }
    return parts


def _parts(names: Names, facts: DeviceFacts) -> dict[str, dict[str, object]]:
    parts: dict[str, dict[str, object]] = {
        "order": {
            "platform": "sensor",
            "name": "Last order",
            "state_topic": names.of(facts.device_id, "order"),
        }
    }
    if facts.family is Family.BUTTON:
        parts["press"] = {
            "platform": "event",
            "name": "Press",
            "device_class": "button",
            "state_topic": names.of(facts.device_id, "press"),
            "event_types": list(EVENT_TYPES),
        }
    for kind in sorted(facts.kinds):
        parts[kind.value] = _sensor(names, facts, kind)
    for kind in sorted(facts.gone - facts.kinds):
        # A part with its platform alone is taken away.
        parts[kind.value] = {"platform": _platform(kind)}
    return parts


def _sensor(names: Names, facts: DeviceFacts, kind: ReadingKind) -> dict[str, object]:
    shown = SHOWN[kind]
    part: dict[str, object] = {
        "platform": _platform(kind),
        "name": shown.name,
        "state_topic": names.of(facts.device_id, f"reading/{kind.value}"),
        "expire_after": expiry_s(kind, facts.expire_after_s),
    }
    if shown.device_class is not None:
        part["device_class"] = shown.device_class
    if shown.is_on_off:
        return part | {"payload_on": "ON", "payload_off": "OFF"}
    if shown.unit is not None:
        part["unit_of_measurement"] = shown.unit
    if kind is ReadingKind.BATTERY_PERCENT:
        part["entity_category"] = "diagnostic"
    if kind is not ReadingKind.DIAPER_CHANGE:
        part["state_class"] = "total_increasing" if shown.grows else "measurement"
    return part


def _platform(kind: ReadingKind) -> str:
    return "binary_sensor" if SHOWN[kind].is_on_off else "sensor"


def _config(
    names: Names,
    device_id: str,
    about: Mapping[str, str],
    parts: Mapping[str, dict[str, object]],
    availability: Iterable[str],
) -> bytes:
    object_id = names.object_id(device_id)
    for part, said in parts.items():
        if len(said) > 1:
            said["unique_id"] = f"{object_id}-{part}"
    body = {
        "device": {
            "identifiers": [object_id],
            "manufacturer": "Zodra",
            "sw_version": names.version,
            **about,
        },
        "origin": {"name": "zodra-edge", "sw_version": names.version},
        "cmps": parts,
        "availability": [{"topic": topic} for topic in availability],
        "availability_mode": "all",
        "qos": 1,
    }
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _on(on: bool) -> str:
    return "ON" if on else "OFF"
