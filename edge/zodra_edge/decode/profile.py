"""What the gateway was told about one device."""

from dataclasses import dataclass, field
from enum import StrEnum

from zodra_edge.decode.spoken import UNSAID, Spoken


class Family(StrEnum):
    """The product types; each has its own decoders and its own way to open a need."""

    BUTTON = "button"
    WEARABLE = "wearable"
    THERMOSTAT = "thermostat"
    BABY_MONITOR = "baby_monitor"
    SENSOR = "sensor"
    """Measures, and opens no need by itself: its readings go up, and the cloud judges them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a reading becomes a need. Checked when the settings are read, not here."""

    worn_out_h: float = 400.0
    """Hours with skin contact that a strap lasts."""
    service_due_h: float = 1500.0
    """Hours of heating after which a filter is due."""
    pack_units: int = 44
    """What one pack holds; the count starts here."""
    reorder_units: int = 8
    """At or below this the slot is low; below `pack_units`."""
    unit_kg: float | None = None
    """What one unit of the slot weighs, for a scale; above 0."""
    empty_kg: float = 0.0
    """What a scale shows when none is left."""
    gap_s_max: float = 900.0
    """The most time that one silence between two reports may count for. Zigbee thermostats report
    at least every 10 to 15 minutes; a longer silence proves nothing."""
    contact_gap_s_max: float = 10.0
    """The same for a wearable, which reports every second while it is connected."""
    repeat_window_s: float = 60.0
    """How long a packet id is taken for a repeat of the same press; devices without counter."""
    bounce_window_s: float = 4.0
    """The same for devices that send neither counter nor packet id: one advertising burst."""


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """One device of the home. The agent makes it from the settings."""

    device_id: str
    family: Family
    slot_key: str
    address: str | None = None
    """Bluetooth address; case does not matter."""
    bind_key: bytes | None = field(default=None, repr=False)
    """16 bytes; with it the device must encrypt, and is believed."""
    topic: str | None = None
    """Of its state on the home's broker, such as `zigbee2mqtt/trv-living`."""
    spoken: Spoken = UNSAID
    """How it speaks there."""
    parser: str | None = None
    """By whom its advertisements are read; whoever recognises them if None."""
    connects: bool = False
    """Whether it is read over a connection, and not by what it advertises."""
    limits: Limits = Limits()
    counter_epoch: int = 1
    """Raised by hand after a battery change, when the device counts from the start again."""
    practice: bool = False
    """Shown when it is heard, and nothing else."""
    adapter: str | None = None
    """The only adapter that it is taken from, by its name; whichever hears it if None."""
