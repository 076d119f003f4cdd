"""A home behind the pages with everything that follows an order, subscriptions and agreements."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from cloud_builders import FakeClock
from web_home import Home
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Role, Slot
from zodra_cloud.ingest.service import on_metered
from zodra_cloud.kit.clock import Clock
from zodra_cloud.law.listening import Listener
from zodra_cloud.law.rules import Rules as LawRules
from zodra_cloud.payments import moves
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.states import MandateEvent
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.models import At
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import desk
from zodra_cloud.subscriptions import service as subscriptions
from zodra_cloud.subscriptions.jobs import SubscriptionJobs
from zodra_cloud.subscriptions.models import Room, Said
from zodra_cloud.subscriptions.policy.sizes import Size
from zodra_cloud.subscriptions.service import (
    Cadence,
    Channel,
    Done,
    Every,
    Source,
    SubscriptionView,
    Wanted,
)
from zodra_cloud.web.context import Site
from zodra_cloud.web.showing import show_quote
from zodra_contract.ids import derived_id
from zodra_contract.reading import ReadingKind

LABEL: Final = "Order with obligation to pay"
KITCHEN: Final = ("btn-kitchen", "button-1")
TANK: Final = ("tank", "soap")


class FullHome(Home):
    """Everything but the broker and the banks."""

    law: LawRules
    subscriptions: SubscriptionJobs

    def __init__(
        self, database: Database, clock: Clock, beside: "FullHome | None" = None, **home: Any
    ) -> None:
        super().__init__(database, clock, **home)
        self.call_off_allowed = True
        if beside is not None:
            self.law, self.subscriptions = beside.law, beside.subscriptions
            return
        self.law = LawRules(show=show_quote)
        Listener(self.law, self.changes).register(database)
        hooks.on_cover(database, replenish.cover_finder(call_off_allowed=True))
        on_metered(database, foreseeing.keep)
        self.subscriptions = SubscriptionJobs(
            database=database,
            clock=clock,
            changes=self.changes,
            shop=self.shop,
            room=Room(teller=lambda _connection, _told: True),
        )

    @property
    def person_id(self) -> str:
        """The one who signs in."""
        return derived_id("u", Role.HOUSEHOLD, self.household_id)

    def handlers(self) -> dict[str, Any]:
        return {**super().handlers(), **self.subscriptions.handlers()}

    def site(self, public_url: str, *, production: bool = True) -> Site:
        site = super().site(public_url, production=production)
        return replace(site, law=self.law, shop=self.shop, call_off_allowed=self.call_off_allowed)

    def confirm(self) -> str:
        """Say yes to the open quote, and do what follows; gives the order's key."""
        with self.database.write(self.household_id) as connection:
            quote = self.open_quote(connection)
            answer = replenish.confirm(
                connection,
                self.household_id,
                quote.quote_id,
                snapshot_hash=quote.snapshot_hash or "",
                label=LABEL,
                language="en",
                person_id=self.person_id,
                now=self.clock.now(),
                changes=self.changes,
            )
        assert isinstance(answer, replenish.Confirmed), answer
        self.work()
        return answer.order_key

    def order(self) -> str:
        """Press and say yes."""
        self.press()
        return self.confirm()

    def bind(self, place: tuple[str, str] = KITCHEN, **changed: Any) -> None:
        """Change a slot."""
        with self.database.write(self.household_id) as connection:
            slot = households.slot(connection, self.household_id, *place)
            assert slot is not None
            households.bind_slot(
                connection, replace(slot, **changed), now=self.clock.now(), call_off_allowed=True
            )

    def add_tank(self) -> None:
        """Add a device that says how much is left."""
        with self.database.write(self.household_id) as connection:
            households.add_device(
                connection,
                self.household_id,
                TANK[0],
                family="button",
                label="Zeeppomp" if self._dutch else "Soap pump",
                now=self.clock.now(),
            )
            households.bind_slot(
                connection,
                Slot(
                    household_id=self.household_id,
                    device_id=TANK[0],
                    slot_key=TANK[1],
                    metering=Metering.LEVEL,
                    sku="trv-filter",
                    title="Zeep" if self._dutch else "Soap",
                    quantity=1,
                    price_ceiling_minor=2_000,
                    currency="EUR",
                    staleness_limit_s=3_600,
                    unit="ml",
                    capacity_units=1_000.0,
                    reorder_units=150.0,
                ),
                now=self.clock.now(),
            )

    def drain(self, clock: FakeClock, days: int = 12) -> None:
        """Let the tank be read once a day while it empties."""
        for day in range(days):
            level = 1_000.0 - 40.0 * day - (day % 3) * 6.0
            self.readings((TANK[0], ReadingKind.REMAINING_UNITS, level))
            clock.advance(86_400)

    def subscribe_nursery(self) -> str:
        """Ask for the terms of another one, and leave them to be answered."""
        return self.subscribe(join=False, place=("baby-nursery", "diapers"))

    def subscribe(self, *, join: bool = True, place: tuple[str, str] = KITCHEN) -> str:
        """Ask for the terms of a subscription and join it."""
        self._counter += 1
        said = Said(
            self.person_id, Channel.PAGE, f"k-{self._counter}", self.clock.now(), self.changes
        )
        with self.database.write(self.household_id) as connection:
            source = subscriptions.of_slot(connection, self.household_id, *place)
            assert isinstance(source, Source)
            wish = Wanted(Cadence(4, Every.WEEKS))
            asked = subscriptions.request(connection, self.household_id, source, wish, said)
        assert isinstance(asked, Done), asked
        self.work()
        if join:
            self.join(asked.subscription_id)
        return asked.subscription_id

    def join(self, subscription_id: str) -> None:
        """Say the labelled yes."""
        self._counter += 1
        said = Said(
            self.person_id, Channel.PAGE, f"k-{self._counter}", self.clock.now(), self.changes
        )
        with self.database.write(self.household_id) as connection:
            view = subscriptions.view(
                connection, self.household_id, subscription_id, now=self.clock.now()
            )
            assert view is not None
            joined = subscriptions.join(
                connection,
                self.household_id,
                subscription_id,
                terms_hash=view.terms_hash or "",
                label=LABEL,
                language="en",
                said=said,
            )
        assert isinstance(joined, Done), joined
        self.work()

    def grow_along(self, subscription_id: str) -> None:
        """Let a larger size be proposed, and propose it."""
        self._counter += 1
        now = self.clock.now()
        born_on = now.date() - timedelta(days=400)
        said = Said(self.person_id, Channel.PAGE, f"k-{self._counter}", now, self.changes)
        ladder = (
            Size("3", "paper-towels-6", {"": "Size 3"}, 44, 6.0, None),
            Size("4", "size-4", {"": "Diapers size 4", "nl": "Luiers maat 4"}, 38, 5.0, 300),
        )
        with self.database.write(self.household_id) as connection:
            desk.put_ladder(connection, "diapers", ladder, now)
            wish = subscriptions.tell_growth("diapers", born_on)
            done = subscriptions.act(connection, self.household_id, subscription_id, wish, said)
        assert isinstance(done, Done), done
        self.work()

    def allow_charges(self) -> None:
        """Give a permission to be charged later, revoke it, and ask for another."""
        moves_of = (
            (
                MandateEvent.LINKED,
                MandateEvent.GRANTED,
                MandateEvent.WANT_REVOKE,
                MandateEvent.REVOKED,
            ),
            (MandateEvent.LINKED,),
        )
        at = At(self.clock.now(), self.changes)
        link = {"link_url": "https://pay.example/s", "link_expires_at": at.now + timedelta(hours=1)}
        for events in moves_of:
            with self.database.write(self.household_id) as connection:
                mandate = payments.request_mandate(
                    connection, self.household_id, language="en", now=at.now, changes=self.changes
                )
                for event in events:
                    mandate = moves.move_mandate(connection, mandate, event, at, **link)

    def seen(self, subscription_id: str) -> SubscriptionView:
        """Read a subscription."""
        with self.database.read() as connection:
            found = subscriptions.view(
                connection, self.household_id, subscription_id, now=self.clock.now()
            )
        assert found is not None
        return found


def other_home(home: FullHome) -> FullHome:
    """Another household in the same database."""
    names = {"household_id": "hh-other", "gateway_id": "gw-other"}
    return FullHome(home.database, home.clock, home, **names)
