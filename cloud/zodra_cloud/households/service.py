"""Households, people, sign-in, devices and slots, for the other rooms and the pages.

Every function works inside the caller's unit of work. What belongs to a household takes its id,
which a page takes from the session and never from the URL.
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection

from zodra_cloud.errors import AlreadyThere, BadRequest, UnknownThing
from zodra_cloud.households.models import Device, Household, Metering, Role, Session, Slot
from zodra_cloud.households.policy import Surroundings, fault_of
from zodra_cloud.households.repository import owned, people
from zodra_cloud.households.repository.owned import Heard
from zodra_contract.ids import ID_PATTERN, derived_id

LANGUAGES: Final = ("nl", "en")
HOUSEHOLDS_MAX: Final = 1_000
"""How many an operator's page lists; a larger fleet is searched, not scrolled."""
LINK_LIFETIME: Final = timedelta(minutes=15)
LINK_LIFETIME_MAX: Final = timedelta(days=1)
SESSION_LIFETIME: Final = timedelta(days=14)
TOKEN_BYTES: Final = 32
TOKEN_CHARS_MAX: Final = 128
"""A longer token is not one of ours and is not hashed."""

Place = tuple[str, str, str]
"""Household, device and slot key."""

__all__ = [
    "LANGUAGES",
    "Heard",
    "Place",
    "add_device",
    "add_household",
    "add_pseudonym",
    "all_households",
    "bind_slot",
    "bound_in_common",
    "device_ids",
    "device_slots",
    "devices",
    "household",
    "metered_slots",
    "note_heard",
    "person_ids",
    "redeem_link",
    "session",
    "set_language",
    "sign_in_link",
    "sign_out",
    "slot",
    "slots_at",
    "slots_bound",
    "zone",
]


def add_household(
    connection: Connection, household_id: str, *, language: str, time_zone: str, now: datetime
) -> Household:
    """Add a household and the one person who signs in for it.

    Raises:
        BadRequest: an id, language or time zone that is none.
        AlreadyThere: the id is taken.
    """
    _check_id("household", household_id)
    _check_language(language)
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise BadRequest(
            f"time zone {time_zone!r} is no IANA name; use one such as Europe/Amsterdam"
        ) from unknown
    added = Household(household_id, language, time_zone)
    if not people.add_household(connection, added, now):
        raise AlreadyThere("household", household_id)
    _person(connection, Role.HOUSEHOLD, household_id, language, now)
    return added


def add_pseudonym(
    connection: Connection, household_id: str, pseudonym: str, *, now: datetime
) -> None:
    """Add what stands for a household that is erased: nobody can sign in for it.

    Raises:
        UnknownThing: there is no such household.
        AlreadyThere: the pseudonym is taken.
    """
    erased = household(connection, household_id)
    if not people.add_household(connection, replace(erased, household_id=pseudonym), now):
        raise AlreadyThere("household", pseudonym)


def household(connection: Connection, household_id: str) -> Household:
    """Read one. Raises `UnknownThing`."""
    found = people.household(connection, household_id)
    if found is None:
        raise UnknownThing("household", household_id)
    return found


def zone(connection: Connection, household_id: str) -> ZoneInfo:
    """Give the time zone of a household. Raises `UnknownThing`."""
    return ZoneInfo(household(connection, household_id).time_zone)


def all_households(connection: Connection) -> list[Household]:
    """Read the first `HOUSEHOLDS_MAX` households by id, for an operator."""
    return people.all_households(connection, HOUSEHOLDS_MAX)


def sign_in_link(
    connection: Connection,
    *,
    role: Role,
    household_id: str | None,
    now: datetime,
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """Make a one-time sign-in token; only its hash is stored, so it cannot be shown again.

    Args:
        connection: of the caller's unit of work.
        role: whose page it opens.
        household_id: the household; None for an operator.
        now: the instant.
        lifetime: how long it can be used, at most `LINK_LIFETIME_MAX`.

    Raises:
        UnknownThing: there is no such household.
        BadRequest: role and household do not go together.
    """
    if (role is Role.HOUSEHOLD) != (household_id is not None):
        raise BadRequest("a household's link needs --household; an operator's link takes none")
    language = LANGUAGES[1]
    if household_id is not None:
        language = household(connection, household_id).language
    person_id = _person(connection, role, household_id, language, now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + min(lifetime, LINK_LIFETIME_MAX)
    people.add_link(connection, _hash(token), person_id, now, expires_at)
    return token


def redeem_link(
    connection: Connection, token: str, *, now: datetime, lifetime: timedelta = SESSION_LIFETIME
) -> tuple[str, Session] | None:
    """Exchange a one-time token for a session.

    Returns:
        The session's secret id, for the cookie and nowhere else, and the session; None if the
        token is unknown, used or expired, which are not told apart.
    """
    if len(token) > TOKEN_CHARS_MAX:
        return None
    person_id = people.take_link(connection, _hash(token), now)
    if person_id is None:
        return None
    session_id = secrets.token_urlsafe(TOKEN_BYTES)
    people.add_session(connection, _hash(session_id), person_id, now, now + lifetime)
    signed_in = session(connection, session_id, now=now)
    return None if signed_in is None else (session_id, signed_in)


def session(connection: Connection, session_id: str, *, now: datetime) -> Session | None:
    """Read the session of a cookie; None if there is none, or it ended or expired."""
    if len(session_id) > TOKEN_CHARS_MAX:
        return None
    return people.session(connection, _hash(session_id), now)


def sign_out(connection: Connection, session_hash: str, *, now: datetime) -> None:
    """End a session, on the server, whatever becomes of the cookie."""
    people.end_session(connection, session_hash, now)


def set_language(connection: Connection, person_id: str, language: str) -> None:
    """Change the language a person reads. Raises `BadRequest` for one that we do not speak."""
    _check_language(language)
    people.set_language(connection, person_id, language)


def add_device(
    connection: Connection,
    household_id: str,
    device_id: str,
    *,
    family: str,
    label: str,
    now: datetime,
) -> None:
    """Register a device; readings and needs of others are rejected by name.

    Raises:
        BadRequest: an id that is none.
        UnknownThing: there is no such household.
        AlreadyThere: the household has a device of that id.
    """
    _check_id("device", device_id)
    household(connection, household_id)
    added = owned.add_device(
        connection,
        household_id=household_id,
        device_id=device_id,
        family=family,
        label=label or device_id,
        now=now,
    )
    if not added:
        raise AlreadyThere("device", device_id)


def bind_slot(
    connection: Connection, slot: Slot, *, now: datetime, call_off_allowed: bool = False
) -> None:
    """Say what a slot is replenished with and within which limits; binding again changes that.

    Args:
        connection: of the caller's unit of work.
        slot: all of it; what is left out falls back to its default.
        now: the instant.
        call_off_allowed: whether the market lets a press order under a standing agreement.

    Raises:
        BadRequest: an id or a field that is not usable, by name, with its rule.
        UnknownThing: the household has no such device.
    """
    _check_id("slot", slot.slot_key)
    there = owned.device_ids(connection, [slot.household_id])[slot.household_id]
    if slot.device_id not in there:
        raise UnknownThing("device", slot.device_id)
    bound = replace(slot, sku=slot.sku or None)
    around = Surroundings(
        devices=there,
        people=people.person_ids(connection, slot.household_id),
        other_metered=_other_metered(connection, slot),
        call_off_allowed=call_off_allowed,
    )
    fault = fault_of(bound, around)
    if fault is not None:
        raise BadRequest(f"slot {slot.slot_key!r} of {slot.device_id!r}: {fault}")
    owned.put_slot(connection, bound, now)


def _other_metered(connection: Connection, slot: Slot) -> str | None:
    for each in owned.device_slots(connection, slot.household_id, slot.device_id):
        if each.slot_key != slot.slot_key and each.reorder_units is not None:
            return each.slot_key
    return None


def slot(connection: Connection, household_id: str, device_id: str, slot_key: str) -> Slot | None:
    """Read one slot; None if the device has no such slot."""
    return owned.slot(connection, household_id, device_id, slot_key)


def slots_at(connection: Connection, places: Collection[Place]) -> dict[Place, Slot]:
    """Read the slots at several places; one that is not there is left out."""
    return owned.slots_at(connection, places)


def device_slots(connection: Connection, household_id: str, device_id: str) -> list[Slot]:
    """List the slots of one device, by key."""
    return owned.device_slots(connection, household_id, device_id)


def metered_slots(connection: Connection, devices: Collection[tuple[str, str]]) -> list[Slot]:
    """Read the slots of several devices (household and id) whose threshold is ours."""
    return owned.metered_slots(connection, devices)


def bound_in_common(
    connection: Connection, at_least: int, limit: int
) -> list[tuple[Metering, str, str]]:
    """Give metering, unit and SKU of what is bound in at least so many households, most first."""
    return owned.bound_in_common(connection, at_least, limit)


def slots_bound(connection: Connection, to: tuple[Metering, str, str], limit: int) -> list[Slot]:
    """List the slots of all households that have this metering, unit and SKU, by place."""
    return owned.slots_bound(connection, to, limit)


def person_ids(connection: Connection, household_id: str) -> frozenset[str]:
    """Name the people of a household."""
    return people.person_ids(connection, household_id)


def devices(connection: Connection, household_id: str) -> list[Device]:
    """List the devices of a household, with their slots, latest readings and last sign of life."""
    return owned.household_devices(connection, household_id)


def device_ids(connection: Connection, household_ids: set[str]) -> dict[str, frozenset[str]]:
    """Give the registered devices of several households, for the ingest."""
    return owned.device_ids(connection, household_ids)


def note_heard(
    connection: Connection, heard_at: dict[tuple[str, str], int], latest: list[Heard]
) -> None:
    """Record signs of life and latest readings from the ingest's transaction."""
    if heard_at:
        owned.note_heard(connection, heard_at, latest)


def _person(
    connection: Connection, role: Role, household_id: str | None, language: str, now: datetime
) -> str:
    person_id = derived_id("u", role, household_id or "")
    people.add_person(
        connection,
        person_id=person_id,
        household_id=household_id,
        role=role,
        language=language,
        now=now,
    )
    return person_id


def _hash(token: str) -> str:
    # 256 random bits need no salt and no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def _check_id(what: str, value: str) -> None:
    if re.match(ID_PATTERN, value) is None or value.endswith("\n"):
        raise BadRequest(f"{what} id {value!r}: use 1 to 64 letters, digits, '-' and '_'")


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise BadRequest(f"language {language!r}: choose one of {', '.join(LANGUAGES)}")
