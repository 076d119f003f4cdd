"""Rows among many given keys, in one statement whose text never changes.

One array of each column, rather than a parameter of each part of each key: the text is compiled
and parsed once, however many keys there are, and no limit on parameters is near.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    column,
    func,
    select,
    tuple_,
)
from sqlalchemy.sql.expression import literal

from zodra_cloud.store.types import Json


def among(
    connection: Connection, columns: Sequence[Any], keys: Collection[Sequence[str]]
) -> ColumnElement[bool]:
    """Give the condition that these text columns are one of the given keys.

    Args:
        connection: whose dialect decides how it is written.
        columns: as many as each key has parts.
        keys: the parts of each key.
    """
    rows = [list(key) for key in keys]
    if connection.dialect.name == "postgresql":
        names = [f"part_{number}" for number in range(len(columns))]
        arrays = [
            bindparam(None, [row[number] for row in rows], type_=ARRAY(Text), unique=True)
            for number in range(len(columns))
        ]
        given = (
            func.unnest(*arrays)
            .table_valued(*(column(name, Text) for name in names))
            .render_derived()
        )
        return tuple_(*columns).in_(select(*(given.c[name] for name in names)))
    each = func.json_each(literal(rows, Json)).table_valued(column("value", Text))
    parts = [
        func.json_extract(each.c.value, f"$[{number}]", type_=Text)
        for number in range(len(columns))
    ]
    return tuple_(*columns).in_(select(*parts))


def among_ids(connection: Connection, one: Any, ids: Collection[int]) -> ColumnElement[bool]:
    """Give the condition that an integer column is one of the given ids."""
    if connection.dialect.name == "postgresql":
        found: ColumnElement[bool] = one == func.any(
            bindparam(None, list(ids), type_=ARRAY(BigInteger), unique=True)
        )
        return found
    each = func.json_each(literal(list(ids), Json)).table_valued(column("value", BigInteger))
    chosen: ColumnElement[bool] = one.in_(select(each.c.value))
    return chosen
