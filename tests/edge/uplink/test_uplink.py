"""The conversation with the cloud, against a real broker."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge_broker import PASSWORD, USER, Cloud, amqtt, cloud, free_port, until
from zodra_contract.command import Command, CommandOutcome
from zodra_contract.envelope import (
    CommandAnswer,
    HealthReport,
    NeedBatch,
    Receipt,
    Rejection,
    TelemetryBatch,
    to_bytes,
)
from zodra_contract.outcome import RejectReason, SignalOutcome, SignalState
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_contract.topics import Address, Down
from zodra_edge.clock import Clock
from zodra_edge.link import Lane, LinkState, reconnect_s
from zodra_edge.outbox import Kept, KeptReading, LightRow, Outbox
from zodra_edge.settings import Settings
from zodra_edge.uplink import Hooks, Uplink, connection

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def signal(name: str) -> NeedSignal:
    return NeedSignal(
        signal_id=name,
        device_id="btn-kitchen",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        authenticated=True,
    )


def reading(value: float) -> KeptReading:
    made = Reading(
        device_id="trv-living", kind=ReadingKind.ROOM_TEMPERATURE_C, value=value, observed_at=AT
    )
    return KeptReading(made, TimeQuality.SYNCED, 5)


@dataclass
class Edge:
    """The uplink with everything around it that these tests look at."""

    uplink: Uplink
    outbox: Outbox
    outcomes: list[SignalOutcome] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)

    async def press(self, name: str) -> None:
        light = LightRow("btn-kitchen", "button-1", name, "kept", "", 0)
        assert isinstance(await self.outbox.keep(signal(name), [], light, AT), Kept)
        self.uplink.wake()

    async def read(self, count: int) -> None:
        await self.outbox.keep_readings([reading(number) for number in range(count)])
        self.uplink.wake()

    def depth(self, lane: Lane = Lane.NEED) -> int:
        return self.outbox.level(lane).depth


def settings(port: int, gateway_id: str, data_dir: Path, **uplink: float) -> Settings:
    return Settings.model_validate(
        {
            "gateway_id": gateway_id,
            "household_id": "hh-1",
            "data_dir": data_dir,
            "cloud": {
                "host": "127.0.0.1",
                "port": port,
                "username": USER,
                "password": PASSWORD,
            },
            "uplink": {"backoff_s_max": 0.2, "receipt_timeout_s": 0.5, **uplink},
        }
    )


@contextlib.asynccontextmanager
async def edge(wanted: Settings, draw: Callable[[], float] = lambda: 0.5) -> AsyncIterator[Edge]:
    async with Outbox(wanted.data_dir, wanted.outbox) as outbox:
        clock = Clock(wanted.data_dir / "floor")

        def health() -> HealthReport:
            return HealthReport(
                gateway_id=wanted.gateway_id,
                boot_id="boot",
                sent_at=AT,
                uptime_s=1,
                need_depth=0,
                need_oldest_age_s=0,
                telemetry_depth=0,
                quarantine_depth=0,
                refusals={},
                adapters=(),
                clock_quality=TimeQuality.SYNCED,
                rss_bytes=1,
                local_mqtt_connected=False,
            )

        async def outcome(heard: SignalOutcome) -> None:
            made.outcomes.append(heard)

        def command(heard: Command) -> CommandOutcome:
            made.commands.append(heard)
            return CommandOutcome.DONE

        hooks = Hooks(
            health=health,
            outcome=outcome,
            command=command,
            count=lambda reason: made.counts.append(reason),
            changed=lambda: None,
            draw=draw,
        )
        made = Edge(Uplink(wanted, outbox, clock, hooks), outbox)
        task = asyncio.create_task(made.uplink.run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def their_cloud(broker_port: int, gateway_id: str) -> AsyncIterator[Cloud]:
    async with cloud(broker_port, Address("hh-1", gateway_id)) as served:
        yield served


@pytest.fixture
async def our_edge(
    broker_port: int, gateway_id: str, data_dir: Path, their_cloud: Cloud
) -> AsyncIterator[Edge]:
    async with edge(settings(broker_port, gateway_id, data_dir)) as made:
        await until(lambda: made.uplink.status.state is LinkState.ONLINE)
        yield made


async def test_a_need_goes_up_and_leaves_on_its_receipt(our_edge: Edge, their_cloud: Cloud) -> None:
    await our_edge.press("p_1")
    await until(lambda: our_edge.depth() == 0)
    assert their_cloud.needs() == [(1, "p_1")]
    assert our_edge.uplink.status.last_receipt_at is not None


async def test_the_brokers_word_is_not_enough_and_what_has_no_receipt_is_sent_again(
    our_edge: Edge, their_cloud: Cloud
) -> None:
    their_cloud.answers = False
    await our_edge.press("p_1")
    await until(lambda: len(their_cloud.needs()) >= 2)
    assert set(their_cloud.needs()) == {(1, "p_1")}
    assert our_edge.depth() == 1
    assert "receipt_overdue" in our_edge.counts
    await until(lambda: our_edge.uplink.status.unanswered >= 3)
    their_cloud.answers = True
    await until(lambda: our_edge.depth() == 0)
    assert our_edge.uplink.status.unanswered == 0


async def test_a_cloud_that_is_not_there_is_noticed_without_a_row_to_send(
    broker_port: int, gateway_id: str, data_dir: Path, their_cloud: Cloud
) -> None:
    their_cloud.answers = False
    wanted = settings(broker_port, gateway_id, data_dir, health_period_s=1)
    async with edge(wanted) as idle:
        await until(lambda: idle.uplink.status.unanswered >= 1)
        assert idle.uplink.status.state is LinkState.ONLINE
        assert "receipt_overdue" not in idle.counts, "no row was sent"


async def test_needs_go_before_telemetry_however_much_of_it_waits(
    broker_port: int, gateway_id: str, data_dir: Path, their_cloud: Cloud
) -> None:
    wanted = settings(broker_port, gateway_id, data_dir)
    async with Outbox(data_dir, wanted.outbox) as outbox:
        await outbox.keep_readings([reading(number) for number in range(5_000)])
        await outbox.keep(signal("p_1"), [], LightRow("d", "s", "p_1", "kept", "", 0), AT)
    async with edge(wanted) as made:
        await until(lambda: made.depth(Lane.TELEMETRY) == 0)
    batches = [m for m in their_cloud.heard if isinstance(m, NeedBatch | TelemetryBatch)]
    assert isinstance(batches[0], NeedBatch)
    rows = [row.sequence for m in batches[1:] for row in m.rows]
    assert rows == list(range(1, 5_001))


async def test_readings_arrive_as_they_were(our_edge: Edge, their_cloud: Cloud) -> None:
    await our_edge.read(3)
    await until(lambda: our_edge.depth(Lane.TELEMETRY) == 0)
    (batch,) = their_cloud.of(TelemetryBatch)
    assert isinstance(batch, TelemetryBatch)
    assert batch.base_at == AT
    assert [(row.device_id, row.kind, row.value, row.offset_ms) for row in batch.rows] == [
        ("trv-living", "room_temperature_c", float(number), 0) for number in range(3)
    ]


async def test_a_rejected_row_is_set_aside_and_the_rest_leaves(
    our_edge: Edge, their_cloud: Cloud
) -> None:
    their_cloud.answers = False
    await our_edge.press("p_1")
    await our_edge.press("p_2")
    await until(lambda: len(set(their_cloud.needs())) == 2)
    await their_cloud.receipt(
        Receipt(
            buffer_id=our_edge.outbox.level(Lane.NEED).buffer_id,
            upto=2,
            rejected=(Rejection(1, RejectReason.UNKNOWN_DEVICE),),
            committed_at=AT,
        )
    )
    await until(lambda: our_edge.depth() == 0)
    assert our_edge.outbox.level(Lane.NEED).quarantined == 1
    assert "cloud_unknown_device" in our_edge.counts


@pytest.mark.parametrize(
    "reason", [RejectReason.REVOKED, RejectReason.NEWER_VERSION, RejectReason.WRONG_GATEWAY]
)
async def test_a_refusal_is_visible_keeps_every_row_and_ends_when_the_cloud_relents(
    our_edge: Edge, their_cloud: Cloud, reason: RejectReason
) -> None:
    their_cloud.answers = False
    await our_edge.press("p_1")
    await until(their_cloud.needs)
    await their_cloud.receipt(Receipt(refused=reason, committed_at=AT))
    await until(lambda: our_edge.uplink.status.refusing == reason)
    assert our_edge.depth() == 1
    their_cloud.answers = True
    await until(lambda: our_edge.depth() == 0)
    await until(lambda: our_edge.uplink.status.refusing == "")


async def test_needs_behind_one_that_the_cloud_wants_later_do_not_wait_for_it(
    broker_port: int, gateway_id: str, data_dir: Path, their_cloud: Cloud
) -> None:
    their_cloud.later = 2
    # Nothing is ever overdue here: whatever waited for a timeout would wait for ever.
    wanted = settings(broker_port, gateway_id, data_dir, receipt_timeout_s=600)
    async with edge(wanted) as made:
        for number in range(1, 20):
            name = f"p_{number}"
            await made.press(name)
            await until(lambda name=name: name in {sent for _, sent in their_cloud.needs()})
        await until(lambda: made.uplink.status.refusing == "newer_version")
        assert made.depth() == 18, "only what lies below the watermark leaves"
        # It is sent again now and then, and with it what may have been lost behind it.
        await until(lambda: their_cloud.needs().count((2, "p_2")) >= 3)
        their_cloud.later = None
        await until(lambda: made.depth() == 0)
        assert "receipt_overdue" not in made.counts
    assert set(their_cloud.needs()) == {(number, f"p_{number}") for number in range(1, 20)}


async def test_a_row_that_spoils_every_batch_is_found_and_set_aside(
    broker_port: int, gateway_id: str, data_dir: Path, their_cloud: Cloud
) -> None:
    their_cloud.spoils = 3
    wanted = settings(broker_port, gateway_id, data_dir, backoff_s_max=0.1)
    async with Outbox(data_dir, wanted.outbox) as outbox:
        for number in range(1, 9):
            light = LightRow("d", "s", f"p_{number}", "kept", "", 0)
            await outbox.keep(signal(f"p_{number}"), [], light, AT)
    async with edge(wanted) as made:
        await until(lambda: made.depth() == 0)
        assert made.outbox.level(Lane.NEED).quarantined == 1
    sent = {name for _, name in their_cloud.needs()}
    assert sent == {f"p_{number}" for number in range(1, 9)}


async def test_outcomes_and_commands_are_heard_and_commands_answered(
    our_edge: Edge, their_cloud: Cloud
) -> None:
    outcome = SignalOutcome(
        signal_id="p_1",
        device_id="btn-kitchen",
        slot_key="button-1",
        state=SignalState.ASKED,
        decided_at=AT,
    )
    command = Command(
        command_id="c_1",
        kind="identify",
        device_id="btn-kitchen",
        expires_at=AT + timedelta(hours=1),
    )
    await their_cloud.tell(Down.OUTCOME, to_bytes(outcome))
    await their_cloud.tell(Down.COMMAND, to_bytes(command))
    await until(lambda: their_cloud.of(CommandAnswer))
    assert our_edge.outcomes == [outcome]
    assert our_edge.commands == [command]
    (answer,) = their_cloud.of(CommandAnswer)
    assert isinstance(answer, CommandAnswer)
    assert (answer.command_id, answer.outcome) == ("c_1", CommandOutcome.DONE)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff" * 10, b"[]", b'{"upto":-1}'])
async def test_what_cannot_be_read_is_counted_and_nothing_stops(
    our_edge: Edge, their_cloud: Cloud, payload: bytes
) -> None:
    for what in Down:
        await their_cloud.tell(what, payload)
    await until(lambda: our_edge.counts.count("down_malformed") == 3)
    await our_edge.press("p_1")
    await until(lambda: our_edge.depth() == 0)


async def test_health_is_reported_at_the_start_and_on_change(
    our_edge: Edge, their_cloud: Cloud
) -> None:
    await until(lambda: len(their_cloud.of(HealthReport)) == 1)
    our_edge.uplink.report_soon()
    await until(lambda: len(their_cloud.of(HealthReport)) == 2)


async def test_it_comes_back_after_the_broker_was_killed_with_nothing_lost(
    tmp_path: Path, data_dir: Path, gateway_id: str
) -> None:
    port = free_port()
    address = Address("hh-1", gateway_id)
    wanted = settings(port, gateway_id, data_dir)
    async with edge(wanted) as made:
        with amqtt(tmp_path / "first", port) as child:
            await until(lambda: made.uplink.status.state is LinkState.ONLINE)
            child.kill()
            await until(lambda: made.uplink.status.state is LinkState.WAITING)
        await made.press("p_1")
        assert made.uplink.status.reason
        with amqtt(tmp_path / "second", port):
            async with cloud(port, address) as served:
                await until(lambda: made.depth() == 0)
                assert set(served.needs()) == {(1, "p_1")}


async def test_a_refused_credential_is_told_apart_from_a_lost_connection(
    closed_broker_port: int, gateway_id: str, data_dir: Path
) -> None:
    async with edge(settings(closed_broker_port, gateway_id, data_dir)) as made:
        await until(lambda: made.uplink.status.state is LinkState.REFUSED)
        assert made.uplink.status.reason == "not_authorised"


async def test_an_unreachable_cloud_is_waited_for(gateway_id: str, data_dir: Path) -> None:
    async with edge(settings(free_port(), gateway_id, data_dir)) as made:
        await until(lambda: made.uplink.status.failures >= 2)
        assert made.uplink.status.reason == "unreachable"


async def test_each_wait_between_two_attempts_is_drawn_anew_from_the_whole_span(
    gateway_id: str, data_dir: Path
) -> None:
    units = [0.0, 0.9, 0.1, 0.0, 0.5]
    drawn = iter(units)
    wanted = settings(free_port(), gateway_id, data_dir, backoff_s_max=0.1)
    with capture_logs() as logs:
        async with edge(wanted, lambda: next(drawn, 0.0)) as made:
            await until(lambda: made.uplink.status.failures > len(units))
    waits = [log["retry_s"] for log in logs if log["event"] == "uplink_lost"]
    expected = [reconnect_s(number, unit, 0.1) for number, unit in enumerate(units, 1)]
    assert waits[: len(units)] == pytest.approx(expected)
    assert len(set(waits)) > 3


async def test_the_kernel_gives_a_line_up_that_acknowledges_nothing_for_half_a_keepalive(
    broker_port: int, gateway_id: str, data_dir: Path
) -> None:
    cloud = settings(broker_port, gateway_id, data_dir).cloud
    async with connection.client(cloud, gateway_id, keepalive_s=30) as client:
        held = client._client.socket()
        assert isinstance(held, socket.socket)
        assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
