"""What the agent tells the cloud about itself, gathered from real parts."""

from datetime import UTC, datetime
from pathlib import Path

from edge_frames import BUTTON
from zodra_contract.envelope import read_up, to_bytes
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import TimeQuality
from zodra_edge.agent.account import Account
from zodra_edge.agent.consumer import Consumer
from zodra_edge.agent.intake import Intake, nothing
from zodra_edge.agent.memory import Memory
from zodra_edge.agent.supervisor import Running, Supervisor
from zodra_edge.buying import Pause
from zodra_edge.clock import Clock
from zodra_edge.feedback import Lights
from zodra_edge.outbox import KeptReading, Outbox
from zodra_edge.settings import Cloud, OutboxLimits, Settings
from zodra_edge.status import Tally

ROOM = OutboxLimits(telemetry_rows_max=100)


def account(folder: Path, outbox: Outbox) -> Account:
    tally, clock = Tally(), Clock(folder / "floor")
    lights = Lights("gw-1", lambda *_: None)
    return Account(
        settings=Settings(
            gateway_id="gw-1", household_id="hh-1", data_dir=folder, cloud=Cloud(host="h")
        ),
        profiles=(BUTTON,),
        clock=clock,
        outbox=outbox,
        intake=Intake(16),
        consumer=Consumer([BUTTON], outbox, lights, tally, clock, ROOM, wake=nothing),
        lights=lights,
        tally=tally,
        supervisor=Supervisor(lambda: 0.5),
        memory=Memory(2**30, outbox.write_live),
        pause=Pause(folder),
    )


def reading(number: int) -> KeptReading:
    at = datetime.fromtimestamp(1_790_000_000 + number, UTC)
    made = Reading(
        device_id="btn-kitchen", kind=ReadingKind.BATTERY_PERCENT, value=50, observed_at=at
    )
    return KeptReading(made, TimeQuality.SYNCED, 10)


async def test_the_report_says_what_was_given_up_and_why(tmp_path: Path) -> None:
    async with Outbox(tmp_path, ROOM) as outbox:
        assert account(tmp_path, outbox).health().dropped == {}
        for start in (0, 80):
            await outbox.keep_readings([reading(start + number) for number in range(80)])
        now = datetime.fromtimestamp(1_790_000_100, UTC).timestamp() + ROOM.telemetry_age_s_max
        await outbox.care(datetime.fromtimestamp(now, UTC), is_trusted=True)
        report = account(tmp_path, outbox).health()
        assert report.dropped == {"telemetry_full": 60, "telemetry_age": 40}
        assert report.telemetry_depth == 60
        assert read_up(to_bytes(report)).message == report


async def test_the_report_counts_starts_and_parts_that_had_to_be_started_again(
    tmp_path: Path,
) -> None:
    for restarts in range(3):
        async with Outbox(tmp_path, ROOM) as outbox:
            told = account(tmp_path, outbox)
            told.supervisor.parts += [Running("radio", restarts=2), Running("uplink", restarts=1)]
            report = told.health()
            assert (report.restarts, report.part_restarts) == (restarts, 3)
            assert report.clock_error_ms == told.clock.now().error_ms
