"""What is deleted by age: measurements, prices and letters; what the law asks for stays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from cloud_builders import FakeClock
from zodra_cloud.channels.models import LetterKind, LetterState
from zodra_cloud.channels.repository import letters
from zodra_cloud.households import service as households
from zodra_cloud.ingest import service as ingest
from zodra_cloud.ingest.repository.tables import telemetry
from zodra_cloud.law.repository.tables import prices, proofs
from zodra_cloud.retention import EVERY, GO_ON_AFTER, Sweeper
from zodra_cloud.settings import Retention
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database

HOUSEHOLD = "hh-1"
AGES = (1, 398, 401, 900, 3_000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def old(database: Database, clock: FakeClock) -> Database:
    """A database with something of every age in days."""
    now = clock.now()
    with database.write() as connection:
        households.add_household(
            connection, HOUSEHOLD, language="nl", time_zone="Europe/Amsterdam", now=now
        )
        for number, days in enumerate(AGES):
            at = now - timedelta(days=days)
            connection.execute(insert(telemetry).values(**_measured(number, at)))
            connection.execute(insert(prices).values(**_price("towels", at)))
            connection.execute(insert(proofs).values(**_proof(number, at)))
            for kind in LetterKind:
                for state in LetterState:
                    connection.execute(insert(letters).values(**_letter(days, kind, state, at)))
        connection.execute(insert(prices).values(**_price("filter", now - timedelta(days=900))))
    return database


def _measured(number: int, at: datetime) -> dict[str, Any]:
    facts = {"buffer_no": 1, "sequence": number, "device_id": "d", "kind": "battery_percent"}
    return {**facts, "value": 1.0, "observed_at": at, "error_ms": 0}


def _price(sku: str, at: datetime) -> dict[str, Any]:
    facts = {"merchant_id": "m", "sku": sku, "currency": "EUR", "source": "catalogue"}
    return {**facts, "observed_at": at, "unit_price_minor": 899}


def _proof(number: int, at: datetime) -> dict[str, Any]:
    facts = {"household_id": HOUSEHOLD, "order_key": f"o_{number}", "shown": {}}
    return {**facts, "shown_sha256": "0" * 64, "stored_at": at}


def _letter(days: int, kind: LetterKind, state: LetterState, at: datetime) -> dict[str, Any]:
    return {
        "household_id": HOUSEHOLD,
        "letter_id": f"l_{days}_{kind}_{state}",
        "kind": kind,
        "order_key": "o_1",
        "language": "nl",
        "content": {},
        "content_sha256": "0" * 64,
        "state": state,
        "attempts": 0,
        "unsure": 0,
        "caused_at": at,
        "state_at": at,
    }


def ages(database: Database, clock: FakeClock, column: Any, *where: Any) -> list[int]:
    with database.read() as connection:
        found = connection.execute(select(column).where(*where)).scalars().all()
    return sorted((clock.now() - at).days for at in found)


def sweep(database: Database, clock: FakeClock, kept: Retention, **facts: int) -> int:
    """Let the daily job run as long as it goes on at once; gives how often."""
    sweeper = Sweeper(database, clock, kept, **facts)
    sweeper.begin()
    sweeper.begin()
    clock.advance(EVERY.total_seconds())
    for times in range(1, 100):
        with database.write() as connection:
            (job,) = jobs.claim(connection, owner="t", now=clock.now(), limit=9, lease_s=60)
        sweeper(job)
        with database.read() as connection:
            due_at = jobs.next_due_at(connection, jobs.EVERY_KIND)
        if due_at == clock.now() + EVERY:
            return times
        assert due_at == clock.now() + GO_ON_AFTER
        clock.advance(GO_ON_AFTER.total_seconds())
    raise AssertionError("it never ends")


def test_what_is_old_goes_and_what_the_law_asks_for_stays(old: Database, clock: FakeClock) -> None:
    assert sweep(old, clock, Retention()) == 1
    assert ages(old, clock, telemetry.c.observed_at) == [2, 399]
    towels = prices.c.sku == "towels"
    assert ages(old, clock, prices.c.observed_at, towels) == [2, 399, 402], "and the one before"
    assert ages(old, clock, prices.c.observed_at, ~towels) == [901], "the last one there is"
    assert len(ages(old, clock, proofs.c.stored_at)) == len(AGES)
    gone = _letters(old)
    assert gone == {
        f"l_3000_{kind}_{state}"
        for kind in LetterKind
        for state in LetterState
        if kind not in (LetterKind.CONFIRMATION, LetterKind.WITHDRAWAL)
        and state is not LetterState.WAITING
    }


def _letters(database: Database) -> set[str]:
    every = {f"l_{days}_{kind}_{state}" for days in AGES for kind in LetterKind
             for state in LetterState}  # fmt: skip
    with database.read() as connection:
        return every - set(connection.execute(select(letters.c.letter_id)).scalars())


def test_a_run_takes_a_part_and_goes_on_until_there_is_no_more(
    old: Database, clock: FakeClock
) -> None:
    times = sweep(old, clock, Retention(telemetry_days=7), rows_max=1)
    assert times > len(AGES)
    assert ages(old, clock, telemetry.c.observed_at) == [2]


def test_the_oldest_readings_go_first(old: Database, clock: FakeClock) -> None:
    with old.write() as connection:
        assert ingest.forget_telemetry(connection, clock.now() - timedelta(days=400), 1) == 1
    assert ages(old, clock, telemetry.c.observed_at) == [1, 398, 401, 900]


@pytest.mark.parametrize(
    "given", [{"prices_days": 119}, {"letters_days": 30}, {"telemetry_days": 0}, {"orders_days": 9}]
)
def test_no_setting_deletes_what_the_law_asks_for(given: dict[str, int]) -> None:
    make: Callable[..., Retention] = Retention
    with pytest.raises(ValidationError):
        make(**given)
