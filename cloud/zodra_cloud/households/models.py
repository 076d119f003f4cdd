"""The values that other rooms and pages see of a household."""

from dataclasses import dataclass
from datetime import datetime
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
