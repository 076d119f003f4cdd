"""A damaged file is set aside whole, what is sound in it goes on in a new file, and it is told."""

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_outbox import AT, PAGE, keep, needs, overwrite, reading, values
from zodra_contract.envelope import Receipt
from zodra_edge.link import Lane
from zodra_edge.outbox import MemoryRow, Outbox, StorageState
from zodra_edge.settings import OutboxLimits

NEEDS = 200
JUNK = b"\xa5" * PAGE


async def filled(folder: Path) -> tuple[list[str], dict[Lane, str], list[float]]:
    """Fill both files and close them; say what is in them."""
    async with Outbox(folder, OutboxLimits()) as outbox:
        for number in range(NEEDS):
            await keep(outbox, f"p_{number}", f'{{"counter": {number}}}')
        await outbox.remember([MemoryRow("trv-living", '{"heating": 5}')], {"replay": 3})
        await outbox.keep_readings([reading(number) for number in range(3_000)])
        buffers = {lane: outbox.level(lane).buffer_id for lane in Lane}
        return await needs(outbox), buffers, await values(outbox)


def leaf_of(path: Path, table: str) -> int:
    """Find a page in the middle of a table's rows, by its number."""
    pages = path.read_bytes()
    connection = sqlite3.connect(path)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
    ).fetchone()
    connection.close()
    number = int(root)
    assert pages[(number - 1) * PAGE] == 5, "an inner page"
    while (raw := pages[(number - 1) * PAGE : number * PAGE])[0] == 5:
        cells = int.from_bytes(raw[3:5], "big")
        place = 12 + 2 * (cells // 2)
        cell = int.from_bytes(raw[place : place + 2], "big")
        number = int.from_bytes(raw[cell : cell + 4], "big")
    return number


def set_aside_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.damaged-*"))


def first_page(path: Path) -> None:
    overwrite(path, 1, JUNK)


def header(path: Path) -> None:
    overwrite(path, 1, bytes(100))


def schema_text(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TABLE quarantine")
    connection.close()


def newer(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "SELECT migration_set, '9999_future', applied_at FROM _sqlite_migrations LIMIT 1"
    )
    connection.close()


DAMAGES: list[Callable[[Path], None]] = [first_page, header, schema_text, newer]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
async def test_all_rows_of_a_file_that_will_not_open_are_saved(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    names, buffers, kept_values = await filled(tmp_path)
    for name in ("need.db", "telemetry.db"):
        damage(tmp_path / name)
    before = {name: (tmp_path / name).read_bytes() for name in ("need.db", "telemetry.db")}
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == names
        assert await values(outbox) == kept_values
        # Sequences begin again at 1; only another buffer keeps them from passing for old ones.
        assert not set(buffers.values()) & {outbox.level(lane).buffer_id for lane in Lane}
        assert (await outbox.memories())["trv-living"] == '{"heating": 5}'
        storage = outbox.storage()
        assert storage.state is StorageState.SALVAGED
        assert [salvage.saved for salvage in storage.salvages] == [NEEDS, 3_000]
        assert storage.aside == tuple(set_aside_in(tmp_path))
    for name in storage.aside:
        assert (tmp_path / name).stat().st_size == len(before[name.partition(".damaged-")[0]])
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == names
        assert outbox.storage().salvages == ()
        assert outbox.storage().state is StorageState.SALVAGED, "until a person has looked"
        (tmp_path / storage.aside[0]).unlink()
        (tmp_path / storage.aside[1]).unlink()
        await outbox.care(AT, is_trusted=True)
        assert outbox.storage().state is StorageState.OK


async def test_around_a_page_that_cannot_be_read_all_is_saved(tmp_path: Path) -> None:
    names, _, kept_values = await filled(tmp_path)
    for name, table in (("need.db", "need"), ("telemetry.db", "reading")):
        overwrite(tmp_path / name, leaf_of(tmp_path / name, table), JUNK)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        saved_names, saved_values = await needs(outbox), await values(outbox)
        assert [s.complete for s in outbox.storage().salvages] == [False, False]
        # Its own table could be read to the end, so nothing of it is missing.
        assert not outbox.level(Lane.NEED).memory_lost
    assert len(names) - 20 < len(saved_names) < len(names)
    assert len(kept_values) - 100 < len(saved_values) < len(kept_values)
    assert set(saved_names) < set(names)
    assert len(saved_names) == len(set(saved_names))


@pytest.mark.parametrize("lane", ["need", "reading"])
async def test_rows_to_which_no_way_leads_are_taken_from_their_pages(
    tmp_path: Path, lane: str
) -> None:
    names, _, kept_values = await filled(tmp_path)
    path = tmp_path / ("need.db" if lane == "need" else "telemetry.db")
    connection = sqlite3.connect(path)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = ?", (lane,)
    ).fetchone()
    connection.close()
    overwrite(path, root, JUNK)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        (salvage,) = outbox.storage().salvages
        assert not salvage.complete
        assert set(await needs(outbox)) == set(names)
        assert sorted(await values(outbox)) == kept_values


async def test_what_was_delivered_is_not_brought_back_from_its_pages(tmp_path: Path) -> None:
    names, buffers, _ = await filled(tmp_path)
    path = tmp_path / "need.db"
    leaf = leaf_of(path, "need")
    stale = path.read_bytes()[(leaf - 1) * PAGE : leaf * PAGE]
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        receipt = Receipt(buffer_id=buffers[Lane.NEED], upto=120, committed_at=AT)
        await outbox.apply_receipt(receipt, {Lane.NEED: 120, Lane.TELEMETRY: 0}, AT)
    overwrite(path, leaf_of(path, "need"), JUNK)
    # Many builds of SQLite wipe what they free, and some leave it lying.
    with path.open("ab") as file:
        file.write(stale)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert len(outbox.storage().salvages) == 1
        assert set(await needs(outbox)) < set(names[120:])


@pytest.mark.parametrize(
    "change",
    [
        "round = 'x'",
        "round = 1.5",
        "at_ms = X'00'",
        "state = CAST(X'7BFF' AS TEXT)",
    ],
)
async def test_a_damaged_light_never_stops_a_salvage(tmp_path: Path, change: str) -> None:
    names, _, _ = await filled(tmp_path)
    connection = sqlite3.connect(tmp_path / "need.db", isolation_level=None)
    # What a flipped bit in the head of a row does: another type where the table allows one only.
    connection.executescript(
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'light';"
    )
    connection.close()
    connection = sqlite3.connect(tmp_path / "need.db", isolation_level=None)
    connection.execute(f"UPDATE light SET {change} WHERE signal_id = 'p_199'")
    connection.close()
    header(tmp_path / "need.db")
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == names
        lights = await outbox.lights()
        assert len(lights) == (8 if "round" in change else 7)
        assert all(light.round == 1 for light in lights)


async def test_a_row_with_a_wrong_checksum_goes_aside_in_a_salvage_too(tmp_path: Path) -> None:
    names, _, _ = await filled(tmp_path)
    connection = sqlite3.connect(tmp_path / "need.db", isolation_level=None)
    connection.execute("UPDATE need SET body = replace(body, 'p_7\"', 'p_8\"') WHERE sequence = 8")
    connection.close()
    header(tmp_path / "need.db")
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        names.remove("p_7")
        assert await needs(outbox) == names
        assert outbox.level(Lane.NEED).quarantined == 1
        (salvage,) = outbox.storage().salvages
        assert (salvage.saved, salvage.damaged) == (NEEDS - 1, 1)


async def test_what_was_only_in_the_wal_is_saved(tmp_path: Path) -> None:
    place, copy = tmp_path / "place", tmp_path / "copy"
    place.mkdir()
    async with Outbox(place, OutboxLimits()) as outbox:
        for number in range(20):
            await keep(outbox, f"p_{number}")
        # As a power cut leaves it: nothing has been moved from the WAL to the file.
        shutil.copytree(place, copy)
    assert (copy / "need.db-wal").stat().st_size > 0
    header(copy / "need.db")
    async with Outbox(copy, OutboxLimits()) as outbox:
        assert await needs(outbox) == [f"p_{number}" for number in range(20)]


@pytest.mark.parametrize("raw", [b"", b"no database " * 2_000], ids=["empty", "text"])
async def test_a_file_of_which_nothing_is_left_is_never_taken_for_a_new_one(
    tmp_path: Path, raw: bytes
) -> None:
    _, buffers, _ = await filled(tmp_path)
    (tmp_path / "need.db").write_bytes(raw)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == []
        assert outbox.level(Lane.NEED).buffer_id not in {"", *buffers.values()}
        assert outbox.level(Lane.NEED).memory_lost
        assert len(outbox.storage().aside) == 1
        await keep(outbox, "p_new")
        assert await needs(outbox) == ["p_new"]


async def test_a_file_that_vanished_leaves_devices_without_a_counter(tmp_path: Path) -> None:
    await filled(tmp_path)
    (tmp_path / "need.db").unlink()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert outbox.level(Lane.NEED).memory_lost
        await outbox.settle_memory([])
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert not outbox.level(Lane.NEED).memory_lost


async def test_a_new_gateway_has_lost_nothing(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert not outbox.level(Lane.NEED).memory_lost
        assert outbox.storage().state is StorageState.OK


async def test_damaged_memory_of_one_device_is_found_by_its_checksum(tmp_path: Path) -> None:
    await filled(tmp_path)
    connection = sqlite3.connect(tmp_path / "need.db", isolation_level=None)
    connection.execute("UPDATE memory SET memory = replace(memory, '199', '100')")
    connection.close()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await outbox.memories() == {"btn-kitchen": "", "trv-living": '{"heating": 5}'}


@pytest.mark.parametrize("step", ["marked", "wal moved", "moved", "half made", "made"])
async def test_a_salvage_that_was_cut_off_is_taken_up(tmp_path: Path, step: str) -> None:
    names, _, _ = await filled(tmp_path)
    path, aside = tmp_path / "need.db", tmp_path / "need.db.damaged-0badcafe"
    header(path)
    (tmp_path / "need.db.salvaging").write_text(aside.name)
    if step != "marked":
        (tmp_path / "need.db.damaged-0badcafe-wal").write_bytes(b"")
    if step in ("moved", "half made", "made"):
        path.rename(aside)
    if step == "half made":
        (tmp_path / "need.db.fresh").write_bytes(JUNK)
    if step == "made":
        other = tmp_path / "other"
        other.mkdir()
        await filled(other)
        (other / "need.db").rename(path)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == names
    assert set_aside_in(tmp_path)[0] == aside.name
    left = {"need.db.salvaging", "need.db.fresh", "need.db.fresh.graft"}
    assert not left & {found.name for found in tmp_path.iterdir()}


@pytest.mark.parametrize("marker", [b"", b"\xff\x00", b"../elsewhere", b"need.db.damaged-/x"])
@pytest.mark.parametrize("moved", [False, True], ids=["before the move", "after it"])
async def test_a_marker_that_says_nothing_leads_nowhere_else(
    tmp_path: Path, marker: bytes, moved: bool
) -> None:
    names, _, _ = await filled(tmp_path)
    header(tmp_path / "need.db")
    (tmp_path / "need.db.salvaging").write_bytes(marker)
    if moved:
        (tmp_path / "need.db").rename(tmp_path / "need.db.damaged-0badcafe")
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == names
    assert len(set_aside_in(tmp_path)) == 1


async def test_a_marker_without_any_file_is_a_loss_that_is_told(tmp_path: Path) -> None:
    await filled(tmp_path)
    (tmp_path / "need.db").unlink()
    (tmp_path / "need.db.salvaging").write_bytes(b"need.db.damaged-0badcafe")
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == []
        assert outbox.level(Lane.NEED).memory_lost
        assert len(outbox.storage().salvages) == 1


async def test_damage_that_shows_while_it_runs_is_salvaged_without_a_restart(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for start in range(0, 60_000, 5_000):
            await outbox.keep_readings([reading(start + n) for n in range(5_000)])
        before = outbox.level(Lane.TELEMETRY).buffer_id
        await outbox.keep_readings([reading(-1)])
        path = tmp_path / "telemetry.db"
        # More than the page cache holds, so that it is read again.
        for page in range(20, 24):
            overwrite(path, page, JUNK)
        assert len(await values(outbox)) > 0
        await outbox.reading_batch(0, 100_000, AT)
        after = outbox.level(Lane.TELEMETRY)
        assert after.buffer_id != before
        assert 59_000 < after.depth < 60_001
        # A receipt for the old file says nothing about the new one's rows.
        receipt = Receipt(buffer_id=before, upto=500, committed_at=AT)
        sent = {Lane.NEED: 0, Lane.TELEMETRY: 500}
        assert await outbox.apply_receipt(receipt, sent, AT) is None
        await outbox.keep_readings([reading(-2)])
        assert outbox.level(Lane.TELEMETRY).depth == after.depth + 1
        assert outbox.storage().telemetry is None


async def test_a_salvage_that_is_killed_again_and_again_saves_every_row(tmp_path: Path) -> None:
    names, _, kept_values = await filled(tmp_path)
    for name in ("need.db", "telemetry.db"):
        first_page(tmp_path / name)
    for wait_ms in range(0, 50, 10):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("opener_to_kill.py")),
            str(tmp_path),
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        assert await child.stdout.readline() == b"opening\n"
        await asyncio.sleep(wait_ms / 1000)
        child.kill()
        await child.wait()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == names
        assert await values(outbox) == kept_values
        assert outbox.level(Lane.NEED).memory_lost
    assert len(set_aside_in(tmp_path)) == 2, "each file once, however often it was begun"
