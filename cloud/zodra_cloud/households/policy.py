"""What a slot may be. Pure: every rule names the field it is about."""

import re
from dataclasses import dataclass
from typing import Final

from zodra_cloud.households.models import MayPress, Metering, Slot

QUANTITY_MAX: Final = 1_000
SPAN_S_MAX: Final = 366 * 86_400
"""A year and a day: a longer staleness limit or cooldown is no limit."""
MINOR_MAX: Final = 10**9
"""Ten million euros; more is a typing fault."""
UNITS_MAX: Final = 1e9
UNIT_CHARS_MAX: Final = 20
NAMED_MAX: Final = 32
"""Devices or people that one slot may name."""
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_UNIT: Final = re.compile(r"[^\W\d_][\w %/.-]*")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a slot is judged against."""

    devices: frozenset[str]
    people: frozenset[str]
    other_metered: str | None
    """The key of another slot of the device that counts units; its readings name no slot."""
    call_off_allowed: bool
    """Whether the market allows a press to order under a standing agreement."""


def fault_of(slot: Slot, around: Surroundings) -> str | None:
    """Name the first field of a slot that is not usable, and the rule; None if all are."""
    for rule in (_numbers, _metering, _quiet_hours, _people, _call_off):
        fault = rule(slot, around)
        if fault is not None:
            return fault
    return None


def _between(name: str, value: float | None, low: float, high: float) -> str | None:
    if value is None or low <= value <= high:
        return None
    return f"{name}: {value:g} is not from {low:g} to {high:g}"


def _numbers(slot: Slot, _around: Surroundings) -> str | None:
    if _CURRENCY.fullmatch(slot.currency) is None:
        return f"currency: {slot.currency!r} is not three capitals, such as EUR"
    bounds = (
        ("quantity", slot.quantity, 1, QUANTITY_MAX),
        ("staleness_limit_s", slot.staleness_limit_s, 1, SPAN_S_MAX),
        ("cooldown_s", slot.cooldown_s, 0, SPAN_S_MAX),
        ("price_ceiling_minor", slot.price_ceiling_minor, 0, MINOR_MAX),
        ("spend_cap_minor", slot.spend_cap_minor, 0, MINOR_MAX),
        ("capacity_units", slot.capacity_units, 1e-9, UNITS_MAX),
        ("reorder_units", slot.reorder_units, 0, UNITS_MAX),
        ("units_per_item", slot.units_per_item, 1e-9, UNITS_MAX),
    )
    return next((fault for each in bounds if (fault := _between(*each)) is not None), None)


def _metering(slot: Slot, around: Surroundings) -> str | None:
    counted = {
        "unit": slot.unit,
        "capacity_units": slot.capacity_units,
        "reorder_units": slot.reorder_units,
        "units_per_item": slot.units_per_item,
    }
    if slot.metering is Metering.PRESS:
        given = next((name for name, value in counted.items() if value), None)
        return None if given is None else f"{given}: a press slot counts nothing; leave it out"
    if slot.unit and (_UNIT.fullmatch(slot.unit) is None or len(slot.unit) > UNIT_CHARS_MAX):
        return f"unit: {slot.unit!r} is no word of at most {UNIT_CHARS_MAX} letters"
    if slot.reorder_units is None:
        return None  # its device says when it is time
    needed = ["unit", "capacity_units"]
    if slot.metering is Metering.USAGE:
        needed.append("units_per_item")
    for name in needed:
        if not counted[name]:
            return f"{name}: a {slot.metering.value} slot with reorder_units needs it"
    if slot.reorder_units >= (slot.capacity_units or 0):
        return f"reorder_units: {slot.reorder_units:g} is not below capacity_units"
    if around.other_metered is not None:
        return (
            f"reorder_units: slot {around.other_metered!r} of the device counts already, and a"
            " reading does not say which slot it is about"
        )
    return None


def _quiet_hours(slot: Slot, _around: Surroundings) -> str | None:
    if (slot.quiet_from is None) != (slot.quiet_to is None):
        return "quiet_to: quiet hours have a beginning and an end; give both or neither"
    if slot.quiet_from is not None and slot.quiet_from == slot.quiet_to:
        return "quiet_to: the same as quiet_from; quiet hours of a whole day would never end"
    return None


def _people(slot: Slot, around: Surroundings) -> str | None:
    for name, given, there in (
        ("press_devices", slot.press_devices, around.devices),
        ("confirmers", slot.confirmers, around.people),
    ):
        if len(given) > NAMED_MAX:
            return f"{name}: at most {NAMED_MAX} of them"
        unknown = next((each for each in given if each not in there), None)
        if unknown is not None:
            return f"{name}: the household has no {unknown!r}"
    if slot.press_devices and slot.may_press is MayPress.ANYONE:
        return "press_devices: only with may_press = confirmed_person; else every press counts"
    return None


def _call_off(slot: Slot, around: Surroundings) -> str | None:
    if not slot.call_off:
        return None
    if not around.call_off_allowed:
        return (
            "call_off: this market does not let a press order without a labelled yes; see"
            " replenish.call_off_countries in the settings"
        )
    if slot.sku is None or slot.price_ceiling_minor is None:
        return "call_off: needs a product and a price ceiling"
    return None
