"""What other rooms hand in and see: the rules, the hooks, who said something, and what is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.store.engine import Database, provided
from zodra_cloud.subscriptions.policy.dates import Cadence
from zodra_cloud.subscriptions.policy.follow import Outlook
from zodra_cloud.subscriptions.policy.ledger.events import Entry, Event, SizeProposed, Why
from zodra_cloud.subscriptions.policy.ledger.state import Growth, State
from zodra_cloud.subscriptions.policy.ledger.states import CycleState, Kind, Status
from zodra_cloud.subscriptions.policy.terms import Channel, Follow, Item, Price, Terms


@dataclass(frozen=True, slots=True)
class Rules:
    """What a new subscription is offered with. What was joined keeps its own terms."""

    country: str = "NL"
    pre_notice_days: int = 3
    """Between telling the household and charging it; at least 1."""
    term_months: int = 0
    cancel_notice_days: int = 0
    withdrawal_days: int = 14
    offer_lifetime: timedelta = timedelta(hours=1)
    lead_days: int = 2
    """Between an order and its arrival, for a cadence that follows the forecast."""
    ask_each_time: bool = False
    """Every delivery is an ordinary quote to confirm: for markets where counsel wants it so."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who asked for something, where, and under which key a repeat of it is none."""

    person_id: str | None
    """None for an operator who writes down what the household asked for."""
    channel: Channel
    key: str
    """Drawn by the caller: once per form, per call, per command."""
    now: datetime
    changes: Changes


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a household is to be told."""

    household_id: str
    subscription_id: str
    number: int
    """Of the event in its ledger: names what is told, so that it is told once."""
    kind: Kind
    event: Event
    state: State
    """As it is when this is told."""
    at: datetime
    """Of the event."""


Teller = Callable[[Connection, Told], bool]
"""Takes over telling a household; called in the commit of an announcement, and by a job for the
rest, which after a crash may call it twice for one number.

It may read, write its own tables and enqueue jobs; it must not wait for anybody outside. False if
it cannot tell this household this: an announcement that nobody sent makes its delivery an ordinary
quote to confirm, so that no charge comes unannounced.
"""

Foresee = Callable[[Connection, str, str, str, datetime], Outlook | None]
"""Gives what is foreseen for a slot (household, device, slot key, instant); None if nothing is."""

TOLD: Final = frozenset(
    {
        Kind.JOINED,
        Kind.CYCLE_ASKED,
        Kind.CYCLE_HELD,
        Kind.CYCLE_PULLED_FORWARD,
        Kind.CYCLE_RESTORED,
        Kind.CYCLE_FAILED,
        Kind.CYCLE_PASSED,
        Kind.CADENCE_CHANGED,
        Kind.RESUMED,
        Kind.SIZE_PROPOSED,
        Kind.PRICE_ACCEPTED,
        Kind.CANCELLED,
        Kind.WITHDRAWN,
        Kind.ENDED,
    }
)
"""Besides `PRE_NOTICE_SENT`. A household is told of what it said itself only where it is proof."""


def nobody_told(_connection: Connection, _told: Told) -> bool:
    """Tell nobody: every delivery is then asked before it is ordered."""
    return False


def nothing_foreseen(
    _connection: Connection, _household: str, _device: str, _slot: str, _now: datetime
) -> Outlook | None:
    """Foresee nothing: no cadence changes by itself."""
    return None


@dataclass(frozen=True, slots=True)
class Room:
    """What `app` hands in, once, on the database handle."""

    rules: Rules = field(default_factory=Rules)
    teller: Teller = nobody_told
    foresee: Foresee = nothing_foreseen


_NAME: Final = "subscriptions"
_BARE: Final = Room()


def furnish(database: Database, room: Room) -> None:
    """Put what was handed in within reach of every unit of work."""
    database.provide(_NAME, room)


def room_of(connection: Connection) -> Room:
    """Give what was handed in; in a process without, as a command, nobody is told."""
    found: Room | None = provided(connection, _NAME)
    return _BARE if found is None else found


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery to come, as a page lists it."""

    cycle: int
    on: date
    state: CycleState
    item: Item
    skipped: bool
    by_hand: bool
    """The household set its date."""
    order_at: datetime | None
    """When it is charged; None until it was announced."""
    expected_minor: int | None
    """What the shop asked when it was announced."""
    may_move: bool


@dataclass(frozen=True, slots=True)
class Past:
    """One delivery that is due or over."""

    cycle: int
    on: date
    state: CycleState
    item: Item
    signal_id: str | None
    """Names its need, and with it the order on the timeline."""
    reason: str
    """A closed name of the replenish room, or `skipped`, `missed`, `held`; empty if all is well."""


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """Everything a page, the support desk or an interface shows of a subscription."""

    subscription_id: str
    device_id: str
    slot_key: str
    status: Status
    reason: str
    item: Item
    """Of the next delivery."""
    price: Price | None
    announced_minor: int | None
    """What the shop asks now, where that is not what was agreed."""
    cadence: Cadence
    follow: Follow | None
    cadence_why: Why
    """Of the last change that a forecast made; empty if there was none."""
    joined_on: date | None
    channel: Channel
    """Where it was joined: there the control to cancel must be."""
    term_ends_on: date | None
    would_end_on: date | None
    """The first day without it, if it were cancelled now."""
    ends_on: date | None
    paused_until: date | None
    withdraw_until: date | None
    """The last day of the right to withdraw; None once that is over."""
    terms: Terms | None
    """As they were shown; to be shown while it waits for the labelled yes."""
    terms_hash: str | None
    """Travels with the form."""
    offer_open: bool
    """Whether the labelled yes can still be said."""
    expires_at: datetime | None
    growth: Growth | None
    """By which sizes larger ones are proposed, and the month of birth; None: none are."""
    proposal: SizeProposed | None
    upcoming: tuple[Delivery, ...]
    past: tuple[Past, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of the ledger, for the support desk and the household's own record."""

    number: int
    kind: Kind
    entry: Entry


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out, now or when it came first."""

    subscription_id: str
    status: Status
    repeated: bool
    events: tuple[Event, ...]
    """What it wrote; empty for a repeat."""
