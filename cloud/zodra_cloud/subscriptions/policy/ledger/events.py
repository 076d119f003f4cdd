"""What happened to a subscription: one value per event, with the facts that it is folded from.

Facts are whole: an event says the result, not the wish, so that a ledger written under an older
rule folds to what it meant then.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from zodra_cloud.subscriptions.policy.dates import Cadence
from zodra_cloud.subscriptions.policy.terms import Channel, Follow, Item, Price, Terms

Why = dict[str, str | int | float | None]
"""The facts behind a change that a forecast made, enough for a page to say why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a household would like delivered, before a shop said what it costs."""

    device_id: str
    slot_key: str
    item: Item
    currency: str
    cadence: Cadence
    first_on: date | None
    """None: as soon as the pre-notice allows."""
    ceiling_minor: int | None
    """The most that one delivery may cost without asking; None: what it costs when it joins."""
    follow: Follow | None
    channel: Channel


@dataclass(frozen=True, slots=True)
class Mark:
    """What the household set by hand for one delivery; no other change wipes it."""

    planned_on: date
    """Its date when it was marked."""
    on: date | None
    """The date that the household chose; None if it did not."""
    skipped: bool


Marks = dict[int, Mark]
"""By the number of the delivery."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The household asked for the terms of a subscription."""

    wish: Wish
    created_on: date


@dataclass(frozen=True, slots=True)
class Offered:
    """A shop said what it costs; the terms wait for a labelled yes."""

    terms: Terms
    terms_hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Lapsed:
    """It was never joined."""

    reason: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The labelled yes, as proof: its literal words, and the hash of what was shown."""

    person_id: str
    channel: Channel
    label: str
    language: str
    terms_hash: str
    joined_on: date
    term_ends_on: date


@dataclass(frozen=True, slots=True)
class Skipped:
    """One delivery is left out."""

    cycle: int
    on: date


@dataclass(frozen=True, slots=True)
class Unskipped:
    """It is made after all."""

    cycle: int


@dataclass(frozen=True, slots=True)
class Paused:
    """No deliveries, until a date or until the household says so."""

    until: date | None


@dataclass(frozen=True, slots=True)
class Resumed:
    """Deliveries go on; what was set by hand and lies ahead is kept."""

    cycle: int
    on: date
    marks: Marks


@dataclass(frozen=True, slots=True)
class Rescheduled:
    """One delivery moved; with `following`, all after it move along."""

    cycle: int
    planned_on: date
    on: date
    following: bool
    marks: Marks


@dataclass(frozen=True, slots=True)
class QuantityChanged:
    """From one delivery on, as many."""

    quantity: int
    from_cycle: int


@dataclass(frozen=True, slots=True)
class Swapped:
    """From one delivery on, another product or size."""

    item: Item
    from_cycle: int
    size: str | None
    """The size's name, if this accepts one that was proposed."""


@dataclass(frozen=True, slots=True)
class CadenceChanged:
    """Another cadence, counted from one delivery and its date."""

    before: Cadence
    after: Cadence
    cycle: int
    on: date
    marks: Marks
    why: Why
    """Empty if the household changed it."""


@dataclass(frozen=True, slots=True)
class FollowChanged:
    """Whether, and how far, the dates may follow the forecast."""

    follow: Follow | None


@dataclass(frozen=True, slots=True)
class ForecastLooked:
    """The forecast would change the cadence, but not yet: it has to say so twice."""

    cycle: int
    direction: int
    """1 for longer, -1 for shorter, 0 for neither."""
    wanted_days: float


@dataclass(frozen=True, slots=True)
class GrowthTold:
    """Sizes are to be proposed as a child grows, by the ladder of its product."""

    ladder_id: str | None
    """None: no more."""
    born_on: date | None
    """The first of the month of birth, if the household wanted to say it."""


@dataclass(frozen=True, slots=True)
class SizeProposed:
    """Another size may fit better; nothing changes until the household says so."""

    size: str
    item: Item
    cadence: Cadence | None
    """That would keep up with it, as fewer are used a day and packs hold another number."""
    why: Why


@dataclass(frozen=True, slots=True)
class SizeDeclined:
    """The household keeps its size."""

    size: str
    on: date


@dataclass(frozen=True, slots=True)
class PreNoticeSent:
    """The household was told of one charge: what, when and at most how much."""

    cycle: int
    on: date
    order_at: datetime
    """Not before this instant is it charged."""
    item: Item
    total_minor: int | None
    """What the shop asks today; None if it did not answer."""
    handed_over: bool
    """False if nobody could tell it; then the delivery is asked as an ordinary quote."""


@dataclass(frozen=True, slots=True)
class PriceAnnounced:
    """The shop asks another price than the one agreed."""

    cycle: int
    total_minor: int
    above_rule: bool
    """Above the ceiling: that delivery is asked as an ordinary quote, never ordered silently."""


@dataclass(frozen=True, slots=True)
class PriceAccepted:
    """A labelled yes to another price rule, with its proof."""

    price: Price
    label: str
    language: str
    terms_hash: str


@dataclass(frozen=True, slots=True)
class CycleDue:
    """The need of one delivery was made."""

    cycle: int
    on: date
    signal_id: str
    item: Item
    within_rule: bool
    """Whether the contract covers it: it was announced, and the market lets it be ordered."""


@dataclass(frozen=True, slots=True)
class CycleAsked:
    """Its quote waits for the household."""

    cycle: int
    reason: str


@dataclass(frozen=True, slots=True)
class CycleHeld:
    """Something else is under way for the slot."""

    cycle: int
    behind: str
    """The need that it waits for."""


@dataclass(frozen=True, slots=True)
class CycleOrdered:
    """A shop has the order."""

    cycle: int


@dataclass(frozen=True, slots=True)
class CyclePulledForward:
    """An order of the household's own came in place of it; it is not charged again."""

    cycle: int
    signal_id: str


@dataclass(frozen=True, slots=True)
class CycleRestored:
    """That order came to nothing, in time for the delivery to be made as planned."""

    cycle: int


@dataclass(frozen=True, slots=True)
class CycleFailed:
    """Nothing was ordered, or the order came to nothing; the next one keeps its date."""

    cycle: int
    reason: str


@dataclass(frozen=True, slots=True)
class CyclePassed:
    """Deliveries that were not made: skipped by hand, or missed while nothing worked."""

    cycle: int
    through: int
    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """By whom is the event's; where and with which words is here."""

    channel: Channel
    label: str
    language: str
    ends_on: date
    """The first day on which it is no more."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The household withdrew from the contract within its withdrawal period."""

    channel: Channel
    on: date


@dataclass(frozen=True, slots=True)
class Ended:
    """Its last day is over."""

    on: date


Event = (
    Requested
    | Offered
    | Lapsed
    | Joined
    | Skipped
    | Unskipped
    | Paused
    | Resumed
    | Rescheduled
    | QuantityChanged
    | Swapped
    | CadenceChanged
    | FollowChanged
    | ForecastLooked
    | GrowthTold
    | SizeProposed
    | SizeDeclined
    | PreNoticeSent
    | PriceAnnounced
    | PriceAccepted
    | CycleDue
    | CycleAsked
    | CycleHeld
    | CycleOrdered
    | CyclePulledForward
    | CycleRestored
    | CycleFailed
    | CyclePassed
    | Cancelled
    | Withdrawn
    | Ended
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the ledger, with when and by whom."""

    event: Event
    at: datetime
    by: str | None = None
    """The person; None for the service itself."""
    channel: Channel = field(default=Channel.SERVICE)
