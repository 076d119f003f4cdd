"""Short of memory the agent gives up readings, visibly, and no press."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import bthome_encrypted
from zodra_edge.agent.memory import TRIM_LOOKS, Memory, is_short

from .test_requests import Agent, agent, running, wait

__all__ = ["agent", "running"]


@pytest.mark.parametrize(
    ("was_short", "held", "short"),
    [
        (False, 0, False),
        (False, 100, False),
        (False, 101, True),
        (True, 101, True),
        (True, 90, True),
        (True, 89, False),
        (True, 0, False),
    ],
)
def test_when_readings_are_refused(was_short: bool, held: int, short: bool) -> None:
    assert is_short(was_short, held, 100) is short


@given(st.lists(st.integers(0, 300), max_size=40))
def test_over_the_budget_it_is_always_short_and_with_room_never(held: list[int]) -> None:
    short = False
    for each in held:
        short = is_short(short, each, 100)
        assert short or each <= 100
        assert not short or each >= 90


async def test_what_waits_goes_to_the_disk_before_anything_is_refused() -> None:
    held = [200]
    written = 0

    async def to_disk() -> None:
        nonlocal written
        written += 1
        held[0] = 95

    memory = Memory(100, to_disk, lambda: held[0])
    await memory.look()
    assert (memory.short, written) == (False, 1)


async def test_memory_is_asked_back_once_a_minute_and_not_at_each_look() -> None:
    written = 0

    async def to_disk() -> None:
        nonlocal written
        written += 1

    memory = Memory(100, to_disk, lambda: 200)
    for _ in range(2 * TRIM_LOOKS):
        await memory.look()
    assert (memory.short, written) == (True, 2)


@pytest.fixture
def starved(agent: Agent) -> Agent:
    """Give it less than any Python needs."""
    text = agent.config.read_text()
    agent.config.write_text(f"memory_bytes_max = {16 * 2**20}\n{text}")
    return agent


@pytest.mark.usefixtures("starved")
def test_a_press_is_kept_and_its_battery_is_not(running: Agent) -> None:
    def status() -> dict[str, object]:
        found: dict[str, object] = json.loads((running.data / "status.json").read_text())
        return found

    wait(lambda: status()["memory"] == {"budget_bytes": 16 * 2**20, "short": True})
    running.advertise(bthome_encrypted(bytes([0x00, 9, 0x01, 90, 0x3A, 0x01]), 9))
    wait(lambda: running.needs() == 1)
    wait(lambda: "readings_refused_memory" in str(status()["refusals"]))
    told = json.loads(running.command("status", "--json").stdout)
    assert "memory" in told["problems"]
    assert told["status"]["telemetry"]["depth"] == 0
    assert "more memory than it may" in running.command("status").stdout


def test_the_budget_has_a_safe_default(running: Agent) -> None:
    status = json.loads((running.data / "status.json").read_text())
    assert not status["memory"]["short"]
    assert status["rss_bytes"] * 2 < status["memory"]["budget_bytes"]


def test_a_budget_that_is_no_budget_is_refused_by_name(agent: Agent, tmp_path: Path) -> None:
    text = agent.config.read_text()
    agent.config.write_text(f"memory_bytes_max = 1\n{text}")
    done = agent.command("status")
    assert done.exit_code == 1
    assert "memory_bytes_max" in done.stderr
