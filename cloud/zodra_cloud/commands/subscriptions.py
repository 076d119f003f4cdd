"""`zodra-cloud subscription ...`: what the support desk sees of one and can do for it."""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

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
from zodra_cloud.kit.changes import Changes
from zodra_cloud.subscriptions import desk, service
from zodra_cloud.subscriptions.policy.ledger.codec import to_facts
from zodra_cloud.subscriptions.service import Channel, Refused, Said, SubscriptionView, Wish

SUBSCRIPTION: Final = click.argument("subscription_id")
DAY: Final = click.DateTime(["%Y-%m-%d"])
KEY: Final = click.option("--key", help="The same key again changes nothing; for scripts.")


@click.group()
def subscription() -> None:
    """Subscriptions of a household, for the support desk.

    What a household asks for by telephone or mail is written down here, in its name and in the
    ledger as `support`. A yes that costs money is not: only the household can say it, on its page.
    """


def _command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    def wrap(function: Callable[..., Any]) -> click.Command:
        decorated = wraps(function)(says_faults(function))
        for each in (JSON, KEY, HOUSEHOLD, CONFIG, SUBSCRIPTION):
            decorated = each(decorated)
        return subscription.command(name)(decorated)

    return wrap


@subscription.command("list")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def subscription_list(config: Path, household: str, as_json: bool) -> None:
    """List a household's subscriptions, the newest first."""
    with unit_of_work(config) as session:
        views = service.subscriptions(session.connection, household, now=session.now)
    say(as_json, {"subscriptions": [_line(view) for view in views]}, *map(_sentence, views))


@subscription.command("show")
@SUBSCRIPTION
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def subscription_show(config: Path, household: str, subscription_id: str, as_json: bool) -> None:
    """Show a subscription: what comes next, what came, and every line of its ledger."""
    with unit_of_work(config) as session:
        found = service.view(session.connection, household, subscription_id, now=session.now)
        lines = service.ledger(session.connection, household, subscription_id)
    if found is None:
        raise UnknownThing("subscription", subscription_id)
    ledger = [
        {
            "number": line.number,
            "kind": line.kind.value,
            "at": line.entry.at,
            "by": line.entry.by,
            "channel": line.entry.channel.value,
            "facts": to_facts(line.entry.event),
        }
        for line in lines
    ]
    value = {**_line(found), "upcoming": _upcoming(found), "past": _past(found), "ledger": ledger}
    say(
        as_json,
        value,
        _sentence(found),
        *(f"  next  {each['on']}  {each['state']}" for each in _upcoming(found)),
        *(f"  past  {each['on']}  {each['state']} {each['reason']}" for each in _past(found)),
        *(f"  {each['at']:%Y-%m-%d %H:%M}  {each['kind']}  {each['channel']}" for each in ledger),
    )


@_command("skip")
@click.option("--delivery", type=int, help="Its number; the next one if left out.")
def subscription_skip(delivery: int | None, **given: Any) -> None:
    """Leave one delivery out."""
    _carry_out(given, delivery, service.skip)


@_command("unskip")
@click.option("--delivery", type=int, required=True, help="Its number.")
def subscription_unskip(delivery: int, **given: Any) -> None:
    """Make a delivery after all that was left out."""
    _carry_out(given, delivery, service.unskip)


def _carry_out(given: dict[str, Any], delivery: int | None, wish_of: Callable[[int], Wish]) -> None:
    def wish(session: Session) -> Wish:
        return wish_of(_next(session, *_ids(given)) if delivery is None else delivery)

    _run(given, wish)


def _next(session: Session, household_id: str, subscription_id: str) -> int:
    found = service.view(session.connection, household_id, subscription_id, now=session.now)
    if found is None:
        raise UnknownThing("subscription", subscription_id)
    if not found.upcoming:
        raise BadRequest(f"subscription {subscription_id!r} has no delivery to come")
    return found.upcoming[0].cycle


@_command("pause")
@click.option("--until", type=DAY, help="The day from which it goes on; open if left out.")
def subscription_pause(until: datetime | None, **given: Any) -> None:
    """Make no deliveries for a while."""
    day = None if until is None else until.date()
    _run(given, lambda _session: service.pause(day))


@_command("resume")
def subscription_resume(**given: Any) -> None:
    """Go on after a pause."""
    _run(given, lambda _session: service.resume())


@_command("move")
@click.option("--to", "on", type=DAY, required=True, help="The new date.")
@click.option("--delivery", type=int, help="Its number; the next one if left out.")
@click.option("--following", is_flag=True, help="Move all that come after it along.")
def subscription_move(on: datetime, delivery: int | None, following: bool, **given: Any) -> None:
    """Move a delivery to another date."""
    day = on.date()
    _carry_out(given, delivery, lambda number: service.reschedule(number, day, following=following))


@_command("quantity")
@click.option("--of", "quantity", type=int, required=True, help="How many each time.")
def subscription_quantity(quantity: int, **given: Any) -> None:
    """Deliver another number; what may be charged without asking stays as agreed."""
    _run(given, lambda _session: service.change_quantity(quantity))


@_command("cancel")
@click.option("--in-channel", type=click.Choice(["mail", "support"]), default="support")
def subscription_cancel(in_channel: str, **given: Any) -> None:
    """End the contract as the household asked; no reason is needed, and any day will do."""
    wish = service.cancel(label="", language="")
    _run(given, lambda _session: wish, Channel(in_channel))


@subscription.command("sizes")
@click.argument("ladder_id")
@CONFIG
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML with [[sizes]], the smallest first: name, sku, pieces, per_day, from_age_days.",
)
@JSON
@says_faults
def subscription_sizes(config: Path, ladder_id: str, file: Path, as_json: bool) -> None:
    """Store a ladder of sizes, or replace it; larger ones are then proposed, never sent unasked."""
    ladder = desk.ladder_file(file)
    with unit_of_work(config) as session:
        desk.put_ladder(session.connection, ladder_id, ladder, session.now)
    say(
        as_json,
        {"ladder_id": ladder_id, "sizes": len(ladder)},
        f"Ladder {ladder_id} has {len(ladder)} sizes.",
    )


def _ids(given: dict[str, Any]) -> tuple[str, str]:
    return given["household"], given["subscription_id"]


def _run(
    given: dict[str, Any], wish_of: Callable[[Session], Wish], channel: Channel = Channel.SUPPORT
) -> None:
    household_id, subscription_id = _ids(given)
    with unit_of_work(given["config"], household_id) as session:
        key = given["key"] or _key(session, given)
        said = Said(None, channel, key, session.now, Changes())
        ids = (household_id, subscription_id)
        done = service.act(session.connection, *ids, wish_of(session), said)
        found = service.view(session.connection, household_id, subscription_id, now=session.now)
    if isinstance(done, Refused):
        words = [f"{done.reason.value}", done.field, done.rule]
        raise BadRequest(f"subscription {subscription_id!r}: " + ": ".join(filter(None, words)))
    if found is None:
        raise UnknownThing("subscription", subscription_id)
    say(given["as_json"], _line(found) | {"repeated": done.repeated}, _sentence(found))


def _key(session: Session, given: dict[str, Any]) -> str:
    return f"cli-{session.now.isoformat()}-{given['subscription_id'][-8:]}"


def _line(view: SubscriptionView) -> dict[str, Any]:
    return {
        "subscription_id": view.subscription_id,
        "device_id": view.device_id,
        "slot_key": view.slot_key,
        "status": view.status.value,
        "sku": view.item.sku,
        "quantity": view.item.quantity,
        "every": f"{view.cadence.count} {view.cadence.every.value}",
        "next_on": view.upcoming[0].on if view.upcoming else None,
        "ends_on": view.ends_on,
        "paused_until": view.paused_until,
        "would_end_on": view.would_end_on,
    }


def _upcoming(view: SubscriptionView) -> list[dict[str, Any]]:
    return [
        {
            "delivery": each.cycle,
            "on": each.on,
            "state": "skipped" if each.skipped else each.state.value,
            "sku": each.item.sku,
            "quantity": each.item.quantity,
            "order_at": each.order_at,
        }
        for each in view.upcoming
    ]


def _past(view: SubscriptionView) -> list[dict[str, Any]]:
    return [
        {
            "delivery": each.cycle,
            "on": each.on,
            "state": each.state.value,
            "reason": each.reason,
            "need": each.signal_id,
        }
        for each in view.past
    ]


def _sentence(view: SubscriptionView) -> str:
    line = _line(view)
    said = [f"{view.subscription_id} is {line['status']}"]
    said.append(f"{line['quantity']} x {line['sku']} every {line['every']}")
    said.append(_when(line["next_on"], line["ends_on"]))
    return ", ".join(filter(None, said)) + "."


def _when(next_on: date | None, ends_on: date | None) -> str:
    if ends_on is not None:
        return f"no more from {ends_on}"
    return "" if next_on is None else f"next on {next_on}"
