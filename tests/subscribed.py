"""A household with a subscription: the business, the room beside it, and commands in one word."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from business_builders import HOUSEHOLD, PERSON, Business
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import CataloguePage, Refused, ShopOrderState, Unknown
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import repository, service
from zodra_cloud.subscriptions.jobs import SubscriptionJobs
from zodra_cloud.subscriptions.models import Room, Rules, Told
from zodra_cloud.subscriptions.moves import entry
from zodra_cloud.subscriptions.policy.dates import instant
from zodra_cloud.subscriptions.policy.follow import Outlook
from zodra_cloud.subscriptions.policy.ledger.folding import replay
from zodra_cloud.subscriptions.policy.ledger.state import to_json
from zodra_cloud.subscriptions.service import Cadence, Channel, Done, Every, Said, Wanted

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
PLACE = ("btn-kitchen", "button-1")
LABEL = "Order with obligation to pay"
CANCEL = "cancel subscription"
FOUR_WEEKS = Cadence(4, Every.WEEKS)


@dataclass
class Subscribed(Business):
    """The business, with subscriptions as the service puts them together."""

    room_rules: Rules = field(default_factory=Rules)
    told: list[Told] = field(default_factory=list)
    can_tell: bool = True
    outlook: Outlook | None = None
    letters: Callable[[Connection, Told], bool] | None = None
    commands: int = 0

    def __post_init__(self) -> None:
        Business.__post_init__(self)
        room = Room(self.room_rules, self._tell, self._foresee)
        self.subscriptions = SubscriptionJobs(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            shop=self.shop,
            room=room,
        )
        self.handlers |= self.subscriptions.handlers()

    def _tell(self, connection: Connection, told: Told) -> bool:
        if self.letters is not None:
            return self.letters(connection, told)
        self.told.append(told)
        return self.can_tell

    def _foresee(self, *_asked: Any) -> Outlook | None:
        return self.outlook

    def said(self, key: str | None = None, channel: Channel = Channel.PAGE) -> Said:
        self.commands += 1
        name = f"k-{self.commands}" if key is None else key
        return Said(PERSON, channel, name, self.clock.now(), self.changes)

    def ask(self, wanted: Wanted | None = None, **said: Any) -> Any:
        with self.database.write(HOUSEHOLD) as connection:
            source = service.of_slot(connection, HOUSEHOLD, *PLACE)
            assert isinstance(source, service.Source)
            wish = Wanted(FOUR_WEEKS) if wanted is None else wanted
            return service.request(connection, HOUSEHOLD, source, wish, self.said(**said))

    def join(self, wanted: Wanted | None = None) -> str:
        done = self.ask(wanted)
        assert isinstance(done, Done), done
        self.do_jobs()
        joined = self.say_yes(done.subscription_id)
        assert isinstance(joined, Done), joined
        self.do_jobs()
        return done.subscription_id

    def join_late(self, wanted: Wanted) -> str:
        """Join although the worker may be killed meanwhile."""
        done = self.ask(wanted)
        assert isinstance(done, Done), done
        self.to(self.clock.now() + timedelta(minutes=5))
        joined = self.say_yes(done.subscription_id)
        assert isinstance(joined, Done), joined
        return done.subscription_id

    def say_yes(self, subscription_id: str, **said: Any) -> Any:
        shown = self.view(subscription_id)
        facts: dict[str, Any] = {
            "terms_hash": shown.terms_hash,
            "label": LABEL,
            "language": "en",
            "said": self.said(),
        }
        with self.database.write(HOUSEHOLD) as connection:
            return service.join(connection, HOUSEHOLD, subscription_id, **(facts | said))

    def command(self, name: str, subscription_id: str, *args: Any, **facts: Any) -> Any:
        said = facts.pop("said", None) or self.said(facts.pop("key", None))
        household_id = facts.pop("household_id", HOUSEHOLD)
        make: Any = getattr(service, name)
        with self.database.write(household_id) as connection:
            if name == "accept_price":
                return make(connection, household_id, subscription_id, said=said, **facts)
            wish = make(*args, **facts)
            return service.act(connection, household_id, subscription_id, wish, said)

    def cancel(self, subscription_id: str, **facts: Any) -> Any:
        return self.command(
            "cancel", subscription_id, **({"label": CANCEL, "language": "en"} | facts)
        )

    def view(self, subscription_id: str) -> service.SubscriptionView:
        with self.database.read() as connection:
            found = service.view(connection, HOUSEHOLD, subscription_id, now=self.clock.now())
        assert found is not None
        return found

    def kinds(self, subscription_id: str) -> list[str]:
        """The names of all events, oldest first."""
        with self.database.read() as connection:
            rows = repository.events(connection, HOUSEHOLD, subscription_id)
        return [row.kind.value for row in rows]

    def until(self, day: date, at: time = time(9, 0)) -> None:
        """Let time pass, an hour at a time at most where something happens, to a local time."""
        self.to(instant(day, at, AMSTERDAM))

    def to(self, instant_: datetime) -> None:
        """Let time pass; each timer is done when it is due, as the runner does."""
        while self.clock.now() < instant_:
            due = self._next_due()
            step = instant_ if due is None else min(max(due, self.clock.now()), instant_)
            self.clock.advance(max((step - self.clock.now()).total_seconds(), 0.001))
            self.do_jobs(1_000)

    def _next_due(self) -> datetime | None:
        from zodra_cloud.store import jobs

        with self.database.read() as connection:
            return jobs.next_due_at(connection, jobs.EVERY_KIND)

    def deliver(self) -> None:
        """Let the shop bring everything that it has."""
        for key, each in list(self.shop.orders.items()):
            if each.state not in (ShopOrderState.DELIVERED, ShopOrderState.CANCELLED):
                told = self.shop.advance(key, ShopOrderState.DELIVERED)
                self.replenisher.hear_event(told, f"ev-{key}", self.clock.now())
        self.do_jobs(1_000)

    def replayed(self, subscription_id: str) -> tuple[Any, Any]:
        """What is stored, and what the whole ledger folds to."""
        with self.database.read() as connection:
            row = repository.subscription(connection, HOUSEHOLD, subscription_id)
            rows = repository.events(connection, HOUSEHOLD, subscription_id)
        assert row is not None
        assert row.events == len(rows)
        return row.state, to_json(replay_of(rows))

    def scheduled(self) -> int:
        """How many needs deliveries have made."""
        from sqlalchemy import text

        with self.database.read() as connection:
            counted = connection.execute(
                text("SELECT count(*) FROM need_signals WHERE kind = 'scheduled'")
            )
            return int(counted.scalar_one())


def replay_of(rows: Iterable[repository.StoredEvent]) -> Any:
    return replay(entry(row) for row in rows)


def joined_home(
    database: Database, kind: type[Subscribed] = Subscribed, **facts: Any
) -> Subscribed:
    home = kind(database, **facts)
    home.set_up(Purpose.REPLENISH)
    return home


class Catalogue:
    """A shop's catalogue of two pages, in place of the one that the shop in memory has not."""

    def __init__(self, pages: list[CataloguePage | Refused | Unknown]) -> None:
        self.pages = pages

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        return self.pages[int(cursor or "0")]


DAY = timedelta(days=1)
