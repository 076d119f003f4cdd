"""The limits of a slot as a form: fields to fill, what was typed, and which rule was broken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from zodra_cloud.households.models import Device, MayPress, Metering, Slot
from zodra_cloud.web import typed
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.devices import name_of
from zodra_cloud.web.views.pages import Field

PRESS: Final = "press-"
"""Begins the name of the box of each device whose press may count."""
_HOUR_S: Final = 3_600

RULES: Final[dict[str, str]] = {
    "title": mark("The name has to be at most 80 letters."),
    "quantity": mark("The number has to be from 1 to 1,000."),
    "price_ceiling_minor": mark("The price limit has to be an amount, for example 24.50."),
    "spend_cap_minor": mark("The most in a day has to be an amount, for example 24.50."),
    "cooldown_s": mark("The pause has to be a number of hours, at most a year."),
    "staleness_limit_s": mark("The age has to be a number of hours, from 1 to a year."),
    "quiet_from": mark("The beginning of the quiet hours has to be a time, for example 22:00."),
    "quiet_to": mark("Quiet hours have a beginning and an end, and the two differ."),
    "reorder_units": mark("The level has to be a number, below what fits in."),
    "capacity_units": mark("What fits in has to be a number above zero."),
    "units_per_item": mark("What one item adds has to be a number above zero."),
    "press_devices": mark("Only a device of this home can be named, and only if not anyone may."),
    "call_off": mark("An agreement needs a product and a price limit first."),
}
"""What people read for the rule of each field."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a form asked for, or the fields that cannot be read."""

    slot: Slot | None
    faults: Mapping[str, str]
    """By field, the rule; empty if it could be read."""


def read_limits(sent: Mapping[str, str], slot: Slot, *, call_off_allowed: bool) -> Limits:
    """Read the form over a slot; what the form does not show stays as it is."""
    broken: list[str] = []
    changed: dict[str, Any] = {}

    def take(name: str, value: Any, given: str, *, required: bool = False) -> None:
        if value is None and (given.strip() or required):
            broken.append(name)
        changed[name] = value

    currency = slot.currency
    changed["title"] = sent.get("title", "").strip()[: typed.CHARS_MAX]
    if len(sent.get("title", "").strip()) > typed.CHARS_MAX:
        broken.append("title")
    given = sent.get("quantity", "")
    take("quantity", typed.whole(given), given, required=True)
    for name in ("price_ceiling_minor", "spend_cap_minor"):
        given = sent.get(name, "")
        take(name, typed.minor(given, currency) if given.strip() else None, given)
    for name in ("cooldown_s", "staleness_limit_s"):
        given = sent.get(name, "")
        take(name, _seconds(given), given, required=True)
    for name in ("quiet_from", "quiet_to"):
        given = sent.get(name, "")
        take(name, typed.clock(given) if given.strip() else None, given)
    if slot.reorder_units is not None:
        for name in _counted(slot):
            given = sent.get(name, "")
            take(name, typed.decimal(given), given, required=True)
    changed |= _who(sent)
    changed["call_off"] = call_off_allowed and sent.get("call_off") == "yes"
    if broken:
        return Limits(None, {name: RULES[name] for name in broken})
    return Limits(replace(slot, **changed), {})


def _counted(slot: Slot) -> tuple[str, ...]:
    level = ("reorder_units", "capacity_units")
    return level if slot.metering is Metering.LEVEL else (*level, "units_per_item")


def _seconds(hours: str) -> int | None:
    read = typed.decimal(hours)
    return None if read is None else round(read * _HOUR_S)


def _who(sent: Mapping[str, str]) -> dict[str, Any]:
    may_press = sent.get("may_press", "")
    if may_press != MayPress.CONFIRMED_PERSON:
        return {"may_press": MayPress.ANYONE, "press_devices": ()}
    named = tuple(sorted(name.removeprefix(PRESS) for name in sent if name.startswith(PRESS)))
    return {"may_press": MayPress.CONFIRMED_PERSON, "press_devices": named}


def broken_rule(said: str) -> tuple[str, str]:
    """Read which field the household room refused, and give the words for its rule.

    The room says `slot 'x' of 'y': field: rule`.
    """
    name = said.partition(": ")[2].partition(": ")[0]
    return name, RULES.get(name, said)


class _Form:
    def __init__(
        self,
        speech: Speech,
        values: Mapping[str, str],
        sent: Mapping[str, str] | None,
        faults: Mapping[str, str],
    ) -> None:
        self._speech = speech
        self._values = values if sent is None else sent
        self._faults = faults

    def field(self, name: str, label: str, kind: str = "text", **more: str) -> Field:
        fault = self._faults.get(name, "")
        return Field(
            name,
            self._speech.say(label),
            self._values.get(name, ""),
            kind=kind,
            mode=more.get("mode", ""),
            unit=more.get("unit", ""),
            hint=self._speech.say(more["hint"]) if "hint" in more else "",
            fault=self._speech.say(fault) if fault else "",
        )

    def choice(self, name: str, label: str, choices: tuple[tuple[str, str], ...]) -> Field:
        fault = self._faults.get(name, "")
        return Field(
            name,
            self._speech.say(label),
            self._values.get(name, ""),
            fault=self._speech.say(fault) if fault else "",
            choices=tuple((value, self._speech.say(text)) for value, text in choices),
        )

    def box(self, name: str, text: str, about: str) -> Field:
        fault = self._faults.get(about, "")
        return Field(
            name,
            text,
            self._values.get(name, ""),
            kind="check",
            fault=self._speech.say(fault) if fault else "",
        )


def limit_fields(
    speech: Speech,
    slot: Slot,
    devices: Iterable[Device],
    *,
    call_off_allowed: bool,
    sent: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> tuple[tuple[str, tuple[Field, ...]], ...]:
    """Make the fields in their groups.

    Args:
        speech: of the reader.
        slot: as it stands.
        devices: of the household.
        call_off_allowed: whether the country allows standing agreements.
        sent: what was typed, if the form was not taken.
        faults: by field, the rule that it broke.
    """
    form = _Form(speech, _values(speech, slot), sent, faults or {})
    groups = [
        (speech.say("What and how much"), _what(form, slot)),
        (speech.say("How much it may cost"), _money(form, slot)),
        (speech.say("When"), _when(form)),
        (speech.say("Who"), _people(speech, form, slot, devices, faults or {})),
    ]
    if call_off_allowed:
        text = speech.say("A standing agreement may be concluded for it")
        groups.append((speech.say("Agreements"), (form.box("call_off", text, "call_off"),)))
    return tuple(groups)


def _what(form: _Form, slot: Slot) -> tuple[Field, ...]:
    fields = [
        form.field("title", mark("What you call it")),
        form.field("quantity", mark("How many at a time"), mode="numeric"),
    ]
    if slot.reorder_units is not None:
        labels = {
            "reorder_units": mark("It is time when this is left"),
            "capacity_units": mark("What fits in"),
            "units_per_item": mark("What one item adds"),
        }
        fields += [
            form.field(name, labels[name], mode="decimal", unit=slot.unit)
            for name in _counted(slot)
        ]
    return tuple(fields)


def _money(form: _Form, slot: Slot) -> tuple[Field, ...]:
    return (
        form.field(
            "price_ceiling_minor",
            mark("Your price limit for one order"),
            mode="decimal",
            unit=slot.currency,
            hint=mark("Above it we say so. Empty: no limit."),
        ),
        form.field(
            "spend_cap_minor",
            mark("The most in one day"),
            mode="decimal",
            unit=slot.currency,
            hint=mark("Nothing beyond it is ordered that day. Empty: no limit."),
        ),
    )


def _when(form: _Form) -> tuple[Field, ...]:
    return (
        form.field("quiet_from", mark("Quiet from"), "time"),
        form.field(
            "quiet_to", mark("Quiet until"), "time", hint=mark("In between, nothing is asked.")
        ),
        form.field(
            "cooldown_s",
            mark("Hours between two orders, at least"),
            mode="decimal",
            hint=mark("0: no pause."),
        ),
        form.field(
            "staleness_limit_s",
            mark("Ask first if a press is older than so many hours"),
            mode="decimal",
        ),
    )


def _people(
    speech: Speech,
    form: _Form,
    slot: Slot,
    devices: Iterable[Device],
    faults: Mapping[str, str],
) -> tuple[Field, ...]:
    choices = (
        (MayPress.ANYONE.value, mark("Anyone at home")),
        (MayPress.CONFIRMED_PERSON.value, mark("Only the devices below; others are asked first")),
    )
    boxes = [form.box(f"{PRESS}{each.device_id}", name_of(speech, each), "") for each in devices]
    about = mark("With the second choice, a press of a ticked device counts at once.")
    first = replace(
        form.choice("may_press", mark("Whose press counts"), choices), hint=speech.say(about)
    )
    if "press_devices" in faults:
        first = replace(first, fault=speech.say(faults["press_devices"]))
    return (first, *boxes)


def _values(speech: Speech, slot: Slot) -> dict[str, str]:
    language, currency = speech.language, slot.currency
    units = {name: getattr(slot, name) for name in _counted(slot)}
    return {
        "title": slot.title,
        "quantity": str(slot.quantity),
        "price_ceiling_minor": typed.as_typed(slot.price_ceiling_minor, currency, language),
        "spend_cap_minor": typed.as_typed(slot.spend_cap_minor, currency, language),
        "cooldown_s": plain(slot.cooldown_s / _HOUR_S, language),
        "staleness_limit_s": plain(slot.staleness_limit_s / _HOUR_S, language),
        "quiet_from": "" if slot.quiet_from is None else f"{slot.quiet_from:%H:%M}",
        "quiet_to": "" if slot.quiet_to is None else f"{slot.quiet_to:%H:%M}",
        "may_press": slot.may_press.value,
        "call_off": "yes" if slot.call_off else "",
        **{name: "" if value is None else plain(value, language) for name, value in units.items()},
        **{f"{PRESS}{device_id}": "yes" for device_id in slot.press_devices},
    }


def plain(value: float, language: str) -> str:
    """Write a number as people type it in a language."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "nl" else text
