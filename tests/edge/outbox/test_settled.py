"""Need-moments that the cloud has, between their receipt and the next write."""

import contextlib
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_outbox import AT, keep, needs, overwrite
from zodra_contract.envelope import Receipt
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, MemoryRow, Outbox, schema
from zodra_edge.outbox.need import SETTLED_ROWS_MAX
from zodra_edge.rescue.look import read, render_lanes
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner

ALL_SENT = {Lane.NEED: 10**9, Lane.TELEMETRY: 10**9}


async def taken(outbox: Outbox, upto: int) -> None:
    """Let the cloud take all need-moments up to a sequence."""
    buffer_id = outbox.level(Lane.NEED).buffer_id
    receipt = Receipt(buffer_id=buffer_id, upto=upto, committed_at=AT)
    await outbox.apply_receipt(receipt, ALL_SENT, AT)


async def test_what_the_cloud_has_is_not_set_aside_and_not_counted_twice(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(3):
            await keep(outbox, f"p_{number}")
        await taken(outbox, 2)
        await outbox.set_aside(Lane.NEED, outbox.level(Lane.NEED).buffer_id, 2, "oversized", AT)
        level = outbox.level(Lane.NEED)
        assert (level.depth, level.settled, level.quarantined) == (1, 0, 0)
        assert await needs(outbox) == ["p_2"]


async def test_a_long_backlog_is_not_left_to_the_next_press(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        count = 2 * SETTLED_ROWS_MAX
        for number in range(count):
            await keep(outbox, f"p_{number}")
        for upto in range(50, count + 1, 50):
            await taken(outbox, upto)
            assert outbox.level(Lane.NEED).settled <= SETTLED_ROWS_MAX
        assert outbox.level(Lane.NEED).depth == count % 50


async def test_a_transaction_that_fails_leaves_the_counts_as_they_are(tmp_path: Path) -> None:
    def wrong(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("INSERT INTO refusal (reason, count) VALUES ('why', NULL)")

    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(4):
            await keep(outbox, f"p_{number}")
        await taken(outbox, 3)
        with pytest.raises(OutboxFault, match="NOT NULL"):
            await outbox._need.run(wrong)
        await outbox.need_batch(0, 10, AT)
        level = outbox.level(Lane.NEED)
        assert (level.depth, level.settled) == (1, 3)
        assert await needs(outbox) == ["p_3"]


async def test_a_look_from_outside_says_that_some_rows_may_be_confirmed(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        await taken(outbox, 1)
        assert outbox.level(Lane.NEED).oldest_ms is None
        with sole_owner(tmp_path):
            said = render_lanes(read(tmp_path))
    assert "wait for a receipt" not in said
    assert "zodra-edge status counts what waits" in said


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Have writes beyond it fail, in this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_file_that_cannot_be_written_anew_is_opened_as_it_is(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        await outbox.remember([MemoryRow("btn-other", "x" * 4 * 2**20)])
    path = tmp_path / "need.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")
    # The copy does not fit where temporary files go, which is not the disk of the outbox.
    with files_no_larger_than(2 * 2**20):
        opened = Outbox(tmp_path, OutboxLimits())
    async with opened as outbox:
        assert outbox.storage().need is None
        assert await needs(outbox) == ["p_1"]
        assert await keep(outbox, "p_2") == Kept(2)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert schema.page_bytes(connection) == 4096


async def test_a_damaged_index_of_the_memory_costs_no_memory(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        rows = [MemoryRow(f"btn-{number:03}", f'{{"n": {number}}}') for number in range(200)]
        await outbox.remember(rows)
    path = tmp_path / "need.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'memory'"
        (root,) = connection.execute(query).fetchone()
        assert connection.execute("PRAGMA page_size").fetchone() == (schema.PAGE_BYTES,)
    overwrite(path, root, bytes(schema.PAGE_BYTES))
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert len(outbox.storage().salvages) == 1
        assert await outbox.memories() == dict(rows)
        assert not outbox.level(Lane.NEED).memory_lost


async def test_the_quarantine_is_counted_on_the_way_in_and_out(tmp_path: Path) -> None:
    limits = OutboxLimits(quarantine_rows_max=10)
    async with Outbox(tmp_path, limits) as outbox:
        buffer_id = outbox.level(Lane.NEED).buffer_id
        for number in range(1, 13):
            await keep(outbox, f"p_{number}")
            await outbox.set_aside(Lane.NEED, buffer_id, number, "oversized", AT)
            assert outbox.level(Lane.NEED).quarantined == min(number, 10)
        done = await outbox.put_back(lambda lane, row, reason: row > 8)
        level = outbox.level(Lane.NEED)
        assert (len(done), level.quarantined, level.depth) == (4, 6, 4)
    async with Outbox(tmp_path, limits) as outbox:
        assert outbox.level(Lane.NEED).quarantined == 6
