"""A person asks a running agent, as they would: with the commands, while it runs."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_broker import free_port
from edge_frames import ADDRESS, KEY, bthome_encrypted
from edge_outbox import AT, keep, reading
from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_edge.cli import cli
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox
from zodra_edge.rescue import look
from zodra_edge.settings import OutboxLimits

TESTS = Path(__file__).parents[2]


class Agent:
    """A gateway without a way to the cloud, so that what it keeps stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.air_port = int(probe.getsockname()[1])
        (folder / "key").write_text(KEY.hex())
        self.config = folder / "gateway.toml"
        self.config.write_text(
            'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f'[cloud]\nhost = "127.0.0.1"\nport = {free_port()}\n'
            f'[radio]\nbackend = "edge_air:create"\noptions = {{ port = "{self.air_port}" }}\n'
            '[[devices]]\ndevice_id = "btn-kitchen"\nfamily = "button"\nslot_key = "button-1"\n'
            f'address = "{ADDRESS}"\nbind_key_file = "key"\n'
            '[[devices]]\ndevice_id = "btn-plain"\nfamily = "button"\nslot_key = "button-1"\n'
            'address = "A4:C1:38:00:00:77"\n'
        )
        self.data = folder / "data"
        self.environment = {**os.environ, "PYTHONPATH": str(TESTS)}

    def command(self, *arguments: str) -> Result:
        """Type a command, in this process: one of its own would cost more than what it does."""
        return CliRunner().invoke(cli, [*arguments, "--config", str(self.config)])

    def press(self, counter: int) -> None:
        self.advertise(bthome_encrypted(bytes([0x00, counter % 256, 0x3A, 0x01]), counter))

    def advertise(self, data: bytes) -> None:
        """Say something as often as a button does."""
        said = json.dumps({"address": ADDRESS, "bthome": data.hex()}).encode()
        with socket.socket(type=socket.SOCK_DGRAM) as air:
            for _ in range(4):
                air.sendto(said, ("127.0.0.1", self.air_port))

    def needs(self) -> int:
        return sum(lane.depth for lane in look.read(self.data) if lane.lane == "need")

    def device(self) -> dict[str, object]:
        status = json.loads((self.data / "status.json").read_text())
        found: dict[str, object] = status["devices"][0]
        return found


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    (tmp_path / "data").mkdir()
    return Agent(tmp_path)


def wait(until: Callable[[], bool]) -> None:
    for _ in range(400):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


@pytest.fixture
def running(agent: Agent) -> Iterator[Agent]:
    with (agent.folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "zodra_edge", "run", "--config", str(agent.config)],
            env=agent.environment,
            stderr=log,
        )
    try:
        status = agent.data / "status.json"
        wait(lambda: status.exists() and '"scanning": true' in status.read_text())
        yield agent
    finally:
        child.terminate()
        child.wait()


async def reject_one_of_each(folder: Path) -> None:
    async with Outbox(folder, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        await keep(outbox, "p_2")
        await outbox.keep_readings([reading(20.0), reading(20.5)])
        for lane in Lane:
            receipt = Receipt(
                buffer_id=outbox.level(lane).buffer_id,
                upto=1,
                rejected=(Rejection(1, RejectReason.UNKNOWN_DEVICE),),
                committed_at=AT,
            )
            await outbox.apply_receipt(receipt, {Lane.NEED: 1, Lane.TELEMETRY: 1}, AT)


@pytest.fixture
def rejected(agent: Agent) -> None:
    done = threading.Thread(target=lambda: asyncio.run(reject_one_of_each(agent.data)))
    done.start()
    done.join()


@pytest.mark.usefixtures("rejected")
def test_rows_set_aside_go_again_while_the_agent_runs(request: pytest.FixtureRequest) -> None:
    agent: Agent = request.getfixturevalue("running")
    done = agent.command("outbox", "quarantine", "replay", "--all", "--json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["lane"], row["sequence"] > 2) for row in rows] == [
        ("need", True),
        ("telemetry", True),
    ]
    assert [(lane.lane, lane.depth, lane.set_aside) for lane in look.read(agent.data)] == [
        ("need", 2, 0),
        ("telemetry", 2, 0),
    ]
    again = agent.command("outbox", "quarantine", "replay", "--all")
    assert again.stdout == "0 rows go again now\n"
    assert list(agent.data.glob("*-*.json")) == []


def test_a_counter_is_learned_anew_while_the_agent_runs(running: Agent) -> None:
    running.press(5_000)
    wait(lambda: running.needs() == 1)
    for _ in range(3):
        running.press(7)
    wait(lambda: running.device()["refused_as_replay"] == 12)
    wait(lambda: "zodra-edge device relearn btn-kitchen" in running.command("status").stdout)
    assert running.needs() == 1
    assert running.command("device", "relearn", "btn-kitchen").exit_code == 0
    running.press(8)
    wait(lambda: running.needs() == 2)
    running.press(9)
    wait(lambda: running.needs() == 3)
    wait(lambda: running.device()["refused_as_replay"] == 0)
    rows = running.command("outbox", "export").stdout.splitlines()
    proven = [json.loads(row)["signal"]["authenticated"] for row in rows if "signal" in row]
    assert proven == [True, False, True]


def test_a_person_who_asks_the_impossible_hears_why(agent: Agent) -> None:
    for device_id, why in (
        ("btn-kitchen", "no agent runs"),
        ("btn-plain", "has no bind_key"),
        ("btn-elsewhere", "known: btn-kitchen, btn-plain"),
    ):
        done = agent.command("device", "relearn", device_id)
        assert done.exit_code == 1
        assert why in done.stderr
