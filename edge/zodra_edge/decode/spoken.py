"""How a device of the home's broker is spoken with, as the settings say it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from zodra_contract.reading import ReadingKind


class Dialect(StrEnum):
    """The ways in which devices speak over MQTT; each has a module of its own."""

    ZODRA = "zodra"
    """Our own, for wearables and baby monitors: docs/mqtt-dialects.md."""
    ZIGBEE2MQTT = "zigbee2mqtt"
    SHELLY_GEN1 = "shelly_gen1"
    SHELLY = "shelly"
    """Generation 2 and later, and Bluetooth devices heard by one of them."""
    TASMOTA = "tasmota"
    ESPHOME = "esphome"
    THEENGS = "theengs"
    """OpenMQTTGateway's too."""
    FRIGATE = "frigate"
    HOMIE = "homie"
    SPARKPLUG = "sparkplug"
    GENERIC = "generic"
    """Anything else, by rules in the settings."""


Path = tuple[str | int, ...]
"""Where in a JSON text: names of members and numbers of elements; empty for the whole."""


@dataclass(frozen=True, slots=True)
class ReadingRule:
    """Which word of a device is which reading."""

    source: str
    """As the settings name it; in messages to people, and the name that a dialect gives it."""
    kind: ReadingKind
    path: Path = ()
    """In the message, for the generic dialect."""
    factor: float = 1.0
    """From the device's unit to the one in the name of the kind: value times factor plus offset."""
    offset: float = 0.0
    goes_up: bool = True
    """False keeps at home what might leave it; what must stay stays in any case."""
    topic: str | None = None
    """A filter; every topic of the device if not given."""


@dataclass(frozen=True, slots=True)
class PressRule:
    """Which word of a device is a press."""

    source: str
    equals: str
    """The value that is a press, as text."""
    path: Path = ()
    event: str = "press"
    button: int = 0
    is_state: bool = False
    """It is told again and again while it lasts, and its begin is the press."""
    counter: Path | None = None
    """Where the device's own number of the event is."""
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Availability:
    """Where and how a device says that it is there."""

    topic: str
    online: str = "online"
    offline: str = "offline"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the settings say about one device's way to speak."""

    dialect: Dialect | None = None
    """Recognised by its topic if not given."""
    part: str | None = None
    """Which of several devices or values behind one topic is meant; its form is the dialect's."""
    readings: tuple[ReadingRule, ...] = ()
    presses: tuple[PressRule, ...] = ()
    availability: Availability | None = None

    def rule(self, source: str) -> ReadingRule | None:
        """Find the rule for a name that a dialect gives."""
        return next((rule for rule in self.readings if rule.source == source), None)


UNSAID: Final = Spoken()
"""All that a device needs which speaks a dialect in the usual way."""
