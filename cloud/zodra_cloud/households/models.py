"""The values that other rooms and pages see of a household."""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum


class Role(StrEnum):
    """What a person may see."""

    HOUSEHOLD = "household"
    """Their own household, nothing else."""
    OPERATOR = "operator"
    """Gateways and balances of all households; no household's page."""


class Metering(StrEnum):
    """How a slot says that it needs something."""

    PRESS = "press"
    LEVEL = "level"
    USAGE = "usage"


@dataclass(frozen=True, slots=True)
class Household:
    """One household and how to talk to it."""

    household_id: str
    language: str
    """`nl` or `en`."""
    time_zone: str
    """IANA name; quiet hours and printed times are in it."""


@dataclass(frozen=True, slots=True)
class Session:
    """Someone who is signed in."""

    session_hash: str
    """Names the session without opening it; what a form token is bound to."""
    person_id: str
    household_id: str | None
    """None for an operator."""
    role: Role
    language: str
    time_zone: str
    expires_at: datetime


class MayPress(StrEnum):
    """Whose press of a slot counts."""

    ANYONE = "anyone"
    """Whoever is at home."""
    CONFIRMED_PERSON = "confirmed_person"
    """A press of a device in `press_devices`; any other becomes a question to those who may
    confirm, before a shop is asked anything."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One replenishable place of a device."""

    household_id: str
    device_id: str
    slot_key: str
    metering: Metering
    sku: str | None
    """None while nothing is bound to it."""
    quantity: int
    price_ceiling_minor: int | None
    """A total above it is never ordered without asking; None if the household set none."""
    currency: str
    staleness_limit_s: int
    """A need older than this, in seconds, becomes a question and never an order."""
    title: str = ""
    """What the household calls the product until a shop has named it; empty if it does not."""
    unit: str = ""
    """In which a level or usage slot counts, such as `sheets` or `ml`; empty for a press slot."""
    capacity_units: float | None = None
    """What fits in, and what is there after a refill that nobody counted."""
    reorder_units: float | None = None
    """What is left when it is time; the cloud owns this threshold, not the device."""
    units_per_item: float | None = None
    """What one delivered item adds; a usage slot needs it to know what is left."""
    cooldown_s: int = 0
    """A need that comes sooner after the last order is refused."""
    spend_cap_minor: int | None = None
    """The most that may be ordered in one day of the household's own calendar."""
    quiet_from: time | None = None
    quiet_to: time | None = None
    """Between them, in the household's time zone, a need is held; both or neither."""
    may_press: MayPress = MayPress.ANYONE
    press_devices: tuple[str, ...] = ()
    confirmers: tuple[str, ...] = ()
    """Ids of the people who may confirm and answer; everybody in the household if empty."""
    call_off: bool = False
    """Whether a standing agreement may be concluded for it; off unless the market allows it."""


@dataclass(frozen=True, slots=True)
class LatestReading:
    """The newest value of one kind that a device reported."""

    kind: str
    value: float
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a household with its slots and how it is."""

    household_id: str
    device_id: str
    family: str
    label: str
    """What the household calls it; its id if it gave no name."""
    last_heard_at: datetime | None
    slots: tuple[Slot, ...]
    readings: tuple[LatestReading, ...]
