"""All dialects: how each is recognised, who speaks it, and the module that reads it.

A module is imported when a device of the settings speaks its dialect, and not before.
"""

import importlib
import re
from dataclasses import dataclass
from typing import Final, Protocol, cast

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, Undecodable
from zodra_edge.decode.spoken import Dialect

_ALL: Final = frozenset(Family)
_HOME: Final = _ALL - {Family.WEARABLE}


class DialectModule(Protocol):
    """What each dialect's module offers."""

    def subscriptions(self, profile: DeviceProfile) -> tuple[str, ...]:
        """Name the topics where a device speaks; filters."""
        ...

    def decode(self, frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
        """Read one message on one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """One dialect, as the settings and docs/devices.md need to know it."""

    dialect: Dialect
    title: str
    module: str
    """Below this room."""
    families: frozenset[Family]
    example: str
    """A topic as the settings give it."""
    recognised: str | None
    """A pattern of the topics in the settings that belong to it and to no other."""
    nearby: tuple[str, ...]
    """Where devices say that they are there, mostly retained: one message each."""
    source: str
    """Whose description of it was followed."""
    identity: str
    """What tells a new press from the same one told again; for docs/devices.md."""
    needs_part: frozenset[Family] = frozenset()
    """Families whose settings must say which part of a device is meant."""


KNOWN: Final = (
    Known(
        Dialect.ZODRA,
        "Zodra's own schema",
        "own",
        frozenset({Family.BABY_MONITOR, Family.WEARABLE}),
        "zodra/home/baby/nursery",
        r"zodra/home/.+",
        ("zodra/home/#",),
        "docs/mqtt-dialects.md",
        "`event_id`",
    ),
    Known(
        Dialect.ZIGBEE2MQTT,
        "Zigbee2MQTT",
        "zigbee2mqtt",
        _HOME - {Family.BABY_MONITOR},
        "zigbee2mqtt/trv-living",
        r"zigbee2mqtt/.+",
        ("zigbee2mqtt/+",),
        "zigbee2mqtt.io",
        "`action_transaction`, else button, action and 4 s",
    ),
    Known(
        Dialect.SHELLY_GEN1,
        "Shelly, first generation",
        "shelly.gen1",
        _HOME,
        "shellies/shellybutton1-A4CF12F45301",
        r"shellies/[^/]+",
        ("shellies/announce",),
        "shelly-api-docs.shelly.cloud/gen1",
        "a change of `event_cnt`",
    ),
    Known(
        Dialect.SHELLY,
        "Shelly Plus, Pro, Gen3, Gen4, and BLU through one of them",
        "shelly.rpc",
        _HOME,
        "shellyplusi4-a8032abe1234",
        r"shelly[a-z0-9]+-[0-9a-fA-F]{12}",
        ("+/online",),
        "shelly-api-docs.shelly.cloud/gen2",
        "component and `ts`; `pid` for an event of Shelly's script",
    ),
    Known(
        Dialect.TASMOTA,
        "Tasmota",
        "tasmota",
        _HOME,
        "tele/tasmota_1A2B3C",
        r"(?:(?:stat|tele|cmnd)/.+|tasmota_[0-9A-Fa-f]{6}|.*%prefix%.*)",
        ("tele/+/LWT",),
        "tasmota.github.io",
        "button, action and 4 s",
    ),
    Known(
        Dialect.ESPHOME,
        "ESPHome",
        "esphome",
        _ALL,
        "esp-bedroom",
        None,
        ("esphome/discover/+",),
        "esphome.io/components/mqtt",
        "a change to `ON`; an `event`'s own message and 4 s",
        needs_part=frozenset({Family.BUTTON}),
    ),
    Known(
        Dialect.THEENGS,
        "OpenMQTTGateway and Theengs Gateway",
        "theengs",
        _ALL,
        "home/OpenMQTTGateway/BTtoMQTT/4C33A6603C79",
        r".+/BTtoMQTT/[0-9A-Fa-f-]{12,36}",
        ("home/+/LWT",),
        "docs.openmqttgateway.com/use/ble.html, decoder.theengs.io",
        "`packet`, else button, action and 4 s",
    ),
    Known(
        Dialect.FRIGATE,
        "Frigate's audio events",
        "frigate",
        frozenset({Family.BABY_MONITOR, Family.SENSOR}),
        "frigate/nursery",
        r"frigate/[^/]+",
        ("frigate/available",),
        "docs.frigate.video/integrations/mqtt",
        "it has no press",
    ),
    Known(
        Dialect.HOMIE,
        "Homie 5",
        "homie",
        _ALL,
        "homie/5/bell",
        r"homie/5/[a-z0-9-]+",
        ("homie/5/+/$state",),
        "github.com/homieiot/convention",
        "an event's own message and 4 s; a change of a state",
    ),
    Known(
        Dialect.SPARKPLUG,
        "Sparkplug B",
        "sparkplug.metrics",
        _ALL,
        "spBv1.0/home/node1/scale",
        r"spBv1\.0/[^/]+/[^/]+(?:/[^/]+)?",
        ("spBv1.0/+/NBIRTH/+",),
        "sparkplug.eclipse.org, version 3.0",
        "by a rule of the settings",
    ),
    Known(
        Dialect.GENERIC,
        "Anything else, by rules in the settings",
        "generic",
        _ALL,
        "garage/scales/+/state",
        None,
        (),
        "docs/mqtt-dialects.md",
        "by a rule of the settings",
    ),
)
_BY_NAME: Final = {known.dialect: known for known in KNOWN}


def known(dialect: Dialect) -> Known:
    """Look a dialect up."""
    return _BY_NAME[dialect]


def recognise(topic: str, family: Family) -> Dialect | None:
    """Say in which dialect a device speaks by its topic in the settings; None if it is not clear.

    A baby monitor or a wearable that shows no other dialect speaks our own.
    """
    for candidate in KNOWN:
        if candidate.recognised is not None and re.fullmatch(candidate.recognised, topic):
            return candidate.dialect
    own = _BY_NAME[Dialect.ZODRA]
    return Dialect.ZODRA if family in own.families else None


def dialect_of(profile: DeviceProfile) -> Dialect | None:
    """Say in which dialect a device of the home's broker speaks; None if there is none."""
    if profile.topic is None:
        return None
    return profile.spoken.dialect or recognise(profile.topic, profile.family)


def module_of(dialect: Dialect) -> DialectModule:
    """Import the module that reads a dialect."""
    name = f"zodra_edge.decode.mqtt.{_BY_NAME[dialect].module}"
    return cast(DialectModule, importlib.import_module(name))


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks; none if it is not on the home's broker."""
    dialect = dialect_of(profile)
    return () if dialect is None else module_of(dialect).subscriptions(profile)
