"""One transaction stores everything or nothing, and only then is there something to answer."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from cloud_builders import NOON, FakeBroker, FakeClock, set_up_home
from cloud_messages import answer, health, need, needs, read, reading, telemetry
from zodra_cloud.fleet import service as fleet
from zodra_cloud.fleet.policy import GatewayState
from zodra_cloud.households import service as households
from zodra_cloud.ingest import service as ingest
from zodra_cloud.ingest.reader import Received, Refusal
from zodra_cloud.ingest.repository import tables
from zodra_cloud.ingest.writer import Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_contract.envelope import Receipt, UpMessage, read_receipt, to_bytes
from zodra_contract.outcome import RejectReason, SignalState


class Cloud:
    """A writer with a home, and what it answered."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.writer = Writer(database, self.clock, Changes())
        set_up_home(database)

    def take(self, *messages: UpMessage | bytes | Received | Refusal) -> dict[str, Receipt]:
        """Store messages in one transaction; give the newest receipt by topic."""
        given = [each if isinstance(each, Received | Refusal) else read(each) for each in messages]
        return {
            each.topic: read_receipt(each.payload)
            for each in self.writer.store(given)
            if b'"lane"' not in each.payload
        }

    def receipt(self, *messages: UpMessage | bytes | Received | Refusal) -> Receipt:
        return self.take(*messages)["down/hh-1/gw-1/receipt"]

    def count(self, table: Any) -> int:
        with self.database.read() as connection:
            counted: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
            return counted


@pytest.fixture
def cloud(database: Database) -> Cloud:
    return Cloud(database)


def test_a_new_need_is_stored_with_the_job_that_decides_it(cloud: Cloud) -> None:
    receipt = cloud.receipt(needs(need(1), need(2)))
    assert (receipt.upto, receipt.rejected, receipt.refused) == (2, (), None)
    with cloud.database.write() as connection:
        stored = ingest.signal(connection, "hh-1", "p_1")
        claimed = jobs.claim(connection, owner="w", now=NOON, limit=9, lease_s=1)
    assert stored.state is SignalState.RECEIVED
    assert stored.occurred_at == NOON - timedelta(seconds=1)
    assert stored.evidence == {"battery_percent": 80}
    assert [(job.kind, job.key, job.household_id, job.payload) for job in claimed] == [
        ("decide", "decide:hh-1:p_1", "hh-1", {"signal_id": "p_1"}),
        ("decide", "decide:hh-1:p_2", "hh-1", {"signal_id": "p_2"}),
    ]


def test_the_same_press_from_two_gateways_is_one_need(cloud: Cloud) -> None:
    with cloud.database.write() as connection:
        fleet.add_gateway(connection, "hh-1", "gw-2", now=NOON)
    again = needs(need(7, signal_id="p_1"), kept_from=7, gateway_id="gw-2")
    answers = cloud.take(needs(need(1)), read(again, gateway_id="gw-2"))
    assert answers["down/hh-1/gw-1/receipt"].upto == 1
    assert answers["down/hh-1/gw-2/receipt"].upto == 7
    assert cloud.count(tables.need_signals) == 1
    assert cloud.count(jobs.jobs) == 1


def test_a_repeated_batch_stores_nothing_and_is_receipted_again(cloud: Cloud) -> None:
    batch = telemetry(*(reading(n) for n in range(1, 51)))
    first = cloud.receipt(batch)
    assert cloud.receipt(batch, batch).upto == first.upto == 50
    assert cloud.count(tables.telemetry) == 50


def test_a_batch_that_overlaps_what_is_stored_adds_only_what_is_new(cloud: Cloud) -> None:
    cloud.receipt(telemetry(*(reading(n) for n in range(1, 11))))
    receipt = cloud.receipt(telemetry(*(reading(n) for n in range(6, 21))))
    assert receipt.upto == 20
    assert cloud.count(tables.telemetry) == 20


def test_a_row_that_should_be_new_and_is_not_costs_nothing_but_time(cloud: Cloud) -> None:
    """Islands beyond the bound are forgotten; their rows are in the table all the same."""
    cloud.receipt(telemetry(*(reading(n) for n in range(1, 11))))
    with cloud.database.write() as connection:
        connection.execute(text("UPDATE buffers SET upto = 0"))
    assert cloud.receipt(telemetry(*(reading(n) for n in range(1, 13)))).upto == 12
    assert cloud.count(tables.telemetry) == 12


def test_the_watermark_waits_for_what_is_missing(cloud: Cloud) -> None:
    assert cloud.receipt(telemetry(reading(1))).upto == 1
    assert cloud.receipt(telemetry(reading(3))).upto == 1
    assert cloud.receipt(telemetry(reading(2))).upto == 3


def test_rejected_rows_are_named_and_the_rest_is_kept(cloud: Cloud) -> None:
    batch = telemetry(reading(1), reading(2, "heart_rate_bpm"), reading(3, device_id="stranger"))
    receipt = cloud.receipt(batch)
    assert receipt.upto == 3
    assert receipt.rejected == ((2, RejectReason.STAYS_HOME), (3, RejectReason.UNKNOWN_DEVICE))
    assert cloud.count(tables.telemetry) == 1


def test_a_rejection_is_named_until_the_gateway_has_taken_notice(cloud: Cloud) -> None:
    """A receipt may be lost; the next one must not make a rejected row look stored."""
    cloud.receipt(telemetry(reading(1), reading(2, "heart_rate_bpm")))
    assert cloud.receipt(telemetry(reading(3))).rejected == ((2, RejectReason.STAYS_HOME),)
    assert cloud.receipt(telemetry(reading(4), kept_from=4)).rejected == ()
    assert cloud.count(tables.rejected_rows) == 0


def test_an_intimate_reading_is_found_nowhere_in_the_database(cloud: Cloud) -> None:
    cloud.receipt(
        telemetry(reading(1, "heart_rate_bpm")),
        needs(need(1, evidence={"cry_confidence_percent": 97})),
    )
    with cloud.database.read() as connection:
        everything = [
            str(connection.execute(select(table)).all())
            for table in (tables.telemetry, tables.need_signals, tables.refusals)
        ]
    assert "heart_rate" not in "".join(everything)
    assert "97" not in "".join(everything[:2])


def test_an_unreadable_row_is_rejected_by_name(cloud: Cloud) -> None:
    body = json.loads(to_bytes(needs(need(1), need(2))))
    body["rows"][0][1]["kind"] = "of_tomorrow"
    receipt = cloud.receipt(json.dumps(body).encode())
    assert (receipt.upto, receipt.rejected) == (2, ((1, RejectReason.MALFORMED),))


def _newer() -> bytes:
    return json.dumps({**json.loads(to_bytes(needs(need(1)))), "version": 9}).encode()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(_newer(), RejectReason.NEWER_VERSION, id="newer"),
        pytest.param(b"noise", RejectReason.MALFORMED, id="noise"),
        pytest.param(
            needs(need(1), gateway_id="gw-9"), RejectReason.WRONG_GATEWAY, id="another's envelope"
        ),
    ],
)
def test_a_refused_message_is_counted_and_answered_and_stops_nothing(
    cloud: Cloud, message: UpMessage | bytes, reason: RejectReason
) -> None:
    other = telemetry(reading(1))
    answers = [
        read_receipt(each.payload)
        for each in cloud.writer.store([read(message), read(other), read(message)])
    ]
    assert {each.refused for each in answers} == {reason, None}
    assert cloud.count(tables.telemetry) == 1
    assert cloud.count(tables.need_signals) == 0
    with cloud.database.read() as connection:
        (counted,) = ingest.refusals(connection)
        (view,) = fleet.gateways(connection, now=NOON)
    assert (counted.gateway_id, counted.reason, counted.count) == ("gw-1", reason, 2)
    assert view.verdict.state is GatewayState.REFUSING
    assert view.verdict.detail == reason


def test_each_batch_that_is_refused_is_answered_by_its_name(cloud: Cloud) -> None:
    body = json.loads(to_bytes(needs(need(1), need(2))))
    bad = [
        json.dumps({**body, "sent_at": "?", "rows": body["rows"][-n:]}).encode() for n in (2, 1, 2)
    ]
    answers = [read_receipt(each.payload) for each in cloud.writer.store([*map(read, bad)])]
    assert [(each.buffer_id, each.batch) for each in answers] == [
        ("buf-n", (1, 2)),
        ("buf-n", (2, 1)),
    ]


def test_every_receipt_carries_the_pace_that_is_asked_for(cloud: Cloud) -> None:
    messages = [read(each) for each in (needs(need(1)), telemetry(reading(1)), health(), b"noise")]
    cloud.writer.look_at_queue(1.0)
    for queue, pace_ms in ((1.0, 400), (0.3, 400), (0.0, None)):
        cloud.clock.advance(2)
        cloud.writer.look_at_queue(queue)
        receipts = [read_receipt(each.payload) for each in cloud.writer.store(messages)]
        assert [each.pace_ms for each in receipts] == [pace_ms] * 4


def test_a_gateway_that_names_another_household_gets_nothing_stored_there(cloud: Cloud) -> None:
    set_up_home(cloud.database, "hh-2", "gw-2")
    answers = cloud.take(read(needs(need(1)), household_id="hh-2"))
    assert answers["down/hh-1/gw-1/receipt"].refused is RejectReason.WRONG_GATEWAY
    assert cloud.count(tables.need_signals) == 0


def test_strangers_are_counted_together_and_not_answered(cloud: Cloud) -> None:
    strangers = [
        read(needs(need(1), gateway_id=f"gw-x{n}"), gateway_id=f"gw-x{n}") for n in range(20)
    ]
    assert cloud.take(*strangers) == {}
    with cloud.database.read() as connection:
        (counted,) = ingest.refusals(connection)
    assert (counted.household_id, counted.gateway_id, counted.count) == ("", "", 20)


def test_a_revoked_gateway_is_refused_from_that_moment(cloud: Cloud) -> None:
    cloud.receipt(needs(need(1)))
    with cloud.database.write() as connection:
        fleet.revoke(connection, "gw-1", now=NOON)
    assert cloud.receipt(needs(need(2))).refused is RejectReason.REVOKED
    assert cloud.count(tables.need_signals) == 1


def test_health_and_answers_reach_the_fleet(cloud: Cloud) -> None:
    with cloud.database.write() as connection:
        command = fleet.identify(connection, "gw-1", "btn-kitchen", now=NOON)
    cloud.take(health(need_depth=3, need_oldest_age_s=90.0), answer(command.command_id))
    with cloud.database.read() as connection:
        (view,) = fleet.gateways(connection, now=NOON)
        done = fleet.command(connection, "gw-1", command.command_id)
    assert (view.verdict.state, view.verdict.value) == (GatewayState.BEHIND, 90.0)
    assert done.outcome == "done"


def test_the_latest_reading_of_each_kind_is_at_hand(cloud: Cloud) -> None:
    cloud.receipt(telemetry(reading(1), reading(2, "battery_percent"), reading(3)))
    with cloud.database.read() as connection:
        devices = households.devices(connection, "hh-1")
    thermostat = next(each for each in devices if each.device_id == "trv-living")
    assert thermostat.last_heard_at == NOON
    assert {each.kind: each.observed_at for each in thermostat.readings} == {
        "battery_percent": NOON + timedelta(milliseconds=2),
        "room_temperature_c": NOON + timedelta(milliseconds=3),
    }


def test_nothing_is_stored_and_nothing_answered_while_the_database_cannot(
    cloud: Cloud,
) -> None:
    """A fault in the middle takes all of it back, and the same messages may be given again."""
    with cloud.database.write() as connection:
        connection.execute(text("ALTER TABLE jobs RENAME TO away"))
    with pytest.raises(DBAPIError):
        cloud.take(telemetry(reading(1)), needs(need(1)))
    assert cloud.count(tables.telemetry) == 0
    with cloud.database.write() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO jobs"))
    assert len(cloud.take(telemetry(reading(1)), needs(need(1)))) == 1
    assert cloud.count(tables.telemetry) == cloud.count(tables.need_signals) == 1


def test_a_message_that_the_database_will_not_take_is_refused_alone(cloud: Cloud) -> None:
    with cloud.database.write() as connection:
        connection.execute(
            text("CREATE UNIQUE INDEX poison ON need_signals (household_id, device_id)")
        )
        if cloud.database.dialect == "sqlite":
            connection.execute(
                text(
                    "CREATE TRIGGER no BEFORE INSERT ON need_signals WHEN NEW.signal_id = 'p_2'"
                    " BEGIN SELECT RAISE(ROLLBACK, 'constraint'); END"
                )
            )
        else:
            connection.execute(text("ALTER TABLE need_signals ADD CHECK (signal_id <> 'p_2')"))
        connection.execute(text("DROP INDEX poison"))
    batches = [needs(need(n), kept_from=n, buffer_id=f"buf-{n}") for n in range(1, 5)]
    answers = cloud.writer.store([read(each) for each in batches])
    receipts = {each.buffer_id: each for each in (read_receipt(a.payload) for a in answers)}
    assert {each.buffer_id for each in receipts.values() if each.refused} == {"buf-2"}
    assert receipts["buf-2"].batch == (2, 1)
    assert cloud.count(tables.need_signals) == 3
    with cloud.database.read() as connection:
        (counted,) = ingest.refusals(connection)
    assert (counted.reason, counted.count) == (RejectReason.MALFORMED, 1)


def test_a_need_moves_forward_only_and_its_gateway_is_told(cloud: Cloud) -> None:
    cloud.receipt(needs(need(1)))
    changes = Changes()

    def move(state: SignalState) -> bool:
        with cloud.database.write() as connection:
            return ingest.advance(connection, "hh-1", "p_1", state, "", now=NOON, changes=changes)

    assert move(SignalState.ORDERED)
    assert not move(SignalState.ASKED)
    with cloud.database.read() as connection:
        assert ingest.tally(connection, "hh-1") == {SignalState.ORDERED: 1}
        assert ingest.tally(connection, "hh-2") == {}
    with cloud.database.write() as connection:
        kinds = [
            job.kind for job in jobs.claim(connection, owner="w", now=NOON, limit=9, lease_s=1)
        ]
    assert sorted(kinds) == ["decide", "tell_gateway"]


def test_a_gateway_that_was_away_is_told_again_what_it_missed(cloud: Cloud) -> None:
    cloud.take(health(), needs(need(1), need(2)))
    cloud.clock.advance(100)
    with cloud.database.write() as connection:
        ingest.advance(
            connection,
            "hh-1",
            "p_1",
            SignalState.REFUSED,
            "",
            now=cloud.clock.now(),
            changes=Changes(),
        )
        jobs.claim(connection, owner="w", now=cloud.clock.now(), limit=9, lease_s=600)
    cloud.clock.advance(100)
    cloud.take(health())
    with cloud.database.write() as connection:
        (job,) = jobs.claim(connection, owner="w", now=cloud.clock.now(), limit=9, lease_s=600)
    assert job.payload == {"gateway_id": "gw-1", "signal_ids": ["p_1"]}
    broker = FakeBroker()
    ingest.GatewayTeller(cloud.database, cloud.clock, broker)(job)
    assert [topic for topic, _ in broker.sent] == ["down/hh-1/gw-1/outcome"]
    cloud.clock.advance(100)
    cloud.take(health())
    with cloud.database.write() as connection:
        assert jobs.claim(connection, owner="w", now=cloud.clock.now(), limit=9, lease_s=1) == []
