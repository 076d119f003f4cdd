"""What the databases alone can do, on this machine, in this run: the other half of each ratio.

The same rows with the same key, 5,000 a transaction, fully synced, from one process that does
nothing else: no broker, no decoding, no receipts.
"""

import sqlite3
import tempfile
import time
from pathlib import Path

import psycopg

ROWS_PER_COMMIT = 5_000
_ROW = ("trv-living", "room_temperature_c", 20.5)


def rows(commit: int) -> list[tuple[int, int, str, str, float, int]]:
    first = commit * ROWS_PER_COMMIT + 1
    return [(1, sequence, *_ROW, sequence) for sequence in range(first, first + ROWS_PER_COMMIT)]


def sqlite_rows_per_s(seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        db = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        db.execute(
            "CREATE TABLE telemetry (buffer_no INTEGER, sequence INTEGER, device_id TEXT,"
            " kind TEXT, value REAL, observed_at INTEGER,"
            " PRIMARY KEY (buffer_no, sequence)) WITHOUT ROWID"
        )
        began, commit = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            batch = rows(commit)
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT OR IGNORE INTO telemetry VALUES (?, ?, ?, ?, ?, ?)", batch)
            db.execute("COMMIT")
            commit += 1
        took = time.monotonic() - began
        db.close()
        return commit * ROWS_PER_COMMIT / took


def postgresql_rows_per_s(url: str, seconds: float) -> float:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as db:
        db.execute(
            "CREATE TABLE raw (buffer_no BIGINT, sequence BIGINT, device_id TEXT, kind TEXT,"
            " value DOUBLE PRECISION, observed_at BIGINT, PRIMARY KEY (buffer_no, sequence))"
        )
        db.execute("CREATE TEMP TABLE incoming (LIKE raw)")
        db.commit()
        began, commit = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            with db.cursor() as cursor:
                with cursor.copy("COPY incoming FROM STDIN") as copy:
                    for row in rows(commit):
                        copy.write_row(row)
                cursor.execute("INSERT INTO raw SELECT * FROM incoming ON CONFLICT DO NOTHING")
                cursor.execute("TRUNCATE incoming")
            db.commit()
            commit += 1
        return commit * ROWS_PER_COMMIT / (time.monotonic() - began)
