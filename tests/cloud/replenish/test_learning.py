"""What is typical of a product is learned from households that agreed, and unlearned with them."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from business_builders import PERSON, Business
from cloud_builders import NOON, set_up_home, slot
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Slot
from zodra_cloud.ingest.service import Metered
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.metering.learned import Category
from zodra_cloud.replenish.metering.learning import HOUSEHOLDS_MIN, sample
from zodra_cloud.replenish.repository.tables import orders
from zodra_cloud.store.engine import Database

DAY_S = 86_400
NAMES = [f"home-{number:02}" for number in range(HOUSEHOLDS_MIN + 2)]
GAPS = Category(Metering.PRESS, "", "paper-towels-6").category_id
LEVELS = Category(Metering.LEVEL, "sheets", "paper-towels-6").category_id


@pytest.fixture
def another(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A second world, to compare with."""
    shutil.copy(sqlite_template, tmp_path / "another.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'another.db'}")
    yield opened
    opened.close()


def bound(name: str) -> Slot:
    return slot(name, "btn-kitchen", "button-1", sku="paper-towels-6")


def counting(name: str) -> Slot:
    return replace(
        bound(name),
        metering=Metering.LEVEL,
        unit="sheets",
        capacity_units=100.0,
        reorder_units=10.0,
    )


def move_in(world: Business, name: str, *, agrees: bool = True) -> None:
    set_up_home(world.database, name, f"gw-{name}")
    if agrees:
        say(world, name, granted=True)


def say(world: Business, name: str, *, granted: bool) -> None:
    act = consent.grant if granted else consent.withdraw
    with world.database.write(name) as connection:
        act(
            connection,
            name,
            Purpose.FORECASTS,
            person_id=PERSON,
            language="en",
            method=Method.PAGE,
            now=world.clock.now(),
            changes=world.changes,
        )


def bought(world: Business, name: str, every: float, times: int = 6) -> None:
    """Put orders of the past on record, as far as forecasts read them."""
    rows = [
        {
            "household_id": name,
            "order_key": f"{name}-{time}",
            "quote_id": f"q-{time}",
            "signal_id": f"s-{time}",
            "device_id": "btn-kitchen",
            "slot_key": "button-1",
            "state": "delivered",
            "reason": "",
            "session_id": "",
            "total_minor": 1094,
            "currency": "EUR",
            "snapshot_hash": "",
            "confirmed_by": PERSON,
            "confirmed_at": NOON - timedelta(days=every * (time + 0.5)),
            "label": "",
            "language": "en",
            "shop_revision": 1,
            "state_at": NOON,
        }
        for time in range(times)
    ]
    with world.database.write(name) as connection:
        connection.execute(insert(orders), rows)


def used(world: Business, name: str, per_day: float) -> None:
    with world.database.write(name) as connection:
        households.bind_slot(connection, counting(name), now=NOON)
        heard = [
            Metered(name, "btn-kitchen", "remaining_units", left, NOON - timedelta(days=30 - day))
            for day in range(30)
            if (left := 100.0 - (day * per_day) % 90)
        ]
        foreseeing.keep(connection, heard, NOON)


def world_of(database: Database, names: list[str], *, levels: bool = False) -> Business:
    world = Business(database)
    for name in names:
        move_in(world, name)
        number = int(name[-2:])
        if levels:
            used(world, name, 2.0 + number / 10)
        else:
            bought(world, name, 25 + number)
    world.do_jobs()
    return world


def learned(world: Business, category_id: str) -> str | None:
    with world.database.read() as connection:
        found = connection.execute(
            text("SELECT model FROM forecast_models WHERE category_id = :id"), {"id": category_id}
        ).scalar()
    return found if found is None or isinstance(found, str) else json.dumps(found)


def resting_on(world: Business) -> set[str]:
    with world.database.read() as connection:
        return set(connection.execute(text("SELECT household_id FROM forecast_shares")).scalars())


def behind(world: Business, of: Slot) -> int:
    """How many other households stand behind a forecast."""
    with world.database.read() as connection:
        made = replenish.forecast_of(connection, of, world.clock.now())
    return made.forecast.explanation.households


def test_a_day_after_enough_households_agreed_their_product_is_known(database: Database) -> None:
    world = world_of(database, NAMES[: HOUSEHOLDS_MIN - 1])
    move_in(world, "says-nothing", agrees=False)
    bought(world, "says-nothing", 3.0)
    world.wait(DAY_S)
    assert learned(world, GAPS) is None
    assert resting_on(world) == set()
    assert behind(world, bound(NAMES[0])) == 0
    move_in(world, "one-more")
    bought(world, "one-more", 31.0)
    world.wait(DAY_S)
    assert resting_on(world) == {*NAMES[: HOUSEHOLDS_MIN - 1], "one-more"}
    assert behind(world, bound(NAMES[0])) == HOUSEHOLDS_MIN
    assert behind(world, bound("says-nothing")) == HOUSEHOLDS_MIN
    assert behind(world, replace(bound(NAMES[0]), sku="coffee")) == 0
    assert behind(world, replace(bound(NAMES[0]), sku=None)) == 0


def test_nobody_is_learned_from_unasked(database: Database) -> None:
    world = Business(database)
    for name in NAMES:
        move_in(world, name, agrees=False)
        bought(world, name, 30.0)
    world.wait(3 * DAY_S)
    assert world.count("forecast_models") == world.count("forecast_shares") == 0


@pytest.mark.parametrize(
    ("levels", "how"), [(False, "withdraws"), (False, "is erased"), (True, "withdraws")]
)
def test_a_model_after_a_household_left_is_that_which_never_saw_it(
    database: Database, another: Database, levels: bool, how: str
) -> None:
    category_id = LEVELS if levels else GAPS
    world = world_of(database, NAMES, levels=levels)
    world.wait(DAY_S)
    with_it = learned(world, category_id)
    assert NAMES[3] in resting_on(world)
    if how == "withdraws":
        say(world, NAMES[3], granted=False)
    else:
        with world.database.write(NAMES[3]) as connection:
            now = world.clock.now()
            replenish.forget(connection, NAMES[3], now=now, changes=world.changes)
    world.do_jobs()
    never = world_of(another, [name for name in NAMES if name != NAMES[3]], levels=levels)
    never.wait(DAY_S)
    without = learned(never, category_id)
    assert without is not None
    assert with_it is not None
    assert json.loads(with_it) != json.loads(without)
    assert json.loads(learned(world, category_id) or "") == json.loads(without)
    assert resting_on(world) == resting_on(never) == set(NAMES) - {NAMES[3]}


def test_with_too_few_left_the_guess_returns_at_once(database: Database) -> None:
    world = world_of(database, NAMES[:HOUSEHOLDS_MIN])
    world.wait(DAY_S)
    assert behind(world, bound(NAMES[0])) == HOUSEHOLDS_MIN
    say(world, NAMES[7], granted=False)
    world.do_jobs()
    assert behind(world, bound(NAMES[0])) == 0
    assert learned(world, GAPS) is None
    assert resting_on(world) == set()


def test_a_model_of_another_format_is_not_used(database: Database) -> None:
    world = world_of(database, NAMES)
    world.wait(DAY_S)
    with database.write() as connection:
        connection.execute(text("UPDATE forecast_models SET format = 'zodra-forecast-gaps-0'"))
    assert behind(world, bound(NAMES[0])) == 0
    world.wait(DAY_S)
    assert behind(world, bound(NAMES[0])) == len(NAMES)


@given(
    st.sets(st.text("abcdef0123456789", min_size=4, max_size=8), min_size=1, max_size=60),
    st.integers(1, 40),
)
def test_a_sample_without_one_is_the_sample_of_those_who_never_had_it(
    names: set[str], most: int
) -> None:
    chosen = sample("press//coffee", names, most)
    assert chosen == sample("press//coffee", sorted(names, reverse=True), most)
    assert len(chosen) == min(most, len(names))
    gone = min(names)
    rest = sample("press//coffee", names - {gone}, most)
    assert set(chosen) - {gone} <= set(rest)
    assert gone in chosen or rest == chosen


@given(st.sampled_from(list(Metering)), st.text(max_size=9), st.text(max_size=9))
def test_a_category_is_read_back_from_its_name(metering: Metering, unit: str, sku: str) -> None:
    category = Category(metering, unit, sku)
    assert Category.of_id(category.category_id) == category
