"""What holds whatever happens: random presses, answers, shop faults and passing time."""

import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from business_builders import HOUSEHOLD, PERSON, Business, lost
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.store.engine import Database

ACTS = [
    "press",
    "press without proof",
    "confirm",
    "confirm twice",
    "decline",
    "still needed",
    "no longer needed",
    "quote gets lost",
    "order gets lost before",
    "order gets lost after",
    "search gets lost",
    "price changes",
    "sold out",
    "back in stock",
    "shop ships",
    "shop delivers",
    "shop cancels",
    "household cancels",
    "wish to cancel gets lost",
    "event",
    "withdraw",
    "grant",
    "a moment",
    "an hour",
]


@dataclass
class Story:
    """One household, and what chance does to it."""

    home: Business
    presses: int = 0
    events: int = 0
    confirmed: set[str] = field(default_factory=set)

    def act(self, name: str) -> None:
        acts: dict[str, Callable[[], object]] = {
            "press": self._press,
            "press without proof": lambda: self._press(authenticated=False),
            "confirm": self._confirm,
            "confirm twice": lambda: (self._confirm(), self._confirm()),
            "decline": lambda: self._answer(self.home.quotes(), needed=False),
            "still needed": lambda: self._answer(self.home.questions(), needed=True),
            "no longer needed": lambda: self._answer(self.home.questions(), needed=False),
            "quote gets lost": lambda: self._fault(self.home.shop.say, "quote"),
            "order gets lost before": lambda: self._fault(self.home.shop.say, "place"),
            "order gets lost after": lambda: self._fault(self.home.shop.after, "place"),
            "search gets lost": lambda: self._fault(self.home.shop.say, "find"),
            "price changes": self._price,
            "sold out": lambda: self.home.shop.sold_out.add("paper-towels-6"),
            "back in stock": lambda: self.home.shop.sold_out.clear(),
            "shop ships": lambda: self._advance(ShopOrderState.SHIPPED),
            "shop delivers": lambda: self._advance(ShopOrderState.DELIVERED),
            "shop cancels": lambda: self._advance(ShopOrderState.CANCELLED),
            "household cancels": self._cancel,
            "wish to cancel gets lost": lambda: self._fault(self.home.shop.after, "cancel"),
            "event": self._event,
            "withdraw": lambda: self.home.say_consent(Purpose.REPLENISH, granted=False),
            "grant": lambda: self.home.say_consent(Purpose.REPLENISH, granted=True),
            "a moment": lambda: self.home.wait(5),
            "an hour": lambda: self.home.wait(3_600),
        }
        acts[name]()

    def _press(self, *, authenticated: bool = True) -> None:
        self.presses += 1
        self.home.press(self.presses, authenticated=authenticated)

    def _confirm(self) -> None:
        for quote in self.home.quotes():
            said = self.home.confirm(quote)
            if isinstance(said, Confirmed):
                self.confirmed.add(said.order_key)

    def _answer(self, waiting: list[replenish.StoredQuote], *, needed: bool) -> None:
        for quote in waiting:
            with self.home.database.write(HOUSEHOLD) as connection:
                replenish.answer(
                    connection,
                    HOUSEHOLD,
                    quote.quote_id,
                    needed=needed,
                    person_id=PERSON,
                    now=self.home.clock.now(),
                    changes=self.home.changes,
                )

    def _fault(self, faults: dict[str, list[Callable[[], object]]], verb: str) -> None:
        faults.setdefault(verb, []).append(lost)

    def _price(self) -> None:
        self.home.shop.price_minor += 1

    def _advance(self, state: ShopOrderState) -> None:
        for key, order in self.home.shop.orders.items():
            if order.state is ShopOrderState.PLACED:
                self.home.shop.advance(key, state)

    def _cancel(self) -> None:
        for key in self.confirmed:
            with self.home.database.write(HOUSEHOLD) as connection:
                replenish.cancel(
                    connection,
                    HOUSEHOLD,
                    key,
                    person_id=PERSON,
                    now=self.home.clock.now(),
                    changes=self.home.changes,
                )

    def _event(self) -> None:
        for order in self.home.shop.orders.values():
            self.events += 1
            self.home.replenisher.hear_event(order, f"ev-{self.events}", self.home.clock.now())

    def check(self) -> None:
        balance = self.home.balance()
        assert balance.needs == self.presses
        counted = (
            balance.ordered + balance.asked + balance.refused + balance.expired + balance.pending
        )
        assert counted == balance.needs
        assert balance.ordered == balance.orders, balance
        # Nothing was ordered that the household did not confirm.
        assert set(self.home.shop.orders) <= self.confirmed

    def let_it_end(self) -> None:
        """Give every timer its time, with a shop that works and an operator who looks."""
        self.home.shop.say.clear()
        self.home.shop.after.clear()
        for _step in range(4):
            self.home.wait(15)
            self._advance(ShopOrderState.DELIVERED)
            self.home.wait(2 * 3_600)
        self._settle()
        self.home.wait(25 * 3_600)

    def _settle(self) -> None:
        """Do the operator's part: the shop was asked at leisure, so what is left it has not."""
        with self.home.database.read() as connection:
            unclear = replenish.unclear_orders(connection)
        for order in unclear:
            assert order.order_key not in self.home.shop.orders
            with self.home.database.write(HOUSEHOLD) as connection:
                replenish.settle(
                    connection,
                    HOUSEHOLD,
                    order.order_key,
                    now=self.home.clock.now(),
                    changes=self.home.changes,
                )


@pytest.fixture(scope="module")
def template(sqlite_template: Path) -> Path:
    return sqlite_template


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=st.lists(st.sampled_from(ACTS), max_size=25), works=st.booleans())
def test_whatever_happens_the_balance_adds_up_and_every_need_ends(
    template: Path, story: list[str], works: bool
) -> None:
    with TemporaryDirectory() as folder:
        shutil.copy(template, Path(folder) / "cloud.db")
        database = Database.open(f"sqlite:///{folder}/cloud.db")
        told = Story(Business(database).set_up(Purpose.REPLENISH))
        for act in story:
            told.act(act)
            if works:
                told.home.do_jobs()
            told.check()
        told.let_it_end()
        told.check()
        balance = told.home.balance()
        database.close()
    assert (balance.pending, balance.asked, balance.unclear) == (0, 0, 0), balance


def test_two_clicks_at_once_make_one_order(database: Database) -> None:
    home = Business(database).set_up(Purpose.REPLENISH)
    home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    together, said = threading.Barrier(4), []

    def click() -> None:
        together.wait()
        said.append(home.confirm(quote))

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    home.do_jobs()
    assert Counter(type(each) for each in said) == {Confirmed: 4}
    assert len(set(said)) == 1
    assert (home.count("orders"), len(home.shop.orders)) == (1, 1)


def test_a_child_that_presses_all_afternoon_gets_one_question(database: Database) -> None:
    home = Business(database).set_up(Purpose.REPLENISH)
    for counter in range(40):
        home.press(counter)
    home.do_jobs(1_000)
    assert (home.count("quotes"), home.shop.asked.count("quote")) == (1, 1)
    assert home.balance().asked == 40
    home.confirm(home.quotes()[0])
    home.do_jobs(1_000)
    assert len(home.shop.orders) == 1
    assert (home.balance().ordered, home.balance().held) == (1, 39)
