"""Signing in works once, a session ends on the server, and a household sees its own things only."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud_builders import NOON, set_up_home, slot
from zodra_cloud.errors import AlreadyThere, BadRequest, UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Role, Session
from zodra_cloud.households.repository import tables
from zodra_cloud.store.engine import Database


def _link(
    database: Database, role: Role = Role.HOUSEHOLD, household_id: str | None = "hh-1"
) -> str:
    with database.write() as connection:
        return households.sign_in_link(connection, role=role, household_id=household_id, now=NOON)


def _redeem(
    database: Database, token: str, after: timedelta = timedelta()
) -> tuple[str, Session] | None:
    with database.write() as connection:
        return households.redeem_link(connection, token, now=NOON + after)


def test_a_link_signs_in_once(database: Database) -> None:
    set_up_home(database)
    token = _link(database)
    redeemed = _redeem(database, token)
    assert redeemed is not None
    session_id, session = redeemed
    assert (session.household_id, session.role, session.language) == ("hh-1", Role.HOUSEHOLD, "en")
    assert session.time_zone == "Europe/Amsterdam"
    assert _redeem(database, token) is None
    with database.read() as connection:
        assert households.session(connection, session_id, now=NOON) == session


def test_of_two_clicks_at_once_one_signs_in(database: Database) -> None:
    set_up_home(database)
    token = _link(database)
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(_redeem(database, token))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in results if each is not None]) == 1


@pytest.mark.parametrize(
    ("after", "works"),
    [(timedelta(minutes=14, seconds=59), True), (timedelta(minutes=15), False)],
    ids=["in time", "too late"],
)
def test_a_link_works_for_fifteen_minutes(
    database: Database, after: timedelta, works: bool
) -> None:
    set_up_home(database)
    assert (_redeem(database, _link(database), after) is not None) is works


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\x00"])
def test_a_token_of_nobody_opens_nothing(database: Database, token: str) -> None:
    assert _redeem(database, token) is None
    with database.read() as connection:
        assert households.session(connection, token, now=NOON) is None


def test_neither_token_nor_session_id_is_in_the_database(database: Database) -> None:
    set_up_home(database)
    token = _link(database)
    redeemed = _redeem(database, token)
    assert redeemed is not None
    with database.read() as connection:
        everything = str(
            [
                connection.execute(select(table)).all()
                for table in (tables.sign_in_links, tables.sessions)
            ]
        )
    assert token not in everything
    assert redeemed[0] not in everything


def test_a_session_ends_when_its_person_says_so_and_by_itself(database: Database) -> None:
    set_up_home(database)
    first = _redeem(database, _link(database))
    second = _redeem(database, _link(database))
    assert first is not None
    assert second is not None
    with database.write() as connection:
        households.sign_out(connection, first[1].session_hash, now=NOON)
        assert households.session(connection, first[0], now=NOON) is None
        late = NOON + households.SESSION_LIFETIME
        assert households.session(connection, second[0], now=late) is None
        assert households.session(connection, second[0], now=late - timedelta(seconds=1))


def test_an_operator_belongs_to_no_household(database: Database) -> None:
    redeemed = _redeem(database, _link(database, Role.OPERATOR, None))
    assert redeemed is not None
    assert (redeemed[1].role, redeemed[1].household_id) == (Role.OPERATOR, None)


@pytest.mark.parametrize(
    ("role", "household_id", "fault"),
    [
        (Role.HOUSEHOLD, None, BadRequest),
        (Role.OPERATOR, "hh-1", BadRequest),
        (Role.HOUSEHOLD, "hh-9", UnknownThing),
    ],
)
def test_a_link_for_nobody_is_not_made(
    database: Database, role: Role, household_id: str | None, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        _link(database, role, household_id)


def test_the_language_of_a_person_is_remembered(database: Database) -> None:
    set_up_home(database)
    redeemed = _redeem(database, _link(database))
    assert redeemed is not None
    session_id, session = redeemed
    with database.write() as connection:
        households.set_language(connection, session.person_id, "nl")
        with pytest.raises(BadRequest):
            households.set_language(connection, session.person_id, "tlh")
    with database.read() as connection:
        changed = households.session(connection, session_id, now=NOON)
    assert changed is not None
    assert changed.language == "nl"


def test_a_household_sees_its_own_devices_only(database: Database) -> None:
    set_up_home(database)
    set_up_home(database, "hh-2", "gw-2")
    with database.read() as connection:
        devices = households.devices(connection, "hh-1")
    assert [each.device_id for each in devices] == ["btn-kitchen", "trv-living"]
    assert {each.household_id for each in devices} == {"hh-1"}
    assert [each.sku for each in devices[0].slots] == ["paper-towels-6"]
    assert devices[0].last_heard_at is None


def test_a_slot_may_be_bound_anew_and_to_nothing(database: Database) -> None:
    set_up_home(database)
    with database.write() as connection:
        households.bind_slot(
            connection, slot("hh-1", "btn-kitchen", "button-1", sku=None), now=NOON
        )
        found = households.slot(connection, "hh-1", "btn-kitchen", "button-1")
        assert found is not None
        assert found.sku is None
        assert households.slot(connection, "hh-2", "btn-kitchen", "button-1") is None
        with pytest.raises(UnknownThing, match="stranger"):
            households.bind_slot(connection, slot("hh-1", "stranger", "s", sku="x"), now=NOON)


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "x" * 65, "né", "a\n"])
def test_an_id_that_cannot_be_a_topic_is_refused(database: Database, name: str) -> None:
    with pytest.raises(BadRequest), database.write() as connection:
        households.add_household(connection, name, language="en", time_zone="UTC", now=NOON)


def test_what_is_there_already_is_said(database: Database) -> None:
    set_up_home(database)
    with pytest.raises(AlreadyThere, match="hh-1"):
        set_up_home(database)


def test_a_time_zone_that_is_none_is_refused(database: Database) -> None:
    with pytest.raises(BadRequest, match="IANA"), database.write() as connection:
        households.add_household(connection, "hh-1", language="en", time_zone="Mars", now=NOON)
