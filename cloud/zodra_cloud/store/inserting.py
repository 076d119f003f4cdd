"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL share and generic SQL does not have."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def insert_into(connection: Connection, table: Table) -> Any:
    """Begin an INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return sqlite_insert(table) if connection.dialect.name == "sqlite" else postgresql_insert(table)


def insert_new(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row; False if one with a unique key of it is there, and nothing changed."""
    statement = insert_into(connection, table).values(**values).on_conflict_do_nothing()
    # Without the option the count is not kept after an INSERT, and reads -1 on PostgreSQL.
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return done.rowcount == 1
