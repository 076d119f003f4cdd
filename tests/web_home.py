"""A home behind the real pages: real database, real rooms, and a shop that does as it is told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Self

from fastapi import FastAPI
from sqlalchemy import Connection, text

from web_shop import ObedientShop
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Role, Slot
from zodra_cloud.ingest.reader import Delivery, Reader
from zodra_cloud.ingest.writer import Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.merchants.port import (
    ShopOrderState,
)
from zodra_cloud.offers.jobs import OfferJobs
from zodra_cloud.offers.policy import Rules as OfferRules
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.models import Rules, StoredQuote
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.web.context import Site
from zodra_cloud.web.site import install
from zodra_contract.envelope import (
    AdapterHealth,
    HealthReport,
    NeedBatch,
    NeedRow,
    TelemetryBatch,
    TelemetryRow,
    UpMessage,
    to_bytes,
)
from zodra_contract.ids import derived_id
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_contract.topics import Address, up

HOUSEHOLD: Final = "hh-demo"


GATEWAY: Final = "gw-demo"


_DEVICES: Final = (
    ("btn-kitchen", "button", "button-1", "paper-towels-6", "Kitchen button", "Knop in de keuken"),
    ("strap-chest", "wearable", "strap", None, "Chest strap", "Borstband"),
    ("trv-living", "thermostat", "filter", None, "Living room radiator", "Radiator woonkamer"),
    ("baby-nursery", "baby_monitor", "diapers", "diapers-size3-44", "Nursery", "Babykamer"),
)


class Home:
    """One household, its gateway and devices, and the application around them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        household_id: str = HOUSEHOLD,
        gateway_id: str = GATEWAY,
        language: str = "en",
        changes: Changes | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.household_id = household_id
        self.address = Address(household_id, gateway_id)
        self.changes = changes or Changes()
        self.shop = ObedientShop(clock)
        self._writer = Writer(database, clock, self.changes)
        self._sequence = {"need": 0, "telemetry": 0}
        self._buffer = derived_id("b", household_id)
        self._counter = 0
        self._events = 0
        self.offers = OfferJobs(
            database=database, clock=clock, changes=self.changes, rules=OfferRules()
        )
        self.replenisher = Replenisher(
            database=database,
            clock=clock,
            changes=self.changes,
            shop=self.shop,
            rules=Rules(),
            unbound=self.offers.consider,
        )
        with database.write() as connection:
            households.add_household(
                connection,
                household_id,
                language=language,
                time_zone="Europe/Amsterdam",
                now=clock.now(),
            )
            fleet.add_gateway(connection, household_id, gateway_id, now=clock.now())
        self._dutch = language == "nl"

    def app(self, public_url: str = "http://testserver", *, production: bool = True) -> FastAPI:
        """Make the application that serves this home, and every other in the database."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        install(app, self.site(public_url, production=production))
        return app

    def site(self, public_url: str, *, production: bool = True) -> Site:
        """Put together what the pages work with."""
        return Site(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            public_url=public_url,
            production=production,
        )

    def furnish(self, *purposes: Purpose) -> Self:
        """Add the four devices, and grant these purposes."""
        now = self.clock.now()
        with self.database.write(self.household_id) as connection:
            for device_id, family, slot_key, sku, english, dutch in _DEVICES:
                households.add_device(
                    connection,
                    self.household_id,
                    device_id,
                    family=family,
                    label=dutch if self._dutch else english,
                    now=now,
                )
                slot = Slot(
                    household_id=self.household_id,
                    device_id=device_id,
                    slot_key=slot_key,
                    metering=Metering.PRESS,
                    sku=sku,
                    quantity=1,
                    price_ceiling_minor=None,
                    currency="EUR",
                    staleness_limit_s=3_600,
                )
                households.bind_slot(connection, slot, now=now)
            for purpose in purposes:
                consent.grant(
                    connection,
                    self.household_id,
                    purpose,
                    person_id=derived_id("u", Role.HOUSEHOLD, self.household_id),
                    language="en",
                    method=Method.SETUP,
                    now=now,
                    changes=self.changes,
                )
        return self

    def rename(self, device_id: str, label: str) -> None:
        """Give a device another name, as its household might."""
        with self.database.write(self.household_id) as connection:
            connection.execute(
                text("UPDATE devices SET label = :label WHERE device_id = :device_id"),
                {"label": label, "device_id": device_id},
            )

    def link(self, role: Role = Role.HOUSEHOLD) -> str:
        """Make a one-time sign-in token."""
        household_id = self.household_id if role is Role.HOUSEHOLD else None
        with self.database.write() as connection:
            return households.sign_in_link(
                connection, role=role, household_id=household_id, now=self.clock.now()
            )

    def open_quote(self, connection: Connection) -> StoredQuote:
        """Give the one open quote."""
        (quote,) = replenish.open_quotes(connection, self.household_id)
        return quote

    def press(self, age_s: float = 0.4) -> str:
        """Press the kitchen button, and do what follows."""
        return self.need(
            "btn-kitchen", "button-1", SignalKind.PRESS, {"event": "press"}, age_s=age_s
        )

    def need_without_product(self) -> str:
        """Let something be needed for which nothing is bound and no offer exists."""
        return self.need("strap-chest", "strap", SignalKind.PRESS, {})

    def need(
        self,
        device_id: str,
        slot_key: str,
        kind: SignalKind,
        evidence: Mapping[str, int | float | str],
        *,
        age_s: float = 0.4,
    ) -> str:
        """Let a need-moment arrive from the gateway, and do what follows."""
        self._counter += 1
        signal = NeedSignal(
            signal_id=derived_id("p", self.household_id, device_id, self._counter),
            device_id=device_id,
            slot_key=slot_key,
            kind=kind,
            occurred_at=self.clock.now() - timedelta(seconds=age_s),
            time=TimeNote(
                boot_id="boot-1", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=20
            ),
            evidence=dict(evidence),
            authenticated=True,
        )
        row = NeedRow(self._next("need"), signal)
        self._receive(NeedBatch(**self._header(), buffer_id=self._buffer, kept_from=1, rows=(row,)))
        self.work()
        return signal.signal_id

    def readings(self, *readings: tuple[str, ReadingKind, float], age_s: float = 5) -> None:
        """Let readings arrive from the gateway."""
        rows = tuple(
            TelemetryRow(self._next("telemetry"), device_id, kind, value, 0)
            for device_id, kind, value in readings
        )
        batch = TelemetryBatch(
            **self._header(),
            buffer_id=f"{self._buffer}t",
            kept_from=1,
            base_at=self.clock.now() - timedelta(seconds=age_s),
            quality=TimeQuality.SYNCED,
            error_ms=20,
            rows=rows,
        )
        self._receive(batch)

    def health(self, **changed: Any) -> None:
        """Let the gateway's account of itself arrive."""
        report: dict[str, Any] = {
            "uptime_s": 7_200.0,
            "need_depth": 0,
            "need_oldest_age_s": 0.0,
            "telemetry_depth": 12,
            "quarantine_depth": 0,
            "refusals": {"unknown_device": 14, "replay": 2},
            "adapters": (
                AdapterHealth(
                    name="hci0", last_advert_age_s=0.8, adverts_per_min=212.0, strangers=3
                ),
            ),
            "clock_quality": TimeQuality.SYNCED,
            "rss_bytes": 60_000_000,
            "local_mqtt_connected": True,
        }
        self._receive(HealthReport(**self._header(), **{**report, **changed}))

    def name_product(self, device_id: str, title: str) -> None:
        """Say what the product of a device's slot is called."""
        with self.database.write() as connection:
            devices = households.devices(connection, self.household_id)
            (slot,) = next(each.slots for each in devices if each.device_id == device_id)
            households.bind_slot(connection, replace(slot, title=title), now=self.clock.now())

    def refuse_something(self) -> None:
        """Send what the cloud turns away."""
        self._writer.store([Reader().read(Delivery(up(self.address), b"not json"))])

    def deliver(self, state: ShopOrderState) -> None:
        """Let the shop move its newest order, and tell it."""
        self._events += 1
        told = self.shop.move(state)
        self.replenisher.hear_event(told, f"e-{self.household_id}-{self._events}", self.clock.now())
        self.work()

    def handlers(self) -> dict[str, Any]:
        """Give what does the jobs, by their kind."""
        return {**self.replenisher.handlers(), **self.offers.handlers()}

    def work(self) -> None:
        """Do the jobs that are due, until there are none."""
        handlers = self.handlers()
        while True:
            with self.database.write() as connection:
                due = jobs.claim(
                    connection, owner="test", now=self.clock.now(), limit=50, lease_s=60
                )
            if not due:
                return
            for job in due:
                handler = handlers.get(job.kind)
                if handler is not None:
                    handler(job)
                with self.database.write() as connection:
                    if jobs.still_leased(connection, job):
                        jobs.finish(connection, job, self.clock.now())

    def _header(self) -> dict[str, Any]:
        return {
            "gateway_id": self.address.gateway_id,
            "boot_id": "boot-1",
            "sent_at": self.clock.now(),
        }

    def _next(self, lane: str) -> int:
        self._sequence[lane] += 1
        return self._sequence[lane]

    def _receive(self, message: UpMessage) -> None:
        answers = self._writer.store([Reader().read(Delivery(up(self.address), to_bytes(message)))])
        assert b'"refused":null' in answers[0].payload if answers else True, answers
