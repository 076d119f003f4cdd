"""Reading SQLite's pages by ourselves gives what SQLite gives."""

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from zodra_edge.outbox.salvage.pages import PageFile, rows

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.binary(max_size=50),
    st.integers(0, 20_000).map(lambda length: "y" * length),
)
TABLE = st.dictionaries(
    st.integers(-(2**63), 2**63 - 1), st.tuples(VALUES, VALUES), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(TABLE, st.sampled_from([512, 4096, 65536]), st.booleans())
def test_every_row_of_a_sound_file_is_read(
    table: dict[int, tuple[object, object]], page_bytes: int, in_log: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA page_size = {page_bytes}")
            if in_log:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, a, b)")
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO t VALUES (?, ?, ?)", [(key, *pair) for key, pair in table.items()]
            )
            connection.execute("COMMIT")
            wal = Path(f"{path}-wal").read_bytes() if in_log else b""
            found = list(rows(PageFile.of(path.read_bytes(), wal)))
    # The first page holds the table of tables, whose rows have five columns.
    read = {row[0]: row[1:] for row in found if len(row) == 3}
    assert {key: repr(value) for key, value in read.items()} == {
        key: repr(value) for key, value in table.items()
    }


@given(st.binary(max_size=9000), st.binary(max_size=9000))
def test_no_bytes_raise(main: bytes, wal: bytes) -> None:
    list(rows(PageFile.of(main, wal)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=60))
def test_flipped_bytes_in_a_leaf_raise_nothing(flips: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, a)")
            connection.executemany("INSERT INTO t (a) VALUES (?)", [("x" * n,) for n in range(90)])
        raw = bytearray(path.read_bytes())
    for place, byte in flips:
        raw[4096 + place] = byte
    list(rows(PageFile.of(bytes(raw))))
