"""A household that may order, a shop in memory that keeps its word, and jobs done one by one."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from cloud_builders import NOON, FakeBroker, FakeClock, set_up_home
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.errors import LeaseLost, RetryLater
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.ingest.repository.intake import NeedValues, insert_needs
from zodra_cloud.ingest.service import DECIDE, TELL_GATEWAY, GatewayTeller
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    Refused,
    ShopFault,
    ShopOrder,
    ShopOrderState,
    ShopQuote,
    ShopRefund,
    ShopRefusal,
    Unknown,
)
from zodra_cloud.offers.jobs import OfferJobs
from zodra_cloud.offers.policy import Rules as OfferRules
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.models import Confirmed, NotConfirmed, Rules
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_contract.ids import press_id
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality

HOUSEHOLD = "hh-1"
PERSON = "u-1"


@dataclass
class FakeShop:
    """A shop as its surface promises; `say` makes the next answers something else."""

    price_minor: int = 799
    sold_out: set[str] = field(default_factory=set)
    sessions: dict[str, tuple[QuoteRequest, int]] = field(default_factory=dict)
    orders: dict[str, ShopOrder] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    say: dict[str, list[Callable[[], Any]]] = field(default_factory=dict)
    """By verb: what to answer instead, once each. A callable may raise."""
    after: dict[str, list[Callable[[], Any]]] = field(default_factory=dict)
    """By verb: what to answer instead, once each, after the shop has done what was asked."""

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        return self._answer("quote", lambda: self._quote(request, now))

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        return self._answer("place", lambda: self._place(session_id, order_key, expected_total))

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        found = [each for each in self.orders.values() if each.order_id == order_id]
        return self._answer("order", lambda: found[0])

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        nothing = Refused(ShopRefusal.ORDER_NOT_FOUND)
        return self._answer("find", lambda: self.orders.get(reference, nothing))

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        raise NotImplementedError

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        return self._answer("cancel", lambda: self._cancel(order_id))

    def _cancel(self, order_id: str) -> ShopOrder | Refused:
        (key,) = (key for key, each in self.orders.items() if each.order_id == order_id)
        if self.orders[key].state in (ShopOrderState.SHIPPED, ShopOrderState.DELIVERED):
            return Refused(ShopRefusal.TOO_LATE)
        return self.advance(key, ShopOrderState.CANCELLED)

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        raise NotImplementedError

    def _answer(self, verb: str, do: Callable[[], Any]) -> Any:
        self.asked.append(verb)
        if self.say.get(verb):
            return self.say[verb].pop(0)()
        answer = do()
        return self.after[verb].pop(0)() if self.after.get(verb) else answer

    def _quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused:
        if request.sku in self.sold_out:
            return Refused(ShopRefusal.OUT_OF_STOCK)
        session_id = f"cs_{len(self.sessions) + 1}"
        total = self.price_minor * request.quantity + 295
        self.sessions[session_id] = (request, total)
        return ShopQuote(
            session_id=session_id,
            merchant_id="demo-shop",
            merchant_name="Demo shop",
            titles={"": "Paper towels", "nl": "Keukenpapier"},
            sku=request.sku,
            quantity=request.quantity,
            currency=request.currency,
            unit_price_minor=self.price_minor,
            goods_minor=self.price_minor * request.quantity,
            shipping_minor=295,
            vat_minor=190,
            total_minor=total,
            delivery_title="Standard",
            delivery_from_at=now + timedelta(days=1),
            delivery_to_at=now + timedelta(days=2),
            returns_days=14,
            returns_sealed_only=False,
            terms_url=None,
            returns_url=None,
            expires_at=now + timedelta(minutes=15),
        )

    def _place(self, session_id: str, key: str, expected: Money) -> ShopOrder | Refused:
        if key in self.orders:
            return self.orders[key]
        request, _total = self.sessions[session_id]
        if request.sku in self.sold_out:
            return Refused(ShopRefusal.OUT_OF_STOCK)
        today = Money(self.price_minor * request.quantity + 295, request.currency)
        if today != expected:
            return Refused(ShopRefusal.PRICE_CHANGED)
        self.orders[key] = ShopOrder(
            order_id=f"ord_{len(self.orders) + 1}",
            reference=key,
            state=ShopOrderState.PLACED,
            revision=1,
            total=today,
            delivery_from_at=None,
            delivery_to_at=None,
            carrier=None,
            tracking_url=None,
            cancel_reason=None,
        )
        return self.orders[key]

    def advance(self, key: str, state: ShopOrderState) -> ShopOrder:
        before = self.orders[key]
        self.orders[key] = replace(before, state=state, revision=before.revision + 1)
        return self.orders[key]


def lost() -> Unknown:
    """No answer came."""
    return Unknown(ShopFault.TIMEOUT)


@dataclass
class Business:
    """The rooms put together as the service does it, with time and shop in the test's hand."""

    database: Database
    clock: Any = field(default_factory=FakeClock)
    shop: Any = field(default_factory=FakeShop)
    broker: FakeBroker = field(default_factory=FakeBroker)
    changes: Changes = field(default_factory=Changes)
    rules: Rules = field(default_factory=Rules)
    offer_rules: OfferRules = field(default_factory=OfferRules)
    owner: str = "worker"

    def __post_init__(self) -> None:
        offers = OfferJobs(
            database=self.database, clock=self.clock, changes=self.changes, rules=self.offer_rules
        )
        self.replenisher = Replenisher(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            shop=self.shop,
            rules=self.rules,
            unbound=offers.consider,
        )
        self.handlers = {
            TELL_GATEWAY: GatewayTeller(self.database, self.clock, self.broker),
            **self.replenisher.handlers(),
            **offers.handlers(),
        }

    def set_up(self, *purposes: Purpose) -> "Business":
        set_up_home(self.database, HOUSEHOLD)
        for purpose in purposes:
            self.say_consent(purpose, granted=True)
        return self

    def say_consent(self, purpose: Purpose, *, granted: bool) -> None:
        act = consent.grant if granted else consent.withdraw
        with self.database.write(HOUSEHOLD) as connection:
            act(
                connection,
                HOUSEHOLD,
                purpose,
                person_id=PERSON,
                language="en",
                method=Method.PAGE,
                now=self.clock.now(),
                changes=self.changes,
            )

    def hear(self, signal: NeedSignal) -> str:
        """Store a need with its job, as the ingest does."""
        now = self.clock.now()
        with self.database.write() as connection:
            for row in insert_needs(connection, [NeedValues(HOUSEHOLD, "gw-1", signal)], now):
                jobs.enqueue(
                    connection,
                    kind=DECIDE,
                    key=f"{DECIDE}:{HOUSEHOLD}:{row.signal.signal_id}",
                    household_id=HOUSEHOLD,
                    payload={"signal_id": row.signal.signal_id},
                    due_at=now,
                )
        return signal.signal_id

    def press(self, counter: int = 1, **facts: Any) -> str:
        return self.hear(press(counter, self.clock.now(), **facts))

    def do_jobs(self, limit: int = 200) -> int:
        """Do every job that is due, one by one, until none is."""
        done = 0
        while done < limit:
            with self.database.write() as connection:
                claimed = jobs.claim(
                    connection, owner=self.owner, now=self.clock.now(), limit=1, lease_s=60
                )
            if not claimed:
                return done
            self.do(claimed[0])
            done += 1
        raise AssertionError("jobs without end")

    def do(self, job: jobs.Job) -> None:
        try:
            self.handlers[job.kind](job)
        except (RetryLater, LeaseLost) as again:
            raise AssertionError(f"{job.kind}: {again}") from again
        with self.database.write() as connection:
            if jobs.still_leased(connection, job):
                jobs.finish(connection, job, self.clock.now())

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.do_jobs()

    def need(self, signal_id: str) -> StoredSignal:
        with self.database.read() as connection:
            return needs.signal(connection, HOUSEHOLD, signal_id)

    def stands(self, signal_id: str) -> tuple[str, str]:
        need = self.need(signal_id)
        return need.state.value, need.reason

    def quotes(self) -> list[replenish.StoredQuote]:
        with self.database.read() as connection:
            return replenish.open_quotes(connection, HOUSEHOLD)

    def questions(self) -> list[replenish.StoredQuote]:
        with self.database.read() as connection:
            return replenish.open_questions(connection, HOUSEHOLD)

    def confirm(self, quote: replenish.StoredQuote, **said: Any) -> Confirmed | NotConfirmed:
        facts: dict[str, Any] = {
            "snapshot_hash": quote.snapshot_hash,
            "label": "Order with obligation to pay",
            "language": "en",
            "person_id": PERSON,
            "now": self.clock.now(),
            "changes": self.changes,
        }
        household_id = said.pop("household_id", HOUSEHOLD)
        with self.database.write(household_id) as connection:
            return replenish.confirm(connection, household_id, quote.quote_id, **(facts | said))

    def order(self, key: str) -> replenish.OrderView:
        with self.database.read() as connection:
            return replenish.order(connection, HOUSEHOLD, key)

    def balance(self) -> replenish.Balance:
        with self.database.read() as connection:
            return replenish.balance(connection, HOUSEHOLD)

    def count(self, table: str) -> int:
        with self.database.read() as connection:
            return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def press(counter: int = 1, at: datetime = NOON, **facts: Any) -> NeedSignal:
    return signal(
        signal_id=press_id("btn-kitchen", f"enc-1-{counter}", 0, "press"),
        occurred_at=at,
        **({"evidence": {"event": "press"}} | facts),
    )


def signal(
    *,
    signal_id: str,
    occurred_at: datetime = NOON,
    device_id: str = "btn-kitchen",
    slot_key: str = "button-1",
    kind: SignalKind = SignalKind.PRESS,
    error_ms: int = 100,
    evidence: dict[str, int | float | str] | None = None,
    authenticated: bool = True,
) -> NeedSignal:
    return NeedSignal(
        signal_id=signal_id,
        device_id=device_id,
        slot_key=slot_key,
        kind=kind,
        occurred_at=occurred_at,
        time=TimeNote(
            boot_id="boot-1", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=error_ms
        ),
        evidence=evidence or {},
        authenticated=authenticated,
    )


def filter_due(number: int = 1, at: datetime = NOON) -> NeedSignal:
    """The thermostat's filter has run for as long as it should."""
    return signal(
        signal_id=f"s-filter-{number}",
        occurred_at=at,
        device_id="trv-living",
        slot_key="filter",
        kind=SignalKind.SERVICE_DUE,
        evidence={"heating_hours": 1500, "limit_hours": 1500},
    )
