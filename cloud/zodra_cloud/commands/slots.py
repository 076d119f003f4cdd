"""`zodra-cloud slot ...`: what a slot is replenished with, and within which limits."""

from dataclasses import asdict, replace
from datetime import time
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Connection

from zodra_cloud.commands.common import (
    CONFIG,
    HOUSEHOLD,
    JSON,
    Session,
    say,
    says_faults,
    unit_of_work,
)
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.home import STALENESS_LIMIT_S
from zodra_cloud.households import service as households
from zodra_cloud.households.models import MayPress, Metering, Slot
from zodra_cloud.households.policy import QUANTITY_MAX

NONE: Final = "none"
"""What takes a limit away again."""


@click.group()
def slot() -> None:
    """Replenishable places of devices.

    A slot has one of three meterings: a person presses it, a device says how much is left
    (level), or a device counts what was used and we keep the stock (usage). `slot bind` says what
    is ordered, `slot limit` how far that may go, `slot meter` when a counted slot is low, and
    `slot show` what holds now.
    """


def _place(command: Any) -> Any:
    for each in (JSON, HOUSEHOLD, CONFIG, click.argument("slot_key"), click.argument("device_id")):
        command = each(command)
    return command


@slot.command("bind")
@_place
@click.option("--metering", type=click.Choice([each.value for each in Metering]), default="press")
@click.option("--sku", help="What the shop calls it; without it the slot is bound to nothing.")
@click.option("--title", default="", help="What the product is called until the shop names it.")
@click.option("--quantity", type=click.IntRange(1, QUANTITY_MAX), default=1)
@click.option("--price-ceiling-minor", type=click.IntRange(0), help="In cents, VAT included.")
@click.option("--currency", default="EUR")
@click.option("--staleness-limit-s", type=click.IntRange(1), default=STALENESS_LIMIT_S)
@says_faults
def slot_bind(
    config: Path, household: str, device_id: str, slot_key: str, as_json: bool, **given: Any
) -> None:
    """Say what a slot is replenished with; binding it again changes that.

    The limits of `slot limit` and `slot meter` stay as they are. A press never orders by itself:
    the household sees the price and confirms it.
    """
    given["metering"] = Metering(given["metering"])
    with unit_of_work(config, household) as session:
        found = households.slot(session.connection, household, device_id, slot_key)
        if found is None:
            bound = Slot(household_id=household, device_id=device_id, slot_key=slot_key, **given)
        else:
            bound = replace(found, **given)
        _bind(session, bound)
    sku = bound.sku
    say(
        as_json,
        {"household_id": household, "device_id": device_id, "slot_key": slot_key, "sku": sku},
        f"Slot {slot_key} of {device_id} is bound to {sku or 'nothing'}.",
    )


@slot.command("limit")
@_place
@click.option("--cooldown-s", type=click.IntRange(0), help="Refuse a need that comes sooner.")
@click.option("--spend-cap-minor", help="The most in one day, in cents; `none` for no cap.")
@click.option("--price-ceiling-minor", help="Warn above it, in cents; `none` for no ceiling.")
@click.option("--quiet-hours", help="Hold needs between, as 22:00-07:00; `none` for none.")
@click.option("--may-press", type=click.Choice([each.value for each in MayPress]))
@click.option("--press-device", multiple=True, help="Whose press counts as a person's; repeat it.")
@click.option("--confirmer", multiple=True, help="Id of a person who may confirm; repeat it.")
@click.option("--call-off/--no-call-off", default=None, help="Allow a standing agreement.")
@says_faults
def slot_limit(
    config: Path, household: str, device_id: str, slot_key: str, as_json: bool, **given: Any
) -> None:
    """Set how far a slot may go; what is not given stays as it is.

    Within the quiet hours (in the household's time zone) a need waits until they end, then goes
    on by itself. With --may-press confirmed_person a press is first a question to those who may
    confirm, unless it came from one of the --press-device. --call-off works only where the
    settings allow it for the country; it is off everywhere else.
    """
    changed = {name: value for name, value in _limits(given).items() if value is not None}
    quiet = given["quiet_hours"]
    if quiet is not None:
        changed["quiet_from"], changed["quiet_to"] = _hours(quiet)
    for name in ("spend_cap_minor", "price_ceiling_minor"):
        if given[name] is not None:
            changed[name] = _number_or_none(name, given[name])
    _change(config, (household, device_id, slot_key), as_json, changed)


def _limits(given: dict[str, Any]) -> dict[str, Any]:
    may_press = given["may_press"]
    return {
        "cooldown_s": given["cooldown_s"],
        "may_press": None if may_press is None else MayPress(may_press),
        "press_devices": _names(given["press_device"]),
        "confirmers": _names(given["confirmer"]),
        "call_off": given["call_off"],
    }


@slot.command("meter")
@_place
@click.option("--unit", help="In which it counts, such as sheets or ml.")
@click.option("--capacity", type=float, help="What fits in, in that unit.")
@click.option("--reorder-at", help="What is left when it is time; `none` leaves it to the device.")
@click.option("--units-per-item", type=float, help="What one delivered item adds.")
@says_faults
def slot_meter(
    config: Path,
    household: str,
    device_id: str,
    slot_key: str,
    as_json: bool,
    unit: str | None,
    capacity: float | None,
    reorder_at: str | None,
    units_per_item: float | None,
) -> None:
    """Set when a level or usage slot is low: the threshold is ours, whatever the device thinks.

    With a threshold, its readings make a forecast, and a need is opened in time for a delivery:
    when it would probably fall below the threshold before one could arrive.
    """
    changed: dict[str, Any] = {}
    for name, value in (
        ("unit", unit),
        ("capacity_units", capacity),
        ("units_per_item", units_per_item),
    ):
        if value is not None:
            changed[name] = value
    if reorder_at is not None:
        changed["reorder_units"] = _number_or_none("reorder-at", reorder_at)
    _change(config, (household, device_id, slot_key), as_json, changed)


@slot.command("show")
@_place
@says_faults
def slot_show(config: Path, household: str, device_id: str, slot_key: str, as_json: bool) -> None:
    """Show what a slot is bound to and every limit of it."""
    with unit_of_work(config) as session:
        found = _known(session.connection, (household, device_id, slot_key))
    _say_slot(as_json, found)


def _change(
    config: Path, place: tuple[str, str, str], as_json: bool, changed: dict[str, Any]
) -> None:
    with unit_of_work(config, place[0]) as session:
        bound = replace(_known(session.connection, place), **changed)
        _bind(session, bound)
    _say_slot(as_json, bound)


def _known(connection: Connection, place: tuple[str, str, str]) -> Slot:
    found = households.slot(connection, *place)
    if found is None:
        raise UnknownThing("slot", place[2])
    return found


def _bind(session: Session, bound: Slot) -> None:
    market = session.settings.replenish.market(session.settings.shop.country)
    households.bind_slot(
        session.connection, bound, now=session.now, call_off_allowed=market.call_off
    )


def _say_slot(as_json: bool, found: Slot) -> None:
    values = {
        name: value.isoformat("minutes") if isinstance(value, time) else value
        for name, value in asdict(found).items()
    }
    say(as_json, values, *(f"{name}: {_said(value)}" for name, value in values.items()))


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None or value == "" else str(value)


def _names(given: tuple[str, ...]) -> tuple[str, ...] | None:
    if not given:
        return None
    return () if given == (NONE,) else given


def _number_or_none(name: str, given: str) -> float | None:
    if given == NONE:
        return None
    whole = name.endswith("_minor")
    try:
        return int(given) if whole else float(given)
    except ValueError as not_one:
        kind = "a whole number of cents" if whole else "a number"
        raise BadRequest(f"--{name.replace('_', '-')}: {kind}, or `none`") from not_one


def _hours(given: str) -> tuple[time | None, time | None]:
    if given == NONE:
        return None, None
    first, _, last = given.partition("-")
    try:
        return time.fromisoformat(first), time.fromisoformat(last)
    except ValueError as not_one:
        raise BadRequest("--quiet-hours: two times, such as 22:00-07:00, or `none`") from not_one
