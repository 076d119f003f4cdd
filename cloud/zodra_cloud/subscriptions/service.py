"""Standing deliveries, for pages, interfaces, the support desk and other rooms.

Every function works inside the caller's unit of work, opened as `Database.write(household_id)`
(reads: `Database.read()`); the household comes from the session. A command is a `Wish`, made by
`skip`, `pause`, `cancel`, ..., and carried out by `act` with a `Said`: who, where, when, and a key
under which a repeat changes nothing. It gives `Done`, or `Refused` with a reason of the closed list
`Why`, the field, and the rule.

The way in: `of_slot`, `of_order` or `of_quote` say what is delivered; `request` asks for terms;
the room's job asks the shop what it costs; `view(...).terms` and `terms_hash` are shown beside the
labelled control (`ORDER_LABELS`); `join` takes the yes. What needs a shop's answer first (`swap`)
is in `desk`, outside any unit of work.

`app` makes `jobs.SubscriptionJobs` with a `models.Room`: who tells households (`Teller`), who
foresees (`Foresee`), and the `Rules`.
"""

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
from zodra_cloud.subscriptions.policy.wishes import (
    Moment,
    Wish,
    accept_size,
    cancel,
    change_cadence,
    change_follow,
    change_quantity,
    decline_size,
    pause,
    reschedule,
    resume,
    skip,
    swap_known,
    tell_growth,
    unskip,
    withdraw,
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
    "Wish",
    "accept_price",
    "accept_size",
    "act",
    "cancel",
    "change_cadence",
    "change_follow",
    "change_quantity",
    "decline_size",
    "join",
    "ladder_of",
    "ladders",
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


def act(
    connection: Connection, household_id: str, subscription_id: str, wish: Wish, said: Said
) -> Done | Refused:
    """Carry out a command once: under the same key again, it changes nothing more."""

    def decide(at: Loaded) -> Decided:
        return wish.decide(
            Moment(
                state=at.state,
                now=said.now,
                today=at.today(said.now),
                zone=at.zone,
                channel=said.channel,
                ladders=lambda: ladders(connection),
            )
        )

    asked = (wish.name, wish.asked)
    return once(connection, household_id, subscription_id, said, asked, decide)


def ladder_of(connection: Connection, sku: str) -> str | None:
    """Name the ladder on which a product has a larger size; None if there is none."""
    for ladder_id, sizes in repository.ladders(connection, LADDERS_MAX).items():
        if sku in [each["sku"] for each in sizes[:-1]]:
            return ladder_id
    return None


def ladders(connection: Connection) -> list[str]:
    """Name the ladders of sizes that larger ones can be proposed by."""
    return sorted(repository.ladders(connection, LADDERS_MAX))
