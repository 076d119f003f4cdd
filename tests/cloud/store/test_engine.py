"""One unit of work, one commit, on both databases."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from cloud_builders import NOON, set_up_home
from zodra_cloud.errors import UnknownDatabase
from zodra_cloud.households import service as households
from zodra_cloud.households.repository.tables import households as table
from zodra_cloud.store.engine import Database, after_commit
from zodra_cloud.store.types import from_ms, to_ms


def _count(database: Database) -> int:
    with database.read() as connection:
        count: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
        return count


def _add(database: Database, household_id: str, *, fail: bool = False) -> None:
    with database.write() as connection:
        households.add_household(connection, household_id, language="en", time_zone="UTC", now=NOON)
        if fail:
            raise RuntimeError("after the insert")


def test_a_unit_of_work_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        _add(database, "hh-1", fail=True)
    assert _count(database) == 0


def test_what_is_told_after_a_commit_is_told_once_and_never_without_one(
    database: Database,
) -> None:
    told: list[str] = []

    def tell() -> None:
        told.append("now")

    with database.write() as connection:
        after_commit(connection, tell)
        after_commit(connection, tell)
        assert told == []
    assert told == ["now"]
    with suppress(RuntimeError), database.write() as connection:
        after_commit(connection, tell)
        raise RuntimeError
    assert told == ["now"]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as connection:
        connection.execute(text("DELETE FROM households"))


def test_a_reader_sees_one_moment_however_long_it_reads(database: Database) -> None:
    _add(database, "hh-1")
    with database.read() as connection:
        counting = select(func.count()).select_from(table)
        before = connection.execute(counting).scalar_one()
        _add(database, "hh-2")
        assert connection.execute(counting).scalar_one() == before
    assert _count(database) == 2


def test_units_of_one_household_follow_each_other(database: Database) -> None:
    set_up_home(database)
    inside = threading.Event()
    order: list[str] = []

    def second() -> None:
        inside.wait(5)
        with database.write("hh-1"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with database.write("hh-1"):
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_many_threads_may_write(database: Database) -> None:
    threads = [
        threading.Thread(target=_add, args=(database, f"hh-{number}")) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert _count(database) == 8


def test_a_url_of_another_database_is_refused_by_name() -> None:
    with pytest.raises(UnknownDatabase, match="mysql"):
        Database.open("mysql://somewhere/x")


@given(st.integers(min_value=-(2**45), max_value=2**47))
def test_an_instant_survives_its_column(ms: int) -> None:
    assert to_ms(from_ms(ms)) == ms


def test_an_instant_of_another_zone_is_the_same_instant() -> None:
    there = datetime(2026, 11, 22, 13, tzinfo=timezone(timedelta(hours=1)))
    assert from_ms(to_ms(there)) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        to_ms(datetime(2026, 11, 22, 12))  # noqa: DTZ001 - the point of the test
