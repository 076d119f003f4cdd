"""Every room's tables are exactly what the migrations make, on both databases."""

import importlib
import pkgutil
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

import zodra_cloud
from zodra_cloud.errors import NewerSchema
from zodra_cloud.store.engine import Database, metadata
from zodra_cloud.store.migrate import migrate


def _import_every_repository() -> None:
    for found in pkgutil.walk_packages(zodra_cloud.__path__, "zodra_cloud."):
        if ".repository" in found.name or found.name.endswith("store.jobs"):
            importlib.import_module(found.name)


def test_the_tables_of_the_rooms_are_those_of_the_migrations(database: Database) -> None:
    _import_every_repository()
    with database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_every_sqlite_table_is_strict(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    migrate(database)
    with database.read() as connection:
        rows = connection.execute(text("SELECT name, strict FROM pragma_table_list")).all()
    loose = {name for name, strict in rows if not strict and not name.startswith("sqlite_")}
    database.close()
    assert loose == {"alembic_version"}


def test_migrating_twice_changes_nothing(database: Database) -> None:
    before, after = migrate(database)
    assert before == after


def test_two_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    opened = [Database.open(url) for _ in range(2)]
    faults: list[BaseException] = []

    def run(database: Database) -> None:
        try:
            migrate(database)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(each,)) for each in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened[0].read() as connection:
        tables = inspect(connection).get_table_names()
    for each in opened:
        each.close()
    assert faults == []
    assert "jobs" in tables


def test_a_newer_schema_is_refused_by_name(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    with pytest.raises(NewerSchema, match="9999_future"):
        migrate(database)
