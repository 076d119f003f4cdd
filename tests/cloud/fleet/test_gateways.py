"""Gateways are registered with a secret that is shown once, and asked to identify a device."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud_builders import NOON, FakeBroker, FakeClock, set_up_home
from zodra_cloud.errors import AlreadyThere, BadRequest, UnknownThing
from zodra_cloud.fleet import repository
from zodra_cloud.fleet import service as fleet
from zodra_cloud.fleet.policy import GatewayState
from zodra_cloud.fleet.service import CommandSender
from zodra_cloud.ingest.service import GatewayTeller
from zodra_cloud.kit.broker import BROKER_DOWN_WAIT, BrokerDown
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_contract.envelope import read_command


def test_the_secret_is_not_stored(database: Database) -> None:
    set_up_home(database)
    with database.write() as connection:
        secret = fleet.add_gateway(connection, "hh-1", "gw-2", now=NOON)
        stored = str(connection.execute(select(repository.gateways)).all())
    assert len(secret) >= 43
    assert secret not in stored


def test_an_id_is_one_gateways_over_all_households(database: Database) -> None:
    set_up_home(database)
    set_up_home(database, "hh-2", "gw-2")
    with pytest.raises(AlreadyThere), database.write() as connection:
        fleet.add_gateway(connection, "hh-2", "gw-1", now=NOON)


@pytest.mark.parametrize("gateway_id", ["cloud", "a.b", ""])
def test_a_name_that_the_broker_needs_or_cannot_carry_is_refused(
    database: Database, gateway_id: str
) -> None:
    set_up_home(database)
    with pytest.raises(BadRequest), database.write() as connection:
        fleet.add_gateway(connection, "hh-1", gateway_id, now=NOON)


def test_revoking_counts_from_the_first_time(database: Database) -> None:
    set_up_home(database)
    with database.write() as connection:
        fleet.revoke(connection, "gw-1", now=NOON)
        fleet.revoke(connection, "gw-1", now=NOON + timedelta(days=1))
        (view,) = fleet.gateways(connection, now=NOON)
        with pytest.raises(UnknownThing):
            fleet.revoke(connection, "gw-9", now=NOON)
        assert fleet.addresses(connection, ["hh-1"]) == {}
    assert (view.verdict.state, view.verdict.since) == (GatewayState.REVOKED, NOON)


def test_a_household_sees_its_own_gateways_only(database: Database) -> None:
    set_up_home(database)
    set_up_home(database, "hh-2", "gw-2")
    with database.read() as connection:
        views = fleet.of_household(connection, "hh-1", now=NOON)
    assert [view.gateway.gateway_id for view in views] == ["gw-1"]


def _claimed(database: Database) -> Job:
    with database.write() as connection:
        (job,) = jobs.claim(connection, owner="w", now=NOON, limit=9, lease_s=60)
    return job


def test_a_command_is_sent_by_its_job_while_it_is_fresh(database: Database) -> None:
    set_up_home(database)
    clock, broker = FakeClock(), FakeBroker()
    with database.write() as connection:
        command = fleet.identify(connection, "gw-1", "btn-kitchen", now=NOON)
    job = _claimed(database)
    CommandSender(database, clock, broker)(job)
    ((topic, payload),) = broker.sent
    assert topic == "down/hh-1/gw-1/command"
    assert read_command(payload).command_id == command.command_id
    clock.advance(61)
    CommandSender(database, clock, broker)(job)
    assert len(broker.sent) == 1


def test_nobody_is_asked_for_a_device_they_do_not_have(database: Database) -> None:
    set_up_home(database)
    with database.write() as connection:
        with pytest.raises(UnknownThing):
            fleet.identify(connection, "gw-1", "stranger", now=NOON)
        with pytest.raises(UnknownThing):
            fleet.identify(connection, "gw-9", "btn-kitchen", now=NOON)
        fleet.revoke(connection, "gw-1", now=NOON)
        with pytest.raises(BadRequest):
            fleet.identify(connection, "gw-1", "btn-kitchen", now=NOON)


def test_an_outcome_of_a_need_that_is_gone_is_an_error_for_the_operator(
    database: Database,
) -> None:
    job = Job(1, "tell_gateway", "k", "hh-1", {"signal_id": "p_1"}, 0, 1)
    with pytest.raises(UnknownThing):
        GatewayTeller(database, FakeClock(), FakeBroker())(job)


def test_a_broker_that_is_away_for_long_costs_no_attempts(database: Database) -> None:
    set_up_home(database)

    class Away:
        def send(self, topic: str, payload: bytes) -> None:
            raise BrokerDown("not connected")

        def send_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
            raise BrokerDown("not connected")

    with database.write() as connection:
        fleet.identify(connection, "gw-1", "btn-kitchen", now=NOON)
    CommandSender(database, FakeClock(), Away())(_claimed(database))
    with database.write() as connection:
        later = jobs.next_due_at(connection)
        assert later == NOON + BROKER_DOWN_WAIT
        (job,) = jobs.claim(connection, owner="w", now=later, limit=9, lease_s=60)
    assert job.failures == 0
