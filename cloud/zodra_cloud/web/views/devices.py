"""Devices and consents, as cards."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from zodra_cloud.households.models import Device
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.pages import Chip, DeviceCard, Moment, Tone

FAMILIES: Final[dict[str, str]] = {
    "button": mark("Button"),
    "wearable": mark("Wearable"),
    "thermostat": mark("Thermostat"),
    "baby_monitor": mark("Baby monitor"),
}

QUIET_AFTER_S: Final[dict[str, float]] = {
    # A button speaks when it is pressed, and about once a day by itself.
    "button": 26 * 3600.0,
    "wearable": 24 * 3600.0,
    "thermostat": 2 * 3600.0,
    "baby_monitor": 15 * 60.0,
}
"""How long a device of each family may say nothing before that is worth a word, in seconds."""
_QUIET_AFTER_S: Final = 24 * 3600.0

BATTERY_LOW_PERCENT: Final = 15.0


def moment(speech: Speech, at: datetime, now: datetime) -> Moment:
    """Write an instant as how long ago it was."""
    return Moment(speech.ago(at, now), at.isoformat())


def device_cards(
    speech: Speech, devices: Iterable[Device], products: dict[str, str], now: datetime
) -> tuple[DeviceCard, ...]:
    """Make the cards of a household's devices.

    Args:
        speech: of the reader.
        devices: of the household.
        products: what is known of a SKU's name in the reader's language, by SKU.
        now: the instant of the page.
    """
    return tuple(_card(speech, device, products, now) for device in devices)


def _card(speech: Speech, device: Device, products: dict[str, str], now: datetime) -> DeviceCard:
    battery = next((r.value for r in device.readings if r.kind == "battery_percent"), None)
    heard = device.last_heard_at
    return DeviceCard(
        device_id=device.device_id,
        name=name_of(speech, device),
        family=device.family if device.family in FAMILIES else "gateway",
        purpose=_purpose(speech, device, products),
        state=_state(speech, device, now),
        heard=None if heard is None else moment(speech, heard, now),
        battery="" if battery is None else f"{speech.number(round(battery))}%",
        battery_low=battery is not None and battery < BATTERY_LOW_PERCENT,
        address=_address(device),
    )


def _state(speech: Speech, device: Device, now: datetime) -> Chip:
    if device.last_heard_at is None:
        return Chip(speech.say("not heard yet"), Tone.QUIET)
    age_s = (now - device.last_heard_at).total_seconds()
    if age_s > QUIET_AFTER_S.get(device.family, _QUIET_AFTER_S):
        return Chip(speech.say("quiet"), Tone.WAIT)
    return Chip(speech.say("in touch"), Tone.GOOD)


def _address(device: Device) -> str:
    bound = [slot for slot in device.slots if slot.sku is not None]
    if len(bound) != 1:
        return "/products"
    return f"/slots/{bound[0].device_id}/{bound[0].slot_key}"


def _purpose(speech: Speech, device: Device, products: dict[str, str]) -> str:
    names = [products[slot.sku] for slot in device.slots if slot.sku in products]
    return speech.say("For: %(product)s", product=joined(speech, names)) if names else ""


def name_of(speech: Speech, device: Device) -> str:
    """Give the household's own name of a device, or what it is until it has one."""
    if device.label != device.device_id or device.family not in FAMILIES:
        return device.label
    return f"{speech.say(FAMILIES[device.family])} ({device.device_id})"


def names_of(speech: Speech, devices: Iterable[Device]) -> dict[str, str]:
    """Give the name of each device, by its id."""
    return {device.device_id: name_of(speech, device) for device in devices}


def plain_sku(sku: str) -> str:
    """Write a product code as words, until a shop has told the product's name."""
    return sku.replace("-", " ")


def joined(speech: Speech, names: Sequence[str]) -> str:
    """Write names in a row with the language's own "and"."""
    if len(names) < 2:
        return "".join(names)
    return speech.say(mark("%(first)s and %(last)s"), first=", ".join(names[:-1]), last=names[-1])
