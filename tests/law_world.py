"""The rooms as the service puts them together, with letters, withdrawals and a mail server."""

from dataclasses import dataclass, field
from typing import Any

from business_builders import HOUSEHOLD, PERSON, Business, FakeShop
from mail_server import reached
from zodra_cloud.channels import service as channels
from zodra_cloud.channels.jobs import MailSender, Sender
from zodra_cloud.channels.models import Letter, LetterKind
from zodra_cloud.consent.service import Purpose
from zodra_cloud.kit.money import Money
from zodra_cloud.law import service as law
from zodra_cloud.law.jobs import Refunds
from zodra_cloud.law.listening import Listener
from zodra_cloud.law.models import Choice, Declared, NotDeclared
from zodra_cloud.law.rules import Rules
from zodra_cloud.merchants.port import Refused, ShopOrderState, ShopRefund, Unknown
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.store.engine import Database

EMAIL = "household@home.example"
MAILING = Rules(mail_on=True, public_url="https://home.example")


class RefundingShop(FakeShop):
    """A shop that gives money back, once a key."""

    def __init__(self) -> None:
        super().__init__()
        self.refunds: dict[str, ShopRefund] = {}

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        def give() -> ShopRefund:
            made = ShopRefund(f"re_{len(self.refunds) + 1}", order_id, amount)
            return self.refunds.setdefault(refund_key, made)

        answer: ShopRefund | Refused | Unknown = self._answer("refund", give)
        return answer


@dataclass
class LawfulBusiness:
    """A household that orders, and everything that the law wants of us."""

    database: Database
    mail_port: int | None = None
    rules: Rules = field(default_factory=Rules)
    mail: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shop = RefundingShop()
        self.home = Business(self.database, shop=self.shop).set_up(Purpose.REPLENISH)
        self.clock = self.home.clock
        self.listener = Listener(self.rules, self.home.changes)
        self.listener.register(self.database)
        refunds = Refunds(
            database=self.database,
            clock=self.clock,
            changes=self.home.changes,
            shop=self.shop,
            rules=self.rules,
        )
        self.home.handlers |= refunds.handlers()
        if self.mail_port is not None:
            self.send_to(self.mail_port, **self.mail)
        self._presses = 0

    def send_to(self, port: int, **facts: Any) -> None:
        sender = MailSender(
            self.database,
            self.clock,
            reached(port, **facts),
            Sender("orders@zodra.test", "Zodra", reply_to="help@zodra.test"),
            owner=self.home.owner,
            accepted=self.listener.on_accepted,
        )
        self.home.handlers |= sender.handlers()

    def know_address(self, email: str = EMAIL) -> int:
        with self.database.write(HOUSEHOLD) as connection:
            return channels.set_email(
                connection,
                HOUSEHOLD,
                email,
                set_by="operator",
                now=self.clock.now(),
                mail_on=self.rules.mail_on,
            )

    def order(self, quantity: int = 1) -> str:
        """Order something, up to the shop's yes."""
        self._presses += 1
        self.home.press(self._presses)
        self.home.do_jobs()
        said = self.home.confirm(self.home.quotes()[0])
        assert isinstance(said, Confirmed), said
        self.home.do_jobs()
        return said.order_key

    def tell(self, key: str, state: ShopOrderState) -> None:
        """Let the shop say how its order stands."""
        told = self.shop.advance(key, state)
        event = f"ev-{key}-{told.revision}"
        self.home.replenisher.hear_event(told, event, self.clock.now())
        self.home.do_jobs()

    def deliver(self, key: str) -> None:
        self.tell(key, ShopOrderState.SHIPPED)
        self.tell(key, ShopOrderState.DELIVERED)

    def letters(self, key: str, kind: LetterKind | None = None) -> list[Letter]:
        with self.database.read() as connection:
            found = channels.letters_about(connection, HOUSEHOLD, key)
        return [each for each in found if kind is None or each.kind is kind]

    def choice(self, key: str) -> Choice:
        with self.database.read() as connection:
            return law.choice(connection, HOUSEHOLD, key, rules=self.rules, now=self.clock.now())

    def withdraw(self, key: str, quantity: int = 1, **said: Any) -> Declared | NotDeclared:
        facts: dict[str, Any] = {
            "quantity": quantity,
            "withdrawn_shown": 0,
            "label": "confirm withdrawal",
            "language": "en",
            "person_id": PERSON,
        }
        with self.database.write(HOUSEHOLD) as connection:
            return law.withdraw(
                connection,
                HOUSEHOLD,
                key,
                rules=self.rules,
                now=self.clock.now(),
                changes=self.home.changes,
                **(facts | said),
            )
