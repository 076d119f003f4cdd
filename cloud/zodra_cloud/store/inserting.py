"""INSERT ... ON CONFLICT, which generic SQL does not have, and many rows in one statement."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Table,
    Text,
    Update,
    bindparam,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.types import TypeDecorator


def insert_into(connection: Connection, table: Table) -> Any:
    """Begin an INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return sqlite_insert(table) if connection.dialect.name == "sqlite" else postgresql_insert(table)


def insert_new(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row; False if one with a unique key of it is there, and nothing changed."""
    statement = insert_into(connection, table).values(**values).on_conflict_do_nothing()
    # Without the option the count is not kept after an INSERT, and reads -1 on PostgreSQL.
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return done.rowcount == 1


def insert_many(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    unless_there: bool = False,
) -> None:
    """Insert many rows of the same columns in one statement.

    PostgreSQL gets them as one JSON document: a statement a row, even pipelined, costs it more
    than the row. SQLite has no server to talk to, so a statement a row is the fastest there.

    Args:
        connection: of the caller's unit of work.
        table: whose rows they are.
        rows: values by column; the same columns in each.
        unless_there: whether a row whose unique key is there already is left out.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_insert_one(table, unless_there), [dict(row) for row in rows])
        return
    names = list(rows[0])
    written = [
        {name: _bound(table.c[name], row[name], connection.dialect) for name in names}
        for row in rows
    ]
    columns = ", ".join(names)
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({columns})"  # noqa: S608 - names of our own tables
            f" SELECT {columns} FROM json_populate_recordset("
            f"CAST(NULL AS {table.name}), CAST(:rows AS JSON))"
            + (" ON CONFLICT DO NOTHING" if unless_there else "")
        ).bindparams(bindparam("rows", type_=Text)),
        {"rows": json.dumps(written)},
    )


def update_many(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Update many rows by their keys; as `insert_many`, one statement on PostgreSQL.

    Args:
        connection: of the caller's unit of work.
        table: whose rows they are.
        keys: the columns that name a row.
        rows: values by column, the keys among them; the same columns in each.
    """
    if not rows:
        return
    names = [name for name in rows[0] if name not in keys]
    if connection.dialect.name == "sqlite":
        statement = _update_one(table, tuple(keys), tuple(names))
        connection.execute(
            statement, [{f"given_{name}": value for name, value in row.items()} for row in rows]
        )
        return
    written = [
        {name: _bound(table.c[name], value, connection.dialect) for name, value in row.items()}
        for row in rows
    ]
    changed = ", ".join(f"{name} = given.{name}" for name in names)
    named = " AND ".join(f"{table.name}.{name} = given.{name}" for name in keys)
    connection.execute(
        text(
            f"UPDATE {table.name} SET {changed} FROM json_populate_recordset("  # noqa: S608
            f"CAST(NULL AS {table.name}), CAST(:rows AS JSON)) AS given WHERE {named}"
        ).bindparams(bindparam("rows", type_=Text)),
        {"rows": json.dumps(written)},
    )


@cache
def _insert_one(table: Table, unless_there: bool) -> Any:
    statement = sqlite_insert(table)
    return statement.on_conflict_do_nothing() if unless_there else statement


@cache
def _update_one(table: Table, keys: tuple[str, ...], names: tuple[str, ...]) -> Update:
    return (
        update(table)
        .where(*(table.c[name] == bindparam(f"given_{name}") for name in keys))
        .values({name: bindparam(f"given_{name}") for name in names})
    )


def _bound(of: Column[Any], value: Any, dialect: Dialect) -> Any:
    if isinstance(of.type, TypeDecorator):
        return of.type.process_bind_param(value, dialect)
    return value
