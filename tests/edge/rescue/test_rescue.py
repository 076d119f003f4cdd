"""What a person saves from an outbox: all of it, what is left of it, and what was set aside."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from missing import MissingTool, give_up
from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.cli import cli
from zodra_edge.errors import AlreadyRunning, OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import KeptReading, LightRow, MemoryRow, Outbox, schema
from zodra_edge.outbox.records import ReadingRow, reading_checksum
from zodra_edge.rescue import export, held, replay, salvage, write_clean
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALL_SENT = {Lane.NEED: 10**9, Lane.TELEMETRY: 10**9}
PAGE = schema.PAGE_BYTES


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


async def fill(folder: Path, needs: int = 3, readings: int = 3) -> None:
    async with Outbox(folder, OutboxLimits()) as outbox:
        for number in range(1, needs + 1):
            memory = [MemoryRow("btn-kitchen", json.dumps({"counter": number}))]
            light = LightRow("btn-kitchen", "button-1", f"p_{number}", "kept", "", 0)
            await outbox.keep(signal(f"p_{number}"), memory, light, AT)
        await outbox.keep_readings(
            [
                KeptReading(
                    Reading(
                        device_id="trv-living",
                        kind=ReadingKind.ROOM_TEMPERATURE_C,
                        value=20 + number / 10,
                        observed_at=AT,
                    ),
                    TimeQuality.SYNCED,
                    5,
                )
                for number in range(readings)
            ]
        )


async def reject(folder: Path, lane: Lane, sequence: int, reason: RejectReason) -> None:
    async with Outbox(folder, OutboxLimits()) as outbox:
        buffer_id = outbox.level(lane).buffer_id
        receipt = Receipt(
            buffer_id=buffer_id,
            upto=sequence,
            rejected=(Rejection(sequence, reason),),
            committed_at=AT,
        )
        await outbox.apply_receipt(receipt, ALL_SENT, AT)


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def leaf_pages(path: Path, table: str) -> list[int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
            return [row[0] for row in connection.execute(query, (table,))]
        except sqlite3.OperationalError:
            give_up(MissingTool("this SQLite was built without dbstat"))


def spoil(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


async def test_all_rows_are_exported_while_the_agent_writes(tmp_path: Path) -> None:
    await fill(tmp_path, needs=2, readings=2)
    await reject(tmp_path, Lane.NEED, 1, RejectReason.UNKNOWN_DEVICE)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        light = LightRow("btn-kitchen", "button-1", "p_9", "kept", "", 0)
        await outbox.keep(signal("p_9"), [], light, AT)
        with sole_owner(tmp_path):
            rows = list(export(tmp_path))
    needs = [row for row in rows if row["lane"] == "need" and "signal" in row]
    assert [(row["sequence"], row["signal_id"], row["sound"]) for row in needs] == [
        (2, "p_2", True),
        (3, "p_9", True),
    ]
    assert NeedSignal.model_validate(needs[0]["signal"], strict=False) == signal("p_2")
    assert needs[0]["kept_at"] == "2026-11-22T12:00:00.000Z"
    (aside,) = [row for row in rows if "quarantine_row" in row]
    assert (aside["sequence"], aside["reason"]) == (1, "unknown_device")
    assert aside["body"]["signal_id"] == "p_1"
    readings = [row for row in rows if row["lane"] == "telemetry"]
    assert [row["value"] for row in readings] == [20.0, 20.1]


async def test_a_sound_file_is_salvaged_whole(tmp_path: Path) -> None:
    await fill(tmp_path)
    for lane in ("need", "telemetry"):
        found = salvage(tmp_path / f"{lane}.db")
        assert found.summary() | {"buffer_id": ""} == {
            "lane": lane,
            "buffer_id": "",
            "saved": 3,
            "maybe_delivered": 0,
            "damaged": 0,
            "missing": 0,
            "quarantine": 0,
            "complaint": "",
        }


async def test_a_row_that_was_changed_is_shown_and_not_believed(tmp_path: Path) -> None:
    await fill(tmp_path)
    change(tmp_path / "need.db", "UPDATE need SET body = body || ' ' WHERE sequence = 2")
    change(tmp_path / "telemetry.db", "UPDATE reading SET value = 21.5 WHERE sequence = 2")
    for lane in ("need", "telemetry"):
        found = salvage(tmp_path / f"{lane}.db")
        assert (sorted(found.rows), sorted(found.damaged), found.missing()) == ([1, 3], [2], 0)
        assert [row["sound"] for row in found.objects()] == [True, False, True]


@pytest.mark.parametrize("lane", ["need", "telemetry"])
async def test_what_lies_around_a_spoilt_page_is_saved_to_the_row(
    tmp_path: Path, lane: str
) -> None:
    await fill(tmp_path, needs=60, readings=600)
    path = tmp_path / f"{lane}.db"
    table = "need" if lane == "need" else "reading"
    pages = leaf_pages(path, table)
    assert len(pages) >= 4
    with contextlib.closing(sqlite3.connect(path)) as connection:
        cells = dict(
            connection.execute("SELECT pageno, ncell FROM dbstat WHERE name = ?", (table,))
        )
    for page in pages[1:3]:
        spoil(path, page)
    before = path.read_bytes()
    found = salvage(path)
    lost = sum(cells[page] for page in pages[1:3])
    total = 60 if lane == "need" else 600
    assert found.missing() == lost
    assert len(found.rows) == total - lost
    assert found.complaint
    assert path.read_bytes() == before


async def test_a_file_without_its_first_pages_still_gives_its_rows(tmp_path: Path) -> None:
    await fill(tmp_path, needs=60)
    path = tmp_path / "need.db"
    spoil(path, 1)
    found = salvage(path)
    assert sorted(found.rows) == list(range(1, 61))
    assert found.uncertain.keys() == found.rows.keys()
    assert all(found.lane.is_sound(row) for row in found.rows.values())
    assert all(row["maybe_delivered"] for row in found.objects())


async def test_what_only_the_log_has_is_saved_even_without_the_file(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    copy.mkdir()
    async with Outbox(source, OutboxLimits()) as outbox:
        light = LightRow("btn-kitchen", "button-1", "p_1", "kept", "", 0)
        await outbox.keep(signal("p_1"), [], light, AT)
        # As after a power cut: nobody has emptied the log into the file.
        (copy / "need.db-wal").write_bytes((source / "need.db-wal").read_bytes())
        (copy / "need.db").write_bytes(b"\xff" * 8192)
    found = salvage(copy / "need.db")
    assert [row[1] for row in found.rows.values()] == ["p_1"]


@pytest.mark.parametrize("content", [b"", b"no database", bytes(9000)])
def test_a_file_that_holds_nothing_gives_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "need.db"
    path.write_bytes(content)
    assert salvage(path).rows == {}


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(bytes(9000))
    with pytest.raises(OutboxFault, match="holds no row of an outbox"):
        salvage(tmp_path / "photo.jpg")


async def test_a_file_that_was_renamed_is_known_by_its_rows(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / "telemetry.db").rename(tmp_path / "of-the-old-card.db")
    assert len(salvage(tmp_path / "of-the-old-card.db").rows) == 3


async def test_a_clean_file_takes_the_place_of_the_damaged_one(tmp_path: Path) -> None:
    await fill(tmp_path, needs=60, readings=600)
    for lane in ("need", "telemetry"):
        path = tmp_path / f"{lane}.db"
        spoil(path, leaf_pages(path, "need" if lane == "need" else "reading")[1])
        found = salvage(path)
        saved = tmp_path / f"saved-{lane}.db"
        fresh = write_clean(found, saved)
        assert fresh != found.buffer_id
        with pytest.raises(OutboxFault, match="there already"):
            write_clean(found, saved)
        for tail in ("", "-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        saved.replace(path)
        expected = len(found.rows)
        async with Outbox(tmp_path, OutboxLimits()) as outbox:
            of = Lane.NEED if lane == "need" else Lane.TELEMETRY
            level = outbox.level(of)
            assert (level.depth, level.buffer_id) == (expected, fresh)
            assert level.next_sequence == expected + 1
            if lane == "need":
                batch = await outbox.need_batch(0, 500, AT)
                assert batch is not None
                assert [number for number, _ in batch.rows] == list(range(1, expected + 1))
                assert await outbox.memories() == {"btn-kitchen": '{"counter": 60}'}


async def test_a_replayed_row_is_a_new_row_of_its_lane(tmp_path: Path) -> None:
    await fill(tmp_path)
    await reject(tmp_path, Lane.NEED, 1, RejectReason.UNKNOWN_DEVICE)
    await reject(tmp_path, Lane.TELEMETRY, 2, RejectReason.UNKNOWN_DEVICE)
    shown = [
        (one.lane, one.sequence, one.reason, one.device_id, one.what) for one in held(tmp_path)
    ]
    assert shown == [
        ("need", 1, "unknown_device", "btn-kitchen", "press"),
        ("telemetry", 2, "unknown_device", "trv-living", "room_temperature_c"),
    ]
    done = replay(tmp_path, OutboxLimits(), lambda _lane, _row, reason: reason == "unknown_device")
    assert [(one.lane, one.sequence) for one in done] == [("need", 4), ("telemetry", 4)]
    assert list(held(tmp_path)) == []
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        needs = await outbox.need_batch(0, 10, AT)
        readings = await outbox.reading_batch(3, 10, AT)
        assert needs is not None
        assert readings is not None
        assert [(number, row.signal_id) for number, row in needs.rows] == [
            (2, "p_2"),
            (3, "p_3"),
            (4, "p_1"),
        ]
        assert readings.quality is TimeQuality.UNSYNCED
        assert outbox.level(Lane.NEED).next_sequence == 5


async def test_what_cannot_be_sent_stays_where_it_is_with_its_reason(tmp_path: Path) -> None:
    await fill(tmp_path)
    for body, reason in (("{}", "malformed"), ("{}", "damaged_on_disk")):
        change(
            tmp_path / "need.db",
            "INSERT INTO quarantine (buffer_id, sequence, reason, body, set_aside_ms) "
            f"VALUES ('b', 9, '{reason}', '{body}', 0)",
        )
    await reject(tmp_path, Lane.NEED, 1, RejectReason.UNKNOWN_DEVICE)
    full = OutboxLimits(need_rows_max=2)
    done = replay(tmp_path, full, lambda *_: True)
    assert {one.kept_aside for one in done} == {"the lane is full"}
    done = replay(tmp_path, OutboxLimits(), lambda *_: True)
    assert [one.kept_aside for one in done] == [
        "it cannot be read",
        "it was changed on disk; nobody knows what it said",
        "",
    ]
    assert len(list(held(tmp_path))) == 2


async def test_nothing_is_replayed_while_the_agent_runs(tmp_path: Path) -> None:
    await fill(tmp_path)
    with sole_owner(tmp_path), pytest.raises(AlreadyRunning, match="stop it first"):
        replay(tmp_path, OutboxLimits(), lambda *_: True)


async def test_a_file_of_a_newer_build_is_left_alone(tmp_path: Path) -> None:
    await fill(tmp_path)
    change(
        tmp_path / "need.db",
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('zodra_need', '9999_future', '')",
    )
    with pytest.raises(OutboxFault, match="newer zodra-edge"):
        replay(tmp_path, OutboxLimits(), lambda *_: True)


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


def rows_of(readings: int) -> Iterator[tuple[object, ...]]:
    for sequence in range(1, readings + 1):
        row = ReadingRow(sequence, "trv-living", "room_temperature_c", 20.5, sequence)
        yield (*row, "synced", 5, reading_checksum(row, "synced", 5))


def large(path: Path, readings: int) -> None:
    """Make a lane in one transaction, with its root page gone."""
    schema.prepare(path, schema.TELEMETRY, "b")
    with contextlib.closing(schema.connect(path)) as connection:
        connection.execute("BEGIN")
        columns = schema.COLUMNS["zodra_telemetry"]["reading"]
        connection.executemany(
            f"INSERT INTO reading ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows_of(readings)
        )
        schema.set_counter(connection, "next_sequence", readings + 1)
        connection.execute("COMMIT")
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'reading'"
        (root,) = connection.execute(query).fetchone()
    spoil(path, root)


def peak_of(folder: Path, readings: int) -> int:
    """Salvage a lane into a new file; returns the most that Python held at once."""
    folder.mkdir()
    large(folder / "telemetry.db", readings)
    tracemalloc.start()
    try:
        with salvage(folder / "telemetry.db") as found:
            assert found.summary()["saved"] == readings
            assert found.summary()["missing"] == 0
            write_clean(found, folder / "saved.db")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_salvage_takes_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    few, many = peak_of(tmp_path / "few", 2_000), peak_of(tmp_path / "many", 20_000)
    assert many < few + 1_000_000


@pytest.mark.long
def test_a_salvage_of_a_large_lane_stays_small(tmp_path: Path) -> None:
    assert peak_of(tmp_path / "large", 200_000) < 8_000_000


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


REPLAY = ("outbox", "quarantine", "replay", "--all")
SHOW, LIST = ("outbox", "show"), ("outbox", "quarantine", "list")
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
