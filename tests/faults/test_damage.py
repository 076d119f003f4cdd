"""Torn logs and flipped bits: a clean beginning of what was kept, and never a changed row."""

import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from faults import harness, worlds
from faults.stores import Store, make, read, settled
from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import schema
from zodra_edge.outbox.need import NeedFile
from zodra_edge.outbox.opening import LaneSpec, open_lane
from zodra_edge.outbox.room import Room


@pytest.fixture
def store(ram: Path) -> Store:
    return make(ram)


def is_a_beginning(rows: dict[int, str], store: Store) -> bool:
    whole = [worlds.signal(name).model_dump_json() for name in store.names]
    return rows == dict(enumerate(whole[: len(rows)], 1))


def tear(log: bytes, draw: random.Random) -> bytes:
    """End the log too early, in rubbish, in zeros, or with a bit flipped somewhere."""
    cut = draw.randrange(len(log))
    match draw.randrange(5):
        case 0 | 1:
            return log[:cut]
        case 2:
            return log[:cut] + draw.randbytes(draw.randrange(1, 9_000))
        case 3:
            return log[:cut] + bytes(len(log) - cut)
        case _:
            flipped = bytearray(log)
            flipped[cut] ^= 1 << draw.randrange(8)
            return bytes(flipped)


def test_a_torn_log_leaves_a_clean_beginning(ram: Path, store: Store, tell: harness.Tell) -> None:
    draw = harness.chance("log")
    trials = harness.count("TEARS", quick=150, full=3_000)
    lengths: set[int] = set()
    for number in range(trials):
        torn = Store(store.base, tear(store.log, draw), store.names)
        found = read(torn.write(ram / "torn"))
        assert is_a_beginning(found.rows, store), f"tear {number}, {harness.again()}"
        assert found.aside == 0
        newest = f"p_{len(found.rows)}"
        assert found.memory == (worlds.memory(newest).memory if found.rows else None)
        lengths.add(len(found.rows))
    assert len(lengths) > 20
    tell(tears=trials, different_lengths=len(lengths))


def test_the_whole_log_is_the_whole_store(ram: Path, store: Store) -> None:
    assert len(read(store.write(ram / "whole")).rows) == len(store.names)


def test_a_table_whose_name_is_no_text_is_a_damaged_file(store: Store, ram: Path) -> None:
    whole = settled(store, ram / "settled")
    flipped = bytearray(whole.base)
    flipped[whole.base.index(b"tablequarantine") + len("table")] |= 0x80
    path = Store(bytes(flipped), b"", store.names).write(ram / "flipped")
    (ram / "room").mkdir()
    spec = LaneSpec(schema.NEED, 64 * 2**20, thorough=True)
    opened = open_lane(path, spec, Room(ram / "room", 2**18), is_start=True)
    opened.connection.close()
    assert opened.salvage is not None
    assert opened.salvage.saved == len(store.names)


def test_a_flipped_bit_never_reaches_the_cloud(ram: Path, store: Store, tell: harness.Tell) -> None:
    """Each row comes out as it went in, goes aside, or the file says by name that it is broken."""
    whole = settled(store, ram / "settled")
    kept = {n: worlds.signal(name).model_dump_json() for n, name in enumerate(store.names, 1)}
    draw = harness.chance("bits")
    trials = harness.count("FLIPS", quick=150, full=3_000)
    ends: Counter[str] = Counter()
    for number in range(trials):
        flipped = bytearray(whole.base)
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        path = Store(bytes(flipped), b"", store.names).write(ram / "flipped")
        try:
            found = read(path)
        except (OutboxFault, sqlite3.Error):
            ends["said to be broken"] += 1
            continue
        changed = {s: row for s, row in found.rows.items() if kept.get(s) != row}
        assert changed == {}, f"flip {number}, {harness.again()}"
        if found.aside:
            ends["set aside"] += 1
        elif len(found.rows) < len(kept):
            ends["rows vanished"] += 1
        else:
            ends["harmless"] += 1
    assert ends["set aside"] > trials // 20
    tell(flips=trials, **{name.replace(" ", "_"): count for name, count in ends.items()})


PAGE = schema.PAGE_BYTES


def page_of(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    query = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
    (root,) = connection.execute(query, (table,)).fetchone()
    connection.close()
    return int(root)


def used_bytes(page: bytes) -> list[int]:
    """Name the places of a page that hold something: its head and its cells."""
    begins = int.from_bytes(page[5:7], "big")
    cells = int.from_bytes(page[3:5], "big")
    return [*range(8 + 2 * cells), *range(begins, PAGE)]


def test_a_flipped_bit_in_the_counters_gives_out_no_sequence_twice(
    ram: Path, store: Store, tell: harness.Tell
) -> None:
    """Either all of them are right, or the rows go on in a buffer of another name."""
    whole = settled(store, ram / "settled")
    start = (page_of(ram / "settled" / "need.db", "meta") - 1) * PAGE
    page = whole.base[start : start + PAGE]
    draw = harness.chance("counters")
    flips = [
        (place, bit)
        for place in (range(PAGE) if harness.FULL else used_bytes(page))
        for bit in (range(8) if harness.FULL else [draw.randrange(8)])
    ]
    spec = LaneSpec(schema.NEED, 64 * 2**20, thorough=True)
    (ram / "room").mkdir()
    room = Room(ram / "room", 2**18)
    ends: Counter[str] = Counter()
    for place, bit in flips:
        flipped = bytearray(whole.base)
        flipped[start + place] ^= 1 << bit
        path = Store(bytes(flipped), b"", store.names).write(ram / "flipped")
        opened = open_lane(path, spec, room, is_start=True)
        file = NeedFile(1_000, 1_000)
        file.load(opened.connection)
        level = file.level(opened.connection)
        batch = file.batch(opened.connection, 0, 1_000, 1)
        opened.connection.close()
        where = f"byte {place}, bit {bit}"
        assert batch is not None, where
        assert [signal.signal_id for _, signal in batch.rows] == list(store.names), where
        if level.buffer_id == "b":
            counted = (level.next_sequence, level.dropped, level.restarts, level.memory_lost)
            assert counted == (len(store.names) + 1, 0, 1, False), where
            ends["harmless"] += 1
        else:
            assert opened.salvage is not None, where
            assert opened.salvage.saved == len(store.names), where
            ends["begun again"] += 1
    assert ends["begun again"] > 50
    tell(flips=len(flips), **{name.replace(" ", "_"): count for name, count in ends.items()})
