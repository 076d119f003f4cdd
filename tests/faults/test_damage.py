"""Torn logs and flipped bits: a clean beginning of what was kept, and never a changed row."""

import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from faults import harness, worlds
from faults.stores import Store, make, read, settled
from zodra_edge.errors import OutboxFault


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
