"""A new file is what sqlite-utils would have made of it, and is known by sqlite-utils."""

import re
import sqlite3
from pathlib import Path

import pytest
import sqlite_utils

from zodra_edge.outbox import schema
from zodra_edge.outbox.migrations import Migrations


def tables(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return {name: re.sub(r'[\s"]+', "", sql or "") for name, sql in rows}


def names(path: Path) -> list[tuple[int, str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT id, migration_set, name FROM _sqlite_migrations ORDER BY id"
    ).fetchall()
    connection.close()
    return rows


@pytest.mark.parametrize("migrations", [schema.NEED, schema.TELEMETRY], ids=lambda m: m.name)
def test_a_new_file_is_as_sqlite_utils_would_have_made_it(
    migrations: Migrations, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    made = sqlite3.connect(ours)
    migrations.apply(made)
    made.commit()
    made.close()
    library = sqlite_utils.Migrations(migrations.name)
    for name, step in migrations.steps.items():
        library(name=name)(step)
    other = sqlite_utils.Database(theirs)
    library.apply(other)
    other.close()
    assert tables(ours) == tables(theirs)
    assert names(ours) == names(theirs)


def test_a_step_that_fails_leaves_a_new_file_empty(tmp_path: Path) -> None:
    migrations = Migrations("two")
    migrations(name="0001_first")(lambda db: db.execute("CREATE TABLE one (a INTEGER) STRICT"))
    migrations(name="0002_second")(lambda db: db.execute("CREATE TABLE one (b INTEGER) STRICT"))
    connection = sqlite3.connect(tmp_path / "two.db")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrations.apply(connection)
    connection.close()
    assert tables(tmp_path / "two.db") == {}


@pytest.mark.parametrize("after", range(1, len(schema.NEED.steps)))
def test_a_file_of_every_earlier_build_is_brought_to_the_same_schema(
    after: int, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    schema.NEED.apply(connection, stop_before=list(schema.NEED.steps)[after])
    connection.close()
    schema.prepare(tmp_path / "old.db", schema.NEED, "aabbccddeeff")
    schema.prepare(tmp_path / "new.db", schema.NEED, "aabbccddeeff")
    assert [name for *_, name in names(tmp_path / "old.db")] == list(schema.NEED.steps)
    old, new = tables(tmp_path / "old.db"), tables(tmp_path / "new.db")
    assert old == new
