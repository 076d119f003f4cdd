"""The commands of a household as values, one shape for all: a name, what is asked, what follows.

Pages, the API and the support desk make one and give it to `service.act`, which carries it out
once. Pure.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from zodra_cloud.subscriptions.policy import commands
from zodra_cloud.subscriptions.policy.commands import Decided
from zodra_cloud.subscriptions.policy.dates import Cadence
from zodra_cloud.subscriptions.policy.ledger.state import State
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.terms import Channel, Follow, Item


@dataclass(frozen=True, slots=True)
class Moment:
    """What a wish is judged against."""

    state: State
    now: datetime
    today: date
    """Of the household."""
    zone: tzinfo
    channel: Channel
    ladders: Callable[[], Collection[str]]
    """Names the ladders of sizes; read only by the wish that names one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One command."""

    name: str
    asked: object
    """What tells it from another of the same name, as JSON values."""
    decide: Callable[[Moment], Decided]


def skip(cycle: int) -> Wish:
    """Leave one delivery out."""
    return Wish("skip", cycle, lambda at: commands.skip(at.state, cycle))


def unskip(cycle: int) -> Wish:
    """Make a delivery after all that was left out."""
    return Wish("unskip", cycle, lambda at: commands.unskip(at.state, cycle))


def pause(until: date | None) -> Wish:
    """Make no deliveries, until a date or for an open time."""
    return Wish("pause", until, lambda at: commands.pause(at.state, until, at.today))


def resume() -> Wish:
    """Go on after a pause; `Done.events` holds the date of the next delivery."""
    return Wish("resume", None, lambda at: commands.resume(at.state, at.now, at.zone))


def reschedule(cycle: int, on: date, *, following: bool = False) -> Wish:
    """Move one delivery to another date, alone or with all that follow it."""

    def decide(at: Moment) -> Decided:
        return commands.reschedule(at.state, cycle, on, following=following, today=at.today)

    return Wish("reschedule", [cycle, on, following], decide)


def change_quantity(quantity: int) -> Wish:
    """Deliver another number each time; `Done.events` says from which delivery on."""
    return Wish(
        "change_quantity", quantity, lambda at: commands.change_quantity(at.state, quantity)
    )


def swap_known(item: Item) -> Wish:
    """Deliver another product that a shop has just said it sells; pages use `desk.swap`."""
    return Wish("swap", [item.sku, item.quantity], lambda at: commands.swap(at.state, item))


def change_cadence(cadence: Cadence) -> Wish:
    """Deliver more or less often; what was skipped or dated by hand stays."""
    asked = [cadence.count, cadence.every]
    return Wish(
        "change_cadence", asked, lambda at: commands.change_cadence(at.state, cadence, at.today)
    )


def change_follow(follow: Follow | None) -> Wish:
    """Let the dates follow the forecast within bounds, or (None) no more."""
    asked = None if follow is None else [follow.days_min, follow.days_max]
    return Wish("change_follow", asked, lambda at: commands.change_follow(at.state, follow))


def tell_growth(ladder_id: str | None, born_on: date | None) -> Wish:
    """Let larger sizes be proposed, by a ladder of sizes; only the month of birth is kept."""

    def decide(at: Moment) -> Decided:
        if ladder_id is not None and ladder_id not in at.ladders():
            return Refused(Why.UNKNOWN_LADDER, "ladder_id")
        return commands.tell_growth(at.state, ladder_id, born_on, at.today)

    return Wish("tell_growth", [ladder_id, born_on], decide)


def accept_size(size: str, *, with_cadence: bool = False) -> Wish:
    """Take the size that was proposed, from the next delivery on that was not announced yet."""

    def decide(at: Moment) -> Decided:
        return commands.accept_size(at.state, size, with_cadence=with_cadence, today=at.today)

    return Wish("accept_size", [size, with_cadence], decide)


def decline_size(size: str) -> Wish:
    """Keep the size."""
    return Wish("decline_size", size, lambda at: commands.decline_size(at.state, size, at.today))


def cancel(*, label: str, language: str) -> Wish:
    """End the contract: any day, in any channel, with the labelled control where it was joined.

    `Done.events` holds the first day without it. An order that a shop has goes on: it is a
    contract of its own, and can be cancelled as any other until it is shipped.
    """

    def decide(at: Moment) -> Decided:
        return commands.cancel(at.state, at.channel, label, language, at.today)

    return Wish("cancel", None, decide)


def withdraw() -> Wish:
    """Withdraw from the contract itself; the two steps and the letter are another room's."""
    return Wish("withdraw", None, lambda at: commands.withdraw(at.state, at.channel, at.today))
