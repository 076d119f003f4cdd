"""Frames: raw bytes of any transport, with where they came from and when they were heard."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zodra_edge.heard import Heard


@dataclass(frozen=True, slots=True)
class BleAdvert:
    """One advertisement, as a scanner handed it over."""

    source: str
    """The adapter that heard it."""
    address: str
    """Of the advertiser, `AA:BB:CC:DD:EE:FF`; case does not matter."""
    name: str | None
    rssi_dbm: int
    service_data: Mapping[str, bytes]
    """By full lower-case UUID, as bleak gives it."""
    manufacturer_data: Mapping[int, bytes]
    service_uuids: tuple[str, ...]
    heard: Heard


@dataclass(frozen=True, slots=True)
class GattValue:
    """One value notified or read over a connection."""

    source: str
    address: str
    characteristic: str
    """Full lower-case UUID, such as `00002a37-0000-1000-8000-00805f9b34fb`."""
    value: bytes
    heard: Heard


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """One message from the home's own broker."""

    source: str
    """Which broker."""
    topic: str
    payload: bytes
    retained: bool
    """Set by the broker on a message from before the subscription: state, never an action."""
    heard: Heard
    waited_ms_max: int = 0
    """How long it may have waited in the broker's session while nobody was connected; 0 for one
    that was passed on as it was sent."""
    unheard_ms_max: int = 0
    """How long nobody listened before it, if it is the first on its topic since: what it tells may
    have happened then. 0 for any later one."""
    context: Mapping[str, str] = field(default_factory=dict)
    """What the sender said before, and this message builds on; the keys are the dialect's."""


Frame = BleAdvert | GattValue | MqttMessage
