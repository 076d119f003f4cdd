"""Standing deliveries, for pages, interfaces, the support desk and other rooms.

Every function works inside the caller's unit of work, opened as `Database.write(household_id)`
(reads: `Database.read()`); the household comes from the session. A command takes a `Said`: who,
where, when, and a key under which a repeat changes nothing. It gives `Done`, or `Refused` with a
reason of the closed list `Why`, the field, and the rule.

The way in: `of_slot`, `of_order` or `of_quote` say what is delivered; `request` asks for terms;
the room's job asks the shop what it costs; `view(...).terms` and `terms_hash` are shown beside the
labelled control (`ORDER_LABELS`); `join` takes the yes. What needs a shop's answer first (`swap`)
is in `desk`, outside any unit of work.

`app` makes `jobs.SubscriptionJobs` with a `models.Room`: who tells households (`Teller`), who
foresees (`Foresee`), and the `Rules`.
"""

from datetime import date
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.replenish.policy import ORDER_LABELS
from zodra_cloud.subscriptions import repository
from zodra_cloud.subscriptions.joining import (
    Source,
    Wanted,
    join,
    of_order,
    of_quote,
    of_slot,
    request,
)
from zodra_cloud.subscriptions.models import (
    Delivery,
    Done,
    LedgerLine,
    Past,
    Said,
    SubscriptionView,
    Told,
)
from zodra_cloud.subscriptions.moves import Loaded, once
from zodra_cloud.subscriptions.policy import commands
from zodra_cloud.subscriptions.policy.commands import Decided
from zodra_cloud.subscriptions.policy.dates import Cadence, Every
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, CycleState, Kind, Status
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.terms import (
    CANCEL_LABELS,
    Channel,
    Follow,
    Item,
    Price,
    Terms,
)
from zodra_cloud.subscriptions.pricing import accept_price, price_terms
from zodra_cloud.subscriptions.views import ledger, subscriptions, view

__all__ = [
    "CANCEL_LABELS",
    "LADDERS_MAX",
    "LIVE",
    "ORDER_LABELS",
    "Cadence",
    "Channel",
    "CycleState",
    "Delivery",
    "Done",
    "Every",
    "Follow",
    "Item",
    "Kind",
    "LedgerLine",
    "Past",
    "Price",
    "Refused",
    "Said",
    "Source",
    "Status",
    "SubscriptionView",
    "Terms",
    "Told",
    "Wanted",
    "Why",
    "accept_price",
    "accept_size",
    "cancel",
    "change_cadence",
    "change_follow",
    "change_quantity",
    "decline_size",
    "join",
    "ledger",
    "of_order",
    "of_quote",
    "of_slot",
    "pause",
    "price_terms",
    "request",
    "reschedule",
    "resume",
    "skip",
    "subscriptions",
    "swap_known",
    "tell_growth",
    "unskip",
    "view",
    "withdraw",
]

LADDERS_MAX: Final = 100


def skip(
    connection: Connection, household_id: str, subscription_id: str, cycle: int, said: Said
) -> Done | Refused:
    """Leave one delivery out."""
    asked = ("skip", cycle)
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        asked,
        lambda at: commands.skip(at.state, cycle),
    )


def unskip(
    connection: Connection, household_id: str, subscription_id: str, cycle: int, said: Said
) -> Done | Refused:
    """Make a delivery after all that was left out."""
    asked = ("unskip", cycle)
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        asked,
        lambda at: commands.unskip(at.state, cycle),
    )


def pause(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    until: date | None,
    said: Said,
) -> Done | Refused:
    """Make no deliveries, until a date or for an open time."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("pause", until),
        lambda at: commands.pause(at.state, until, at.today(said.now)),
    )


def resume(
    connection: Connection, household_id: str, subscription_id: str, said: Said
) -> Done | Refused:
    """Go on after a pause; `Done.events` holds the date of the next delivery."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("resume", None),
        lambda at: commands.resume(at.state, said.now, at.zone),
    )


def reschedule(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    cycle: int,
    on: date,
    said: Said,
    *,
    following: bool = False,
) -> Done | Refused:
    """Move one delivery to another date, alone or with all that follow it."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("reschedule", [cycle, on, following]),
        lambda at: commands.reschedule(
            at.state, cycle, on, following=following, today=at.today(said.now)
        ),
    )


def change_quantity(
    connection: Connection, household_id: str, subscription_id: str, quantity: int, said: Said
) -> Done | Refused:
    """Deliver another number each time; `Done.events` says from which delivery on."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("change_quantity", quantity),
        lambda at: commands.change_quantity(at.state, quantity),
    )


def swap_known(
    connection: Connection, household_id: str, subscription_id: str, item: Item, said: Said
) -> Done | Refused:
    """Deliver another product that a shop has just said it sells; pages use `desk.swap`."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("swap", [item.sku, item.quantity]),
        lambda at: commands.swap(at.state, item),
    )


def change_cadence(
    connection: Connection, household_id: str, subscription_id: str, cadence: Cadence, said: Said
) -> Done | Refused:
    """Deliver more or less often; what was skipped or dated by hand stays."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("change_cadence", [cadence.count, cadence.every]),
        lambda at: commands.change_cadence(at.state, cadence, at.today(said.now)),
    )


def change_follow(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    follow: Follow | None,
    said: Said,
) -> Done | Refused:
    """Let the dates follow the forecast within bounds, or (None) no more."""
    bounds = None if follow is None else [follow.days_min, follow.days_max]
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("change_follow", bounds),
        lambda at: commands.change_follow(at.state, follow),
    )


def tell_growth(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    ladder_id: str | None,
    born_on: date | None,
    said: Said,
) -> Done | Refused:
    """Let larger sizes be proposed, by a ladder of sizes; only the month of birth is kept."""

    def decide(at: Loaded) -> Decided:
        if ladder_id is not None and ladder_id not in repository.ladders(connection, LADDERS_MAX):
            return Refused(Why.UNKNOWN_LADDER, "ladder_id")
        return commands.tell_growth(at.state, ladder_id, born_on, at.today(said.now))

    asked = ("tell_growth", [ladder_id, born_on])
    return once(connection, household_id, subscription_id, said, asked, decide)


def accept_size(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    size: str,
    said: Said,
    *,
    with_cadence: bool = False,
) -> Done | Refused:
    """Take the size that was proposed, from the next delivery on that was not announced yet."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("accept_size", [size, with_cadence]),
        lambda at: commands.accept_size(
            at.state, size, with_cadence=with_cadence, today=at.today(said.now)
        ),
    )


def decline_size(
    connection: Connection, household_id: str, subscription_id: str, size: str, said: Said
) -> Done | Refused:
    """Keep the size."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("decline_size", size),
        lambda at: commands.decline_size(at.state, size, at.today(said.now)),
    )


def cancel(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    *,
    label: str,
    language: str,
    said: Said,
) -> Done | Refused:
    """End the contract: any day, in any channel, with the labelled control where it was joined.

    `Done.events` holds the first day without it. An order that a shop has goes on: it is a
    contract of its own, and can be cancelled as any other until it is shipped.
    """
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("cancel", None),
        lambda at: commands.cancel(at.state, said.channel, label, language, at.today(said.now)),
    )


def withdraw(
    connection: Connection, household_id: str, subscription_id: str, said: Said
) -> Done | Refused:
    """Withdraw from the contract itself; the two steps and the letter are another room's."""
    return once(
        connection,
        household_id,
        subscription_id,
        said,
        ("withdraw", None),
        lambda at: commands.withdraw(at.state, said.channel, at.today(said.now)),
    )
