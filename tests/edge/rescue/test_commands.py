"""The commands of a rescue: what they say to a person and a program, whatever is damaged."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_damage import change, fill, reject
from zodra_contract.outcome import RejectReason
from zodra_edge.cli import cli
from zodra_edge.link import Lane
from zodra_edge.status import sole_owner


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(
        'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
        '[cloud]\nhost = "127.0.0.1"\n'
    )
    (tmp_path / "data").mkdir()
    return path


def command(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


async def test_the_commands_tell_a_person_and_a_program_alike(config: Path) -> None:
    data = config.parent / "data"
    assert "empty" in command("outbox", "quarantine", "list", "--config", config).output
    await fill(data)
    await reject(data, Lane.NEED, 1, RejectReason.UNKNOWN_DEVICE)
    listed = command("outbox", "quarantine", "list", "--config", config)
    assert "unknown_device" in listed.output
    assert "press of btn-kitchen" in listed.output
    (row,) = json.loads(
        command("outbox", "quarantine", "list", "--json", "--config", config).output
    )
    unsaid = command("outbox", "quarantine", "replay", "--config", config)
    assert unsaid.exit_code == 2
    assert "--all, --reason or --row" in unsaid.output
    alone = command("outbox", "quarantine", "replay", "--row", row["row"], "--config", config)
    assert "--row needs --lane" in alone.output
    done = command(
        *("outbox", "quarantine", "replay", "--lane", "need"),
        *("--row", row["row"], "--json", "--config", config),
    )
    assert done.exit_code == 0
    assert json.loads(done.output)[0]["sequence"] == 4
    with sole_owner(data):
        refused = command(
            *("outbox", "quarantine", "replay", "--all", "--timeout", "0.2"),
            *("--config", config),
        )
    assert refused.exit_code == 1
    assert "nothing was done" in refused.output


async def test_export_and_salvage_write_lines_that_others_cannot_read(config: Path) -> None:
    await fill(config.parent / "data")
    lines = config.parent / "lines.jsonl"
    run = subprocess.run(
        [sys.executable, "-m", "zodra_edge", "outbox", "export", "--config", str(config)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len([json.loads(line) for line in run.stdout.splitlines()]) == 6
    assert run.stderr == "3 need, 3 telemetry\n"
    done = command("outbox", "export", "--output", lines, "--config", config)
    assert done.exit_code == 0
    assert lines.stat().st_mode & 0o777 == 0o600
    assert lines.read_text() == run.stdout
    again = command("outbox", "export", "--output", lines, "--config", config)
    assert "cannot write" in again.output
    path = config.parent / "data" / "need.db"
    change(path, "UPDATE need SET body = body || ' ' WHERE sequence = 2")
    saved = config.parent / "saved.db"
    run = subprocess.run(
        [sys.executable, "-m", "zodra_edge", "outbox", "salvage", str(path), "--into", str(saved)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "2 rows saved" in run.stderr
    assert "1 rows were changed on disk" in run.stderr
    assert saved.exists()


def no_text(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"tablequarantine") + len("table")] |= 0x80
    path.write_bytes(raw)


def counters(path: Path) -> None:
    change(path, "UPDATE meta SET value = 1 WHERE name = 'next_sequence'")


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def newer(path: Path) -> None:
    change(
        path,
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('zodra_need', '9999_future', '')",
    )


def stranger(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE photos (a)")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def locked(path: Path) -> None:
    (path.parent / "agent.lock").mkdir()


SHOW, LIST = ("outbox", "show"), ("outbox", "quarantine", "list")
REPLAY = ("outbox", "quarantine", "replay", "--all")


SENTENCES: list[tuple[Callable[[Path], None], tuple[str, ...], str]] = [
    (no_text, REPLAY, "start the agent"),
    (no_text, SHOW, "the agent saves what is whole"),
    (no_text, LIST, "zodra-edge outbox salvage"),
    (counters, REPLAY, "its counters were changed on disk; start the agent"),
    (half, SHOW, "the agent saves what is whole"),
    (half, REPLAY, "start the agent"),
    (newer, REPLAY, "written by a newer zodra-edge; use that one"),
    (stranger, REPLAY, "is no outbox of a gateway; see: zodra-edge doctor"),
    (empty, REPLAY, "is no outbox of a gateway; see: zodra-edge doctor"),
    (empty, LIST, "zodra-edge outbox salvage"),
    (locked, REPLAY, "use the agent's own account, or root"),
]


@pytest.mark.parametrize(("damage", "asked", "said"), SENTENCES)
async def test_each_damage_ends_in_a_sentence_that_says_what_to_do(
    config: Path, damage: Callable[[Path], None], asked: tuple[str, ...], said: str
) -> None:
    await fill(config.parent / "data", needs=40)
    damage(config.parent / "data" / "need.db")
    done = command(*asked, "--config", config)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), done.exception
    assert said in done.output
