"""A whole home from one file: household, gateways, devices and slots. Repeating it is harmless."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from zodra_cloud.errors import AlreadyThere, BadSettings, UnknownThing
from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households
from zodra_cloud.households.models import MayPress, Metering, Slot
from zodra_contract.ids import DeviceId, GatewayId, HouseholdId, SlotKey

STALENESS_LIMIT_S: Final = 24 * 3_600
"""A day: until then most people still know why they pressed."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HomeSlot(_Part):
    """One slot of one device."""

    device_id: DeviceId
    family: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    label: Annotated[str, Field(max_length=80)] = ""
    slot_key: SlotKey
    metering: Metering
    sku: Annotated[str, Field(max_length=120)] | None = None
    title: Annotated[str, Field(max_length=120)] = ""
    """What the product is called, for the page until a shop has named it."""
    quantity: Annotated[int, Field(ge=1, le=1_000)] = 1
    price_ceiling_minor: Annotated[int, Field(ge=0, le=10**9)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    staleness_limit_s: Annotated[int, Field(ge=1, le=366 * 86_400)] = STALENESS_LIMIT_S
    unit: Annotated[str, Field(max_length=20)] = ""
    """In which a level or usage slot counts, such as sheets or ml."""
    capacity_units: float | None = None
    """What fits in, in that unit."""
    reorder_units: float | None = None
    """What is left when it is time; without it the device says so."""
    units_per_item: float | None = None
    """What one delivered item adds; a usage slot needs it."""
    cooldown_s: Annotated[int, Field(ge=0, le=366 * 86_400)] = 0
    """A need that comes sooner after the last order is refused."""
    spend_cap_minor: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """The most that may be ordered in one day of the household's own calendar."""
    quiet_from: time | None = None
    """From then a need waits, in the household's time zone."""
    quiet_to: time | None = None
    """Then it goes on."""
    may_press: MayPress = MayPress.ANYONE
    """Whose press counts; another one becomes a question first."""
    press_devices: Annotated[tuple[DeviceId, ...], Field(max_length=32)] = ()
    """With may_press = confirmed_person: devices whose press is a person's."""
    call_off: bool = False
    """Whether a standing agreement may be concluded; only where the settings allow it."""


class Home(_Part):
    """What a home file holds."""

    household_id: HouseholdId
    language: str = "en"
    time_zone: str = "Europe/Amsterdam"
    gateways: Annotated[tuple[GatewayId, ...], Field(max_length=16)] = ()
    slots: Annotated[tuple[HomeSlot, ...], Field(max_length=256)] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """What was new."""

    household_id: str
    secrets: dict[str, str]
    """Of each gateway that was new, shown this once."""


def read(path: Path) -> Home:
    """Read a home file. Raises `BadSettings`."""
    try:
        return Home.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as fault:
        raise BadSettings(f"home file {path}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadSettings(f"home file {path} is not TOML: {fault}") from fault
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadSettings(f"home file {path}: {where}: {first['msg']}") from fault


def install(
    connection: Connection, home: Home, now: datetime, *, call_off_allowed: bool = False
) -> Installed:
    """Add what is not there yet, and bind the slots as the file says.

    Raises:
        BadRequest: a slot that cannot be so, by field and rule.
        AlreadyThere: a gateway of the file belongs to another household.
    """
    try:
        households.household(connection, home.household_id)
    except UnknownThing:
        households.add_household(
            connection,
            home.household_id,
            language=home.language,
            time_zone=home.time_zone,
            now=now,
        )
    there = fleet.known(connection, home.gateways)
    secrets: dict[str, str] = {}
    for gateway_id in home.gateways:
        if gateway_id not in there:
            secrets[gateway_id] = fleet.add_gateway(
                connection, home.household_id, gateway_id, now=now
            )
        elif there[gateway_id][0] != home.household_id:
            raise AlreadyThere("gateway", gateway_id)
    devices = households.device_ids(connection, {home.household_id})[home.household_id]
    added = set(devices)
    for slot in home.slots:
        if slot.device_id not in added:
            added.add(slot.device_id)
            households.add_device(
                connection,
                home.household_id,
                slot.device_id,
                family=slot.family,
                label=slot.label,
                now=now,
            )
        values = slot.model_dump(exclude={"family", "label"})
        households.bind_slot(
            connection,
            Slot(household_id=home.household_id, **values),
            now=now,
            call_off_allowed=call_off_allowed,
        )
    return Installed(home.household_id, secrets)
