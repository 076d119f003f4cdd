"""A household that is erased leaves what the law asks for, and its name nowhere."""

import pytest
from sqlalchemy import insert, select, text

from cloud_builders import FakeClock
from web_full import FullHome
from zodra_cloud import erasing
from zodra_cloud.api import service as api
from zodra_cloud.channels import service as channels
from zodra_cloud.consent.service import Purpose
from zodra_cloud.errors import UnknownThing
from zodra_cloud.ingest.repository.tables import telemetry
from zodra_cloud.law import service as law
from zodra_cloud.law.labels import Control
from zodra_cloud.law.models import Choice, Declared
from zodra_cloud.law.policy.proof import faults_of
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.store.engine import Database, metadata
from zodra_cloud.store.erasing import of

HOUSEHOLD = "hh-tracer"
EMAIL = "tracer@home.example"
NAMES = (HOUSEHOLD, EMAIL, "gw-tracer", "btn-kitchen", "strap-chest", "tank")
"""Whatever says who it was, or names a thing in its home."""
NOBODYS = {
    "forecast_models", "merchant_events", "oauth_clients", "prices", "provider_events",
    "size_ladders", "dash_makers", "dash_models",
}  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def home_of(database: Database, clock: FakeClock, household_id: str = HOUSEHOLD) -> FullHome:
    """A household with something of every kind, and nothing under way."""
    names = {"household_id": household_id, "gateway_id": household_id.replace("hh", "gw")}
    home = FullHome(database, clock, **names).furnish(*Purpose)
    home.add_tank()
    home.drain(clock, 4)
    with database.write(household_id) as connection:
        channels.set_email(
            connection, household_id, EMAIL, set_by="t", now=clock.now(), mail_on=False
        )
        api.make_token(
            connection,
            household_id,
            name="script",
            scopes=frozenset(api.Scope),
            days=9,
            now=clock.now(),
        )
    home.order()
    for state in (ShopOrderState.SHIPPED, ShopOrderState.DELIVERED):
        clock.advance(3_600)
        home.deliver(state)
        home.work()
    return home


def everything(database: Database) -> dict[str, list[str]]:
    """Every stored row of every table, as text."""
    with database.read() as connection:
        return {
            table.name: [str(tuple(row)) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def traces(database: Database) -> list[tuple[str, str]]:
    """Where one of the household's names is still to be read."""
    return [
        (table, name)
        for table, rows in everything(database).items()
        for name in NAMES
        # The shop of these tests names its events after the household; a real one does not.
        if table != "merchant_events" and any(name in row for row in rows)
    ]


def test_what_is_left_bears_no_name(database: Database, clock: FakeClock) -> None:
    home = home_of(database, clock)
    assert {name for _, name in traces(database)} == set(NAMES), "it was there"
    erasing.close(database, HOUSEHOLD, clock.now())
    home.work()
    done = erasing.erase(database, HOUSEHOLD, clock.now())
    assert done is not None
    assert traces(database) == []
    left = {table for table, rows in everything(database).items() if rows} - {"jobs"}
    assert left - NOBODYS == {
        "households", "consents", "quotes", "orders", "order_events", "proofs", "letters"
    }  # fmt: skip
    assert done.kept.keys() == left - NOBODYS - {"households"}
    assert (done.kept["orders"], done.kept["letters"]) == (1, 1)
    with database.read() as connection:
        total = connection.execute(text("SELECT total_minor FROM orders")).scalar_one()
        proved = law.export(connection, done.pseudonym, home_order(database))
    assert total == proved["parts"]["confirmation"]["total_minor"] > 0
    assert faults_of(proved) == []


def home_order(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute(text("SELECT order_key FROM orders")).scalar_one())


def test_what_the_payment_provider_calls_it_is_said_once(
    database: Database, clock: FakeClock
) -> None:
    FullHome(database, clock, household_id=HOUSEHOLD)
    with database.write(HOUSEHOLD) as connection:
        row = {"household_id": HOUSEHOLD, "payer_id": "cus_7", "created_at": clock.now()}
        connection.execute(insert(metadata.tables["payers"]).values(row))
    erasing.close(database, HOUSEHOLD, clock.now())
    done = erasing.erase(database, HOUSEHOLD, clock.now())
    assert done is not None
    assert (done.payer_id, done.pseudonym) == ("cus_7", "")
    assert everything(database)["payers"] == []


def test_the_neighbours_lose_nothing(database: Database, clock: FakeClock) -> None:
    other = home_of(database, clock, "hh-other")
    before = _of_household(database, "hh-other")
    home = FullHome(database, clock, other, household_id=HOUSEHOLD, gateway_id="gw-tracer").furnish(
        *Purpose
    )
    home.press()
    erasing.close(database, HOUSEHOLD, clock.now())
    home.work()
    other.work()
    assert erasing.erase(database, HOUSEHOLD, clock.now()) is not None
    assert _of_household(database, "hh-other") == before


def _of_household(database: Database, household_id: str) -> dict[str, int]:
    rows = everything(database)
    counts = {name: sum(household_id in row for row in found) for name, found in rows.items()}
    counts["telemetry"] = len(rows["telemetry"])
    return {name: count for name, count in counts.items() if name not in ("jobs", "api_events")}


def test_what_is_under_way_is_named_and_keeps_everything(
    database: Database, clock: FakeClock
) -> None:
    home = FullHome(database, clock, household_id=HOUSEHOLD).furnish(*Purpose)
    home.order()
    subscription_id = home.subscribe(place=("baby-nursery", "diapers"))
    erasing.close(database, HOUSEHOLD, clock.now())
    home.work()
    way = [what for what, _ in erasing.in_the_way(database, HOUSEHOLD, clock.now())]
    assert [each.split()[0] for each in way] == ["orders", "subscriptions"]
    assert erasing.erase(database, HOUSEHOLD, clock.now()) is None
    assert home.seen(subscription_id).status == "active"


def test_closing_ends_consents_gateways_and_tokens_at_once(
    database: Database, clock: FakeClock
) -> None:
    home = home_of(database, clock)
    for _ in range(2):
        erasing.close(database, HOUSEHOLD, clock.now())
    with database.read() as connection:
        for table in ("api_tokens", "gateways"):
            live = text(f"SELECT count(*) FROM {table} WHERE revoked_at IS NULL")
            assert connection.execute(live).scalar_one() == 0
    with pytest.raises(AssertionError, match='"refused":"revoked"'):
        home.press()


def test_a_household_that_is_not_there_is_named(database: Database, clock: FakeClock) -> None:
    with pytest.raises(UnknownThing, match="hh-nobody"):
        erasing.close(database, "hh-nobody", clock.now())


def test_the_address_in_a_withdrawal_goes_and_the_declaration_stays(
    database: Database, clock: FakeClock
) -> None:
    home = home_of(database, clock)
    key = home_order(database)
    with database.write(HOUSEHOLD) as connection:
        choice = law.choice(connection, HOUSEHOLD, key, rules=home.law, now=clock.now())
        assert isinstance(choice, Choice)
        declared = law.withdraw(
            connection,
            HOUSEHOLD,
            key,
            quantity=1,
            withdrawn_shown=0,
            label=home.law.labels.text(Control.CONFIRM_WITHDRAWAL, "en"),
            language="en",
            person_id=home.person_id,
            rules=home.law,
            now=clock.now(),
            changes=home.changes,
        )
        assert isinstance(declared, Declared), declared
    erasing.close(database, HOUSEHOLD, clock.now())
    home.work()
    way = [what for what, _ in erasing.in_the_way(database, HOUSEHOLD, clock.now())]
    assert way
    assert way[0].startswith("withdrawals")
    with database.write(HOUSEHOLD) as connection:
        connection.execute(text("UPDATE withdrawals SET state = 'refunded'"))
    assert erasing.erase(database, HOUSEHOLD, clock.now()) is not None
    assert traces(database) == []
    (kept,) = everything(database)["withdrawals"]
    assert "confirm withdrawal" in kept


def test_every_table_is_somebodys_or_says_that_it_is_nobodys() -> None:
    unowned = {
        table.name
        for table in metadata.sorted_tables
        if "household_id" not in table.c and of(table).through is None
    }
    assert unowned == NOBODYS
    assert of(telemetry).through == ("buffers", "buffer_no")
