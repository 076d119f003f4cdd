"""What a person saves from an outbox: all of it, or what is left of it."""

import contextlib
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_damage import AT, change, fill, leaf_pages, reject, signal, spoil
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import NeedSignal
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import LightRow, Outbox, schema
from zodra_edge.outbox.records import ReadingRow, reading_checksum
from zodra_edge.rescue import export, salvage, write_clean
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner


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
