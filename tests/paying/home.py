"""A household that pays: the rooms put together, with a provider in the test's hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from business_builders import HOUSEHOLD, Business
from cloud_builders import FakeClock
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.hooks import on_payment
from zodra_cloud.payments.jobs import Cashier
from zodra_cloud.payments.models import PaymentNews, Rules, StoredMandate, StoredPayment
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At, Confirmed
from zodra_cloud.store.engine import Database

PAY_RULES = Rules(return_url="https://home.example/")


def today() -> FakeClock:
    """A clock that stands still about now, since the provider dates its charges by its own.

    A little behind, so that what is due by it is due for a process of its own too.
    """
    return FakeClock(at=datetime.now(UTC) - timedelta(minutes=5))


@dataclass
class PayingHome(Business):
    """A business that takes payments."""

    clock: Any = field(default_factory=today)
    provider: Any = None
    pay_rules: Rules = PAY_RULES
    listens: bool = True
    """False for a second worker on a database whose hooks are set."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.news: list[str] = []
        if self.listens:
            hooks.on_order(self.database, payments.on_order)
            hooks.before_placing(self.database, payments.gate)
            on_payment(self.database, self._hear)
        self.use(self.provider)

    def use(self, provider: Any) -> None:
        self.cashier = Cashier(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            provider=provider,
            rules=self.pay_rules,
        )
        self.handlers.update(self.cashier.handlers())

    def _hear(self, _connection: Any, _payment: StoredPayment, news: PaymentNews, _at: At) -> None:
        self.news.append(news.value)

    def ordered(self, counter: int = 1) -> str:
        """Press, and say yes to the quote; gives the order's key."""
        self.press(counter)
        self.do_jobs()
        said = self.confirm(self.quotes()[0])
        assert isinstance(said, Confirmed)
        return said.order_key

    def payment(self, key: str) -> StoredPayment:
        with self.database.read() as connection:
            found = payments.payment(connection, HOUSEHOLD, key)
        assert found is not None
        return found

    def state(self, key: str) -> str:
        return self.payment(key).state.value

    def passed(self, key: str) -> list[str]:
        with self.database.read() as connection:
            return [each.state.value for each in payments.steps(connection, HOUSEHOLD, key)]

    def link(self, key: str) -> str:
        found = self.payment(key).link_url
        assert found is not None
        return found

    def mandate(self) -> StoredMandate:
        with self.database.read() as connection:
            return payments.mandates(connection, HOUSEHOLD)[0]

    def gives_mandate(self, counter: Any, number: str) -> StoredMandate:
        with self.database.write(HOUSEHOLD) as connection:
            payments.request_mandate(
                connection, HOUSEHOLD, language="nl", now=self.clock.now(), changes=self.changes
            )
        self.do_jobs()
        url = self.mandate().link_url
        assert url is not None
        assert counter.fill_in(url, number) == "complete"
        self.wait(60)
        return self.mandate()

    def ship(self, key: str, state: ShopOrderState = ShopOrderState.SHIPPED) -> None:
        told = self.shop.advance(key, state)
        self.replenisher.hear_event(told, f"ev-{key}-{state}", self.clock.now())
        self.do_jobs()

    def cancel(self, key: str) -> None:
        self.cancel_now(key)
        self.do_jobs()

    def cancel_now(self, key: str) -> None:
        with self.database.write(HOUSEHOLD) as connection:
            replenish.cancel(
                connection,
                HOUSEHOLD,
                key,
                person_id="u-1",
                now=self.clock.now(),
                changes=self.changes,
            )

    def refund(self, key: str, amount_minor: int, cause: str) -> payments.RefundAnswer:
        with self.database.write(HOUSEHOLD) as connection:
            answer = payments.refund(
                connection,
                HOUSEHOLD,
                key,
                amount_minor=amount_minor,
                cause=cause,
                now=self.clock.now(),
                changes=self.changes,
            )
        self.do_jobs()
        return answer

    def refunds(self, key: str) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            found = payments.refunds(connection, HOUSEHOLD, key)
        return [{"state": each.state.value, "amount_minor": each.amount_minor} for each in found]

    def waits(self, minutes: float) -> None:
        """Let time pass a minute at a time, as the runner does."""
        end = self.clock.now() + timedelta(minutes=minutes)
        while self.clock.now() < end:
            self.wait(60)


def paying_home(database: Database, provider: Any, **facts: Any) -> PayingHome:
    home = PayingHome(database, provider=provider, **facts)
    home.set_up(Purpose.REPLENISH)
    return home
