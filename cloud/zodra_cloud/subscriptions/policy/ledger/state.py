"""Where a subscription stands, as one value that is stored beside its ledger."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from zodra_cloud.subscriptions.policy.dates import Cadence, date_at
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.states import CycleState, Status
from zodra_cloud.subscriptions.policy.terms import Follow, Item, Price, Terms


@dataclass(frozen=True, slots=True)
class Plan:
    """From which delivery and date the others are counted."""

    cycle: int
    on: date
    cadence: Cadence


@dataclass(frozen=True, slots=True)
class Notice:
    """What the household was told of the next charge."""

    cycle: int
    on: date
    order_at: datetime
    total_minor: int | None
    handed_over: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """A delivery that is no longer only planned."""

    state: CycleState
    on: date
    item: Item
    signal_id: str | None
    """Its need; of one pulled forward, the need of the order that came in its place; of one
    that is held, the need that it waits for."""
    reason: str
    within_rule: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """The labelled yes under which deliveries are ordered."""

    person_id: str
    label: str
    language: str
    terms_hash: str


@dataclass(frozen=True, slots=True)
class Growth:
    """Whether sizes are proposed, and what was said about them."""

    ladder_id: str
    born_on: date | None
    declined: dict[str, date]
    """By size, when."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a subscription stands."""

    status: Status
    wish: e.Wish
    created_on: date
    reason: str = ""
    """Why it lapsed; empty otherwise."""
    terms: Terms | None = None
    """As they were shown when it was offered."""
    terms_hash: str | None = None
    expires_at: datetime | None = None
    proof: Proof | None = None
    joined_on: date | None = None
    term_ends_on: date | None = None
    plan: Plan | None = None
    next_cycle: int = 1
    """The first delivery that is not due, passed over or replaced."""
    marks: e.Marks | None = None
    item: Item | None = None
    later: tuple[int, Item] | None = None
    """From which delivery on something else is delivered."""
    price: Price | None = None
    announced_minor: int | None = None
    """What the shop asked last, where that is not what was agreed."""
    follow: Follow | None = None
    cadence_why: e.Why | None = None
    """Of the last change that a forecast made."""
    drift: int = 0
    """Which way the forecast pointed at its last look; see `cadence.look`."""
    looked_cycle: int = 0
    notice: Notice | None = None
    cycles: dict[int, Cycle] | None = None
    paused: bool = False
    paused_until: date | None = None
    ends_on: date | None = None
    growth: Growth | None = None
    proposal: e.SizeProposed | None = None

    @property
    def by_hand(self) -> e.Marks:
        """What the household set by hand for deliveries to come."""
        return self.marks or {}

    @property
    def done(self) -> dict[int, Cycle]:
        """The deliveries that are due, asked, held, or over."""
        return self.cycles or {}

    @property
    def cadence(self) -> Cadence:
        """How often."""
        return self.wish.cadence if self.plan is None else self.plan.cadence

    @property
    def agreed(self) -> Terms:
        """The terms, of a subscription that was offered at least."""
        assert self.terms is not None  # noqa: S101 - the tables let nothing else ask
        return self.terms

    @property
    def counted(self) -> Plan:
        """From what dates are counted, of a subscription that was joined."""
        assert self.plan is not None  # noqa: S101 - the tables let nothing else ask
        return self.plan

    def planned_on(self, cycle: int) -> date:
        """Give the date of a delivery by the cadence alone."""
        plan = self.counted
        return date_at(plan.on, plan.cadence, cycle - plan.cycle)

    def on(self, cycle: int) -> date:
        """Give the date of a delivery, as the household set it or by the cadence."""
        mark = self.by_hand.get(cycle)
        return mark.on if mark is not None and mark.on is not None else self.planned_on(cycle)

    def is_skipped(self, cycle: int) -> bool:
        """Tell whether the household left a delivery out."""
        mark = self.by_hand.get(cycle)
        return mark is not None and mark.skipped

    def item_of(self, cycle: int) -> Item:
        """Give what a delivery brings."""
        item = self.wish.item if self.item is None else self.item
        return self.later[1] if self.later is not None and cycle >= self.later[0] else item


_STATE: Final = TypeAdapter(State)


def to_json(state: State) -> Any:
    """Write a state as JSON values."""
    return _STATE.dump_python(state, mode="json")


def from_json(stored: Any) -> State:
    """Read what `to_json` wrote."""
    return _STATE.validate_python(stored)


def cycle_state(state: State, cycle: int) -> CycleState:
    """Tell where a delivery stands."""
    found = state.done.get(cycle)
    if found is not None:
        return found.state
    if state.notice is not None and state.notice.cycle == cycle:
        return CycleState.NOTICED
    return CycleState.PLANNED
