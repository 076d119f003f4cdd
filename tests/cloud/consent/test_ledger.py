"""The ledger on both databases: entries are added, one purpose at a time, and never changed."""

from typing import Any

import pytest

from business_builders import HOUSEHOLD, PERSON
from cloud_builders import NOON, set_up_home
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.kit.changes import Changes
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database

SAID: dict[str, Any] = {
    "person_id": PERSON,
    "language": "nl",
    "method": Method.PAGE,
    "now": NOON,
    "changes": Changes(),
}


@pytest.fixture
def home(database: Database) -> Database:
    set_up_home(database, HOUSEHOLD)
    return database


def test_at_first_nothing_is_granted(home: Database) -> None:
    with home.read() as connection:
        assert consent.current(connection, HOUSEHOLD) == dict.fromkeys(Purpose)


def test_a_grant_records_who_when_what_and_how(home: Database) -> None:
    with home.write(HOUSEHOLD) as connection:
        granted = consent.grant(connection, HOUSEHOLD, Purpose.REPLENISH, **SAID)
    with home.read() as connection:
        standing = consent.current(connection, HOUSEHOLD)
        assert consent.live_grant(connection, HOUSEHOLD, Purpose.REPLENISH) == granted
    assert standing == {
        Purpose.REPLENISH: granted,
        Purpose.OFFERS: None,
        Purpose.FORECASTS: None,
        Purpose.DIAGNOSTICS: None,
    }
    assert (granted.person_id, granted.language, granted.recorded_at) == (PERSON, "nl", NOON)
    assert (granted.method, granted.notice_version) == (Method.PAGE, "2026-11")


def test_saying_it_twice_adds_nothing(home: Database) -> None:
    with home.write(HOUSEHOLD) as connection:
        first = consent.grant(connection, HOUSEHOLD, Purpose.OFFERS, **SAID)
        assert consent.grant(connection, HOUSEHOLD, Purpose.OFFERS, **SAID) == first
        assert consent.withdraw(connection, HOUSEHOLD, Purpose.OFFERS, **SAID) is not None
        assert consent.withdraw(connection, HOUSEHOLD, Purpose.OFFERS, **SAID) is None
        assert len(consent.ledger(connection, HOUSEHOLD)) == 2


def test_every_change_of_mind_stays_in_the_ledger(home: Database) -> None:
    with home.write(HOUSEHOLD) as connection:
        for _time in range(3):
            consent.grant(connection, HOUSEHOLD, Purpose.OFFERS, **SAID)
            consent.withdraw(connection, HOUSEHOLD, Purpose.OFFERS, **SAID)
        ledger = consent.ledger(connection, HOUSEHOLD)
    assert [entry.granted for entry in ledger] == [False, True] * 3
    numbers = [entry.consent_id for entry in ledger]
    assert numbers == sorted(numbers, reverse=True)


def test_a_withdrawal_leaves_a_job_that_takes_back_what_waits(home: Database) -> None:
    with home.write(HOUSEHOLD) as connection:
        for purpose in Purpose:
            consent.grant(connection, HOUSEHOLD, purpose, **SAID)
            consent.withdraw(connection, HOUSEHOLD, purpose, **SAID)
        claimed = jobs.claim(connection, owner="w", now=NOON, limit=9, lease_s=9)
    assert [job.kind for job in claimed] == [
        "replenish_withdrawn",
        "offers_withdrawn",
        "forecasts_granted",
        "forecasts_withdrawn",
    ]


def test_another_households_word_does_not_count(home: Database) -> None:
    with home.write(HOUSEHOLD) as connection:
        consent.grant(connection, HOUSEHOLD, Purpose.REPLENISH, **SAID)
        assert consent.live_grant(connection, "hh-2", Purpose.REPLENISH) is None
        assert consent.ledger(connection, "hh-2") == []
