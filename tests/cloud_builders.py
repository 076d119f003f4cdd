"""Small fakes and ready-made households for the cloud's tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Slot
from zodra_cloud.store.engine import Database

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that stands still until it is told to move."""

    at: datetime = NOON
    elapsed_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.elapsed_s += seconds


@dataclass
class FakeBroker:
    """Remembers what was sent down."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def send(self, topic: str, payload: bytes) -> None:
        self.sent.append((topic, payload))

    def send_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        self.sent.extend(messages)


def set_up_home(
    database: Database,
    household_id: str = "hh-1",
    gateway_id: str = "gw-1",
    now: datetime = NOON,
) -> None:
    """Add a household with a gateway, a button bound to a SKU and a thermostat without one."""
    with database.write() as connection:
        households.add_household(
            connection, household_id, language="en", time_zone="Europe/Amsterdam", now=now
        )
        fleet.add_gateway(connection, household_id, gateway_id, now=now)
        for device_id, family in (("btn-kitchen", "button"), ("trv-living", "thermostat")):
            households.add_device(
                connection, household_id, device_id, family=family, label="", now=now
            )
        households.bind_slot(
            connection, slot(household_id, "btn-kitchen", "button-1", sku="paper-towels-6"), now=now
        )


def slot(household_id: str, device_id: str, slot_key: str, *, sku: str | None) -> Slot:
    return Slot(
        household_id=household_id,
        device_id=device_id,
        slot_key=slot_key,
        metering=Metering.PRESS,
        sku=sku,
        quantity=1,
        price_ceiling_minor=None,
        currency="EUR",
        staleness_limit_s=86_400,
    )
