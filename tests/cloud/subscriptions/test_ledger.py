"""Whatever a household does and however the time goes, the ledger keeps its promises."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zodra_cloud.subscriptions.policy import commands, follow, steps
from zodra_cloud.subscriptions.policy.dates import (
    Cadence,
    Every,
    add_months,
    local_date,
    nearest_step,
)
from zodra_cloud.subscriptions.policy.follow import Outlook
from zodra_cloud.subscriptions.policy.ledger import codec, folding
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import State, from_json, to_json
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, CycleState, Kind
from zodra_cloud.subscriptions.policy.refusals import Refused
from zodra_cloud.subscriptions.policy.terms import Channel, Follow, Item, Price, Terms

ZONE = ZoneInfo("Europe/Amsterdam")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ITEM = Item("diapers-4", 2, {"": "Diapers"})
BOUNDS = Follow(7, 120)


def terms_of(cadence: Cadence, bounds: Follow | None, notice_days: int, months: int) -> Terms:
    return Terms(
        subscription_id="su_1",
        device_id="btn",
        slot_key="diapers",
        merchant_id="m",
        merchant_name="M",
        item=ITEM,
        unit_price_minor=1_000,
        shipping_minor=295,
        vat_minor=400,
        price=Price(2_295, 2_295, "EUR"),
        cadence=cadence,
        first_on=date(2026, 11, 30),
        time_zone="Europe/Amsterdam",
        term_months=months,
        cancel_notice_days=notice_days,
        pre_notice_days=3,
        follow=bounds,
        withdrawal_days=14,
        returns_days=14,
        returns_sealed_only=False,
        terms_url=None,
        returns_url=None,
        channel=Channel.PAGE,
    )


@dataclass
class Life:
    """One subscription without a database: commands, and a clock that goes where it likes."""

    terms: Terms
    now: datetime = START
    entries: list[e.Entry] = field(default_factory=list)
    state: State | None = None
    outlook: Outlook | None = None

    def __post_init__(self) -> None:
        terms = self.terms
        wish = e.Wish(
            "btn", "diapers", ITEM, "EUR", terms.cadence, None, None, terms.follow, Channel.PAGE
        )
        self.write(e.Requested(wish, self.today))
        self.write(e.Offered(terms, terms.sha256(), self.now + timedelta(hours=1)))
        ends = add_months(self.today, terms.term_months)
        yes = e.Joined("u", Channel.PAGE, "l", "en", terms.sha256(), self.today, ends)
        self.write(yes)

    @property
    def today(self) -> date:
        return local_date(self.now, ZONE)

    @property
    def stands(self) -> State:
        assert self.state is not None
        return self.state

    def write(self, event: e.Event) -> None:
        entry = e.Entry(event, self.now, "u", Channel.PAGE)
        self.state = folding.fold(self.state, entry)
        self.entries.append(entry)

    def obey(self, decided: commands.Decided) -> bool:
        if isinstance(decided, Refused):
            return False
        for event in decided:
            self.write(event)
        return True

    def tick(self) -> None:
        """Do what is due, as the job does, with a shop that always has it."""
        for _ in range(400):
            step = steps.next_step(self.stands, self.now, ZONE)
            if isinstance(step, steps.LookAt):
                assert step.at is None or step.at > self.now
                return
            if isinstance(step, steps.Write):
                self.write(step.event)
            elif isinstance(step, steps.Review):
                looked = follow.look(self.stands, step.cycle, self.outlook, 2, self.today)
                for event in looked:
                    self.write(event)
            elif isinstance(step, steps.SendNotice):
                self.announce(step.cycle)
            elif isinstance(step, steps.MakeNeed):
                self.make(step.cycle)
        raise AssertionError("steps without end")

    def announce(self, cycle: int) -> None:
        state = self.stands
        at = steps.order_at(state, cycle, self.now, ZONE)
        self.write(e.PreNoticeSent(cycle, state.on(cycle), at, state.item_of(cycle), 2_295, True))

    def make(self, cycle: int) -> None:
        state = self.stands
        item = state.item_of(cycle)
        self.write(e.CycleDue(cycle, state.on(cycle), f"s-{cycle}", item, True))
        self.write(e.CycleOrdered(cycle))

    def check(self) -> None:
        state = self.stands
        assert folding.replay(self.entries) == state
        assert from_json(to_json(state)) == state
        for entry in self.entries[-3:]:
            kind = codec.kind_of(entry.event)
            assert codec.from_facts(kind, codec.to_facts(entry.event)) == entry.event
        due = [each.event for each in self.entries if isinstance(each.event, e.CycleDue)]
        numbers = [event.cycle for event in due]
        assert len(numbers) == len(set(numbers))
        assert numbers == sorted(numbers)
        self._check_each_charge()

    def _check_each_charge(self) -> None:
        """Announced long enough before, never skipped, never after the end, never in a pause."""
        told: dict[int, tuple[datetime, e.PreNoticeSent]] = {}
        paused, ends_on = False, date.max
        for entry in self.entries:
            event = entry.event
            if isinstance(event, e.PreNoticeSent):
                told[event.cycle] = (entry.at, event)
            elif isinstance(event, e.Paused | e.Resumed):
                paused = isinstance(event, e.Paused)
            elif isinstance(event, e.Cancelled | e.Withdrawn):
                ends_on = event.ends_on if isinstance(event, e.Cancelled) else event.on
            elif isinstance(event, e.CycleDue):
                sent_at, notice = told[event.cycle]
                assert entry.at >= notice.order_at >= sent_at + timedelta(days=3)
                assert not paused
                assert local_date(entry.at, ZONE) < ends_on


ACTS = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 40 * 24)),
    st.tuples(st.just("jump"), st.integers(-300, 400)),
    st.tuples(st.just("skip"), st.integers(0, 3)),
    st.tuples(st.just("unskip"), st.integers(0, 3)),
    st.tuples(st.just("move"), st.integers(0, 2), st.integers(-3, 60), st.booleans()),
    st.tuples(st.just("pause"), st.one_of(st.none(), st.integers(-2, 90))),
    st.tuples(st.just("resume")),
    st.tuples(st.just("quantity"), st.integers(-1, 120)),
    st.tuples(st.just("cadence"), st.integers(0, 60)),
    st.tuples(st.just("foresee"), st.floats(1, 90)),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("withdraw")),
)


def act(life: Life, name: str, *args: Any) -> None:
    state, today = life.stands, life.today
    if name == "wait":
        life.now += timedelta(hours=args[0])
    elif name == "jump":
        life.now += timedelta(days=args[0])
    elif name in ("skip", "unskip"):
        command = commands.skip if name == "skip" else commands.unskip
        life.obey(command(state, state.next_cycle + args[0]))
    elif name == "move":
        cycle = state.next_cycle + args[0]
        on = state.on(cycle) + timedelta(days=args[1])
        life.obey(commands.reschedule(state, cycle, on, following=args[2], today=today))
    elif name == "pause":
        until = None if args[0] is None else today + timedelta(days=args[0])
        life.obey(commands.pause(state, until, today))
    elif name == "resume":
        life.obey(commands.resume(state, life.now, ZONE))
    elif name == "quantity":
        life.obey(commands.change_quantity(state, args[0]))
    elif name == "foresee":
        life.outlook = Outlook({0.25: args[0]}, True, 0.9, 8, args[0], "rate")
    else:
        act_on_contract(life, name, *args)


def act_on_contract(life: Life, name: str, *args: Any) -> None:
    state, today = life.stands, life.today
    if name == "cadence":
        check_cadence(life, Cadence(args[0], Every.DAYS))
    elif name == "cancel":
        label = "cancel subscription"
        life.obey(commands.cancel(state, Channel.PAGE, label, "en", today))
    else:
        life.obey(commands.withdraw(state, Channel.PAGE, today))


def check_cadence(life: Life, cadence: Cadence) -> None:
    """A change of cadence leaves what was skipped and dated by hand as it was."""
    before, today = life.stands, life.today
    if not life.obey(commands.change_cadence(before, cadence, today)):
        return
    after = life.stands
    for cycle, mark in before.by_hand.items():
        if mark.on is not None and mark.on >= today:
            dates = {after.on(number) for number in after.by_hand}
            assert mark.on in dates
        if mark.skipped and mark.planned_on >= today:
            plan = after.counted
            near = plan.cycle + nearest_step(plan.on, plan.cadence, mark.planned_on)
            kept = after.is_skipped(near) or after.is_skipped(near + 1)
            assert kept or after.is_skipped(cycle) or near == plan.cycle


@settings(max_examples=150, deadline=None)
@given(
    days=st.integers(7, 60),
    bounds=st.sampled_from([None, BOUNDS]),
    notice_days=st.sampled_from([0, 14, 31]),
    months=st.sampled_from([0, 1, 12]),
    acts=st.lists(ACTS, max_size=25),
)
def test_the_ledger_keeps_its_promises(
    days: int, bounds: Follow | None, notice_days: int, months: int, acts: list[tuple[Any, ...]]
) -> None:
    life = Life(terms_of(Cadence(days, Every.DAYS), bounds, notice_days, months))
    for each in acts:
        act(life, *each)
        if life.stands.status in LIVE:
            life.tick()
        life.check()


@pytest.mark.parametrize("days", [10, 14, 21, 35, 45])
def test_another_cadence_leaves_out_the_delivery_nearest_to_the_one_that_was_skipped(
    days: int,
) -> None:
    life = Life(terms_of(Cadence(28, Every.DAYS), None, 0, 0))
    act(life, "skip", 3)
    skipped_on = life.stands.on(4)
    act(life, "cadence", days)
    state = life.stands
    assert state.cadence.days == days
    left_out = [state.on(number) for number in range(1, 20) if state.is_skipped(number)]
    assert len(left_out) == 1
    assert abs((left_out[0] - skipped_on).days) <= days / 2


def test_every_kind_of_event_is_in_the_ledgers_table() -> None:
    for kind in Kind:
        assert codec._TYPES[kind] is not None
    assert {each.value for each in CycleState} >= {"due", "held", "ordered"}
