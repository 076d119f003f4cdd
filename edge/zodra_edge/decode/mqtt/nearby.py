"""Devices that say on the home's broker that they are there: what to put in the settings for each.

For pairing: pure, one message at a time. Where they say it: `registry.KNOWN`, `nearby`, and
Zigbee2MQTT's inventory, which may be megabytes and is asked for by whoever looks for devices.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.mqtt.registry import known, recognise
from zodra_edge.decode.profile import Family
from zodra_edge.decode.result import Undecodable
from zodra_edge.decode.spoken import Dialect

INVENTORY: Final = "zigbee2mqtt/bridge/devices"
INVENTORY_BYTES_MAX: Final = 8 * 1024 * 1024
FOUND_MAX: Final = 512

_SHELLY: Final = re.compile(known(Dialect.SHELLY).recognised or "")
_TEXT_MAX: Final = 96


@dataclass(frozen=True, slots=True)
class Nearby:
    """One device that could be put in the settings."""

    dialect: Dialect
    topic: str
    """As the settings want it."""
    model: str = ""
    """As its maker names it, if it says so."""
    families: tuple[Family, ...] = ()
    """What it can be, if that shows."""


def nearby(topic: str, payload: bytes) -> tuple[Nearby, ...]:
    """Name the devices that a message tells of; none if it tells of none, or cannot be read.

    Args:
        topic: of the message.
        payload: any bytes. Empty for a device that was removed.
    """
    if not payload:
        return ()
    if topic == INVENTORY:
        return tuple(_inventory(payload))
    if topic == "shellies/announce":
        return tuple(_announced(payload))
    if "/BTtoMQTT/" in topic:
        return (Nearby(Dialect.THEENGS, topic, _member(payload, "model_id")),)
    if topic.startswith("esphome/discover/") and not topic.endswith("/"):
        return (Nearby(Dialect.ESPHOME, topic.split("/")[2], _member(payload, "board")),)
    found = _by_topic(topic)
    return (found,) if found is not None and found.topic else ()


def _by_topic(topic: str) -> Nearby | None:
    match topic.split("/"):
        case [device, "online"] if _SHELLY.fullmatch(device):
            return Nearby(Dialect.SHELLY, device)
        case ["tele", name, "LWT"]:
            return Nearby(Dialect.TASMOTA, f"tele/{name}")
        case ["homie", "5", device, "$state"]:
            return Nearby(Dialect.HOMIE, f"homie/5/{device}")
        case ["spBv1.0", group, "NBIRTH", node]:
            return Nearby(Dialect.SPARKPLUG, f"spBv1.0/{group}/{node}")
        case ["zodra", "home", kind, _]:
            family = Family.WEARABLE if kind == "wearable" else Family.BABY_MONITOR
            return Nearby(Dialect.ZODRA, topic, families=(family,))
        case ["zigbee2mqtt", name] if name != "bridge":
            return Nearby(Dialect.ZIGBEE2MQTT, topic)
    return None


def _member(payload: bytes, name: str) -> str:
    body = read_object(payload)
    return _text(None if isinstance(body, Undecodable) else body.get(name))


def _text(said: object) -> str:
    return said[:_TEXT_MAX] if isinstance(said, str) and said.isprintable() else ""


def _announced(payload: bytes) -> Iterator[Nearby]:
    body = read_object(payload)
    if isinstance(body, Undecodable):
        return
    device = _text(body.get("id"))
    if device and recognise(f"shellies/{device}", Family.SENSOR) is Dialect.SHELLY_GEN1:
        yield Nearby(Dialect.SHELLY_GEN1, f"shellies/{device}", _text(body.get("model")))


def _inventory(payload: bytes) -> Iterator[Nearby]:
    """Read Zigbee2MQTT's inventory: a list of devices, each with what it exposes."""
    if len(payload) > INVENTORY_BYTES_MAX:
        return
    try:
        listed = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return
    for said in listed[:FOUND_MAX] if isinstance(listed, list) else ():
        if not isinstance(said, dict) or said.get("type") == "Coordinator":
            continue
        name, definition = _text(said.get("friendly_name")), said.get("definition")
        if name and isinstance(definition, dict):
            model = " ".join(_text(definition.get(part)) for part in ("vendor", "model"))
            families = tuple(sorted(_families(definition.get("exposes"))))
            topic = f"zigbee2mqtt/{name}"
            yield Nearby(Dialect.ZIGBEE2MQTT, topic, model.strip(), families)


def _families(exposes: object) -> set[Family]:
    found: set[Family] = set()
    for part in exposes if isinstance(exposes, list) else ():
        if not isinstance(part, dict):
            continue
        if part.get("type") == "climate":
            found.add(Family.THERMOSTAT)
        elif part.get("name") == "action":
            found.add(Family.BUTTON)
        elif part.get("type") in ("numeric", "binary") and part.get("name") not in _NO_SENSOR:
            found.add(Family.SENSOR)
    return found


_NO_SENSOR: Final = frozenset({"linkquality", "battery", "voltage", "battery_low", "update"})
"""What every device exposes about itself."""
