"""Many households need something at once: prices are asked together, and each for itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from business_builders import FakeShop, press
from cloud_builders import FakeBroker, set_up_home
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.service import TELL_GATEWAY, GatewayTeller
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.merchants.port import QuoteRequest, Refused, ShopQuote, ShopRefusal, Unknown
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.models import At, Rules, StoredQuote
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.runner import JobRunner
from zodra_contract.envelope import read_outcome
from zodra_contract.ids import derived_id

HOMES = [f"hh-{number}" for number in range(6)]
PATIENCE_S = 20.0


def said(household_id: str, purpose: Purpose, act: Any, connection: Connection) -> None:
    act(
        connection,
        household_id,
        purpose,
        person_id="u-1",
        language="en",
        method=Method.PAGE,
        now=SystemClock().now(),
        changes=Changes(),
    )


class Street:
    """Some homes, a shop that does as the test says, and the service's runner."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = SystemClock()
        self.broker = FakeBroker()
        self.shop = FakeShop()
        self.act: Callable[[str], ShopQuote | Refused | Unknown | None] = lambda _household: None
        self._lock = threading.Lock()
        self.asked: list[str] = []
        for number, household_id in enumerate(HOMES):
            set_up_home(database, household_id, f"gw-{number}", self.clock.now())
            with database.write(household_id) as connection:
                said(household_id, Purpose.REPLENISH, consent.grant, connection)

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        (household_id,) = (
            each for each in HOMES if derived_id("b", each) == request.buyer_reference
        )
        instead = self.act(household_id)
        with self._lock:
            self.asked.append(household_id)
            return instead or self.shop.quote(request, now)

    def press_all(self) -> None:
        signal = press(at=self.clock.now())
        for household_id in HOMES:
            with self.database.write(household_id) as connection:
                needs.take_in(connection, household_id, signal, source="gw", now=self.clock.now())

    @contextmanager
    def working(self) -> Iterator[None]:
        shop: Any = self
        replenisher = Replenisher(
            database=self.database,
            clock=self.clock,
            changes=Changes(),
            shop=shop,
            rules=Rules(),
            quotes_at_once=3,
        )
        teller = GatewayTeller(self.database, self.clock, self.broker)
        runner = JobRunner(
            self.database,
            self.clock,
            {**replenisher.handlers(), TELL_GATEWAY: teller},
            "street",
            batches=replenisher.batches(),
            errands={**replenisher.errands(), TELL_GATEWAY: teller},
        )
        runner.start()
        try:
            yield
        finally:
            runner.stop(5.0)

    def stands(self) -> dict[str, str]:
        with self.database.read() as connection:
            return {
                each: needs.recent_signals(connection, each, 1)[0].state.value for each in HOMES
            }

    def open_quotes(self, household_id: str) -> list[StoredQuote]:
        with self.database.read() as connection:
            return replenish.open_quotes(connection, household_id)

    def until(self, expected: dict[str, str]) -> None:
        for _ in range(400):
            if self.stands() == expected:
                return
            threading.Event().wait(0.05)
        assert self.stands() == expected


@pytest.fixture
def street(database: Database) -> Street:
    return Street(database)


ALL_ASKED = dict.fromkeys(HOMES, "asked")


def test_each_home_gets_its_own_quote_and_hears_of_it_once(street: Street) -> None:
    street.press_all()
    with street.working():
        street.until(ALL_ASKED)
        for _ in range(400):
            if len(street.broker.sent) >= len(HOMES):
                break
            threading.Event().wait(0.05)
    for household_id in HOMES:
        (quote,) = street.open_quotes(household_id)
        assert quote.household_id == household_id
        assert quote.snapshot is not None
        assert quote.snapshot_hash == quote.snapshot.sha256()
    told = [(topic.split("/")[1], read_outcome(told).state) for topic, told in street.broker.sent]
    assert sorted(told) == [(household_id, "asked") for household_id in HOMES]
    assert sorted(street.asked) == HOMES
    with street.database.read() as connection:
        for household_id in HOMES:
            assert replenish.balance(connection, household_id).adds_up


def test_a_shop_that_is_slow_for_one_home_holds_up_no_other(street: Street) -> None:
    answer = threading.Event()

    def slow(household_id: str) -> None:
        if household_id == "hh-2":
            assert answer.wait(PATIENCE_S)

    street.act = slow
    street.press_all()
    with street.working():
        street.until(ALL_ASKED | {"hh-2": "received"})
        answer.set()
        street.until(ALL_ASKED)


def test_what_a_shop_says_to_one_home_is_not_said_to_another(street: Street) -> None:
    sold_out = Refused(ShopRefusal.OUT_OF_STOCK)
    street.act = lambda household_id: sold_out if household_id == "hh-1" else None
    street.press_all()
    with street.working():
        street.until(ALL_ASKED | {"hh-1": "refused"})
    assert street.open_quotes("hh-1") == []


def test_one_home_whose_quote_cannot_be_written_fails_alone(
    street: Street,
) -> None:
    def listener(_connection: Connection, quote: StoredQuote, _at: At, /) -> None:
        if quote.household_id == "hh-3" and quote.snapshot is not None:
            raise ValueError("a bug in another room")

    hooks.on_quote(street.database, listener)
    street.press_all()
    with street.working():
        street.until(ALL_ASKED | {"hh-3": "received"})
        for _ in range(400):
            if _quote_job(street, "hh-3").failures:
                break
            threading.Event().wait(0.05)
    assert _quote_job(street, "hh-3").last_error == "ValueError"
    assert _quote_job(street, "hh-4").state == "done"
    assert street.open_quotes("hh-3") == []


def _quote_job(street: Street, household_id: str) -> Any:
    with street.database.read() as connection:
        return connection.execute(
            jobs.jobs.select().where(
                jobs.jobs.c.kind == "quote", jobs.jobs.c.household_id == household_id
            )
        ).one()


def test_a_consent_that_is_withdrawn_while_a_shop_is_asked_shows_no_price(street: Street) -> None:
    def withdraw(household_id: str) -> None:
        if household_id == "hh-5":
            with street.database.write(household_id) as connection:
                said(household_id, Purpose.REPLENISH, consent.withdraw, connection)

    street.act = withdraw
    street.press_all()
    with street.working():
        street.until(ALL_ASKED | {"hh-5": "refused"})
    assert street.open_quotes("hh-5") == []


def test_two_jobs_about_one_need_tell_its_gateway_once(street: Street) -> None:
    street.press_all()
    with street.database.write() as connection:
        for attempt in ("1", "2"):
            for household_id in HOMES[:2]:
                jobs.enqueue(
                    connection,
                    kind=TELL_GATEWAY,
                    key=f"{attempt}:{household_id}",
                    household_id=household_id,
                    payload={"signal_id": press().signal_id},
                    due_at=street.clock.now(),
                )
        claimed = jobs.claim(
            connection,
            owner="w",
            now=street.clock.now(),
            limit=9,
            lease_s=60,
            lane=jobs.Lane(frozenset({TELL_GATEWAY})),
        )
        teller = GatewayTeller(street.database, street.clock, street.broker)
        (errand,) = teller.prepare(connection, claimed)
    assert len(claimed) == 4
    assert [topic for topic, _ in errand.asked] == [
        "down/hh-0/gw-0/outcome",
        "down/hh-1/gw-1/outcome",
    ]
