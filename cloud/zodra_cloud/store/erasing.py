"""Erasing a household: every row of it goes, but for what a table says the law asks to keep.

A table says so beside its columns (`Table(..., info=erasure(...))`); one that says nothing loses
the household's rows, so that a new table forgets unless somebody decides otherwise. What is kept
stands under a pseudonym from then on, in the commit that deletes all else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    func,
    inspect,
    select,
    true,
    tuple_,
    update,
)

from zodra_cloud.store.engine import metadata

ERASURE: Final = "erasure"
GONE: Final = "erased"
"""What stands where a kept row named a device or a slot."""
ROWS_MAX: Final = 10_000
"""Of one table without a household's name in it, in one unit of work."""

_HOUSEHOLD: Final = "household_id"
_OURS: Final = frozenset({"alembic_version"})


@dataclass(frozen=True, slots=True)
class Erasure:
    """What becomes of a table's rows when their household is erased."""

    kept: ColumnElement[bool] | None = None
    """Which rows the law asks for; None for none."""
    cleared: Mapping[str, Any] = field(default_factory=dict)
    """What stands in some columns of the rows that are kept."""
    rewritten: Mapping[str, Callable[[Any, str], Any]] = field(default_factory=dict)
    """What becomes of the value of some columns, from it and the pseudonym."""
    open: Callable[[datetime], ColumnElement[bool]] | None = None
    """Which rows say that something is not ended yet, so that nothing is erased."""
    what: str = ""
    """What is then not ended, and what ends it, for the operator."""
    through: tuple[str, str] | None = None
    """Table and column by which a row without a household's name belongs to one."""


def erasure(**said: Any) -> dict[str, Any]:
    """Give the `info` of a table; the arguments are those of `Erasure`."""
    return {ERASURE: Erasure(**said)}


EVERYTHING: Final = true()
"""For `kept`: all rows of the household."""


def of(table: Table) -> Erasure:
    """Read what a table says; the default deletes."""
    said = table.info.get(ERASURE)
    return said if isinstance(said, Erasure) else Erasure()


def in_the_way(connection: Connection, household_id: str, now: datetime) -> list[tuple[str, int]]:
    """Say what of a household is not ended yet: a sentence each, and how many of it."""
    found = []
    for table in _known(connection):
        said = of(table)
        if said.open is None:
            continue
        count = connection.execute(
            select(func.count())
            .select_from(table)
            .where(table.c[_HOUSEHOLD] == household_id, said.open(now))
        ).scalar_one()
        if count:
            found.append((said.what, count))
    return found


def erase_unnamed(connection: Connection, household_id: str, limit: int = ROWS_MAX) -> int:
    """Delete rows that belong to the household through another table, at most so many of each.

    Returns:
        How many; called until it is 0, each time in a unit of work of its own.
    """
    gone = 0
    for table in _known(connection):
        through = of(table).through
        if through is None:
            continue
        parent, name = metadata.tables[through[0]], through[1]
        owned = select(parent.c[name]).where(parent.c[_HOUSEHOLD] == household_id)
        key = tuple_(*table.primary_key.columns)
        some = (
            select(*table.primary_key.columns)
            .where(table.c[name].in_(owned))
            .order_by(*table.primary_key.columns)
            .limit(limit)
        )
        gone += connection.execute(delete(table).where(key.in_(some))).rowcount
    return gone


def erase(connection: Connection, household_id: str, pseudonym: str) -> dict[str, tuple[int, int]]:
    """Delete a household's rows, and put those that are kept under a pseudonym.

    Args:
        connection: of one unit of work; `erase_unnamed` has nothing left to do.
        household_id: whose.
        pseudonym: of a household that is there already, to hold what is kept.

    Returns:
        Of each table that had some: how many rows were deleted, and how many are kept.
    """
    counts: dict[str, tuple[int, int]] = {}
    for table in reversed(_known(connection)):
        column = table.c.get(_HOUSEHOLD)
        if column is None:
            continue
        kept = 0
        said = of(table)
        if said.kept is not None:
            kept = connection.execute(
                update(table)
                .where(and_(column == household_id, said.kept))
                .values({_HOUSEHOLD: pseudonym, **said.cleared})
            ).rowcount
            for name, change in said.rewritten.items():
                _rewrite(connection, table, name, pseudonym, change)
        deleted = connection.execute(delete(table).where(column == household_id)).rowcount
        if kept or deleted:
            counts[table.name] = (deleted, kept)
    return counts


def _rewrite(
    connection: Connection,
    table: Table,
    name: str,
    pseudonym: str,
    change: Callable[[Any, str], Any],
) -> None:
    keys = list(table.primary_key.columns)
    rows = connection.execute(
        select(*keys, table.c[name]).where(table.c[_HOUSEHOLD] == pseudonym).order_by(*keys)
    ).all()
    for *named, value in rows:
        same = [key == part for key, part in zip(keys, named, strict=True)]
        connection.execute(update(table).where(*same).values({name: change(value, pseudonym)}))


def _known(connection: Connection) -> list[Table]:
    """Give every table, parents first; a table that no room has declared stops the erasure."""
    stored = set(inspect(connection).get_table_names()) - _OURS
    unknown = stored - metadata.tables.keys()
    if unknown:
        raise RuntimeError(f"tables that no room declares: {', '.join(sorted(unknown))}")
    return list(metadata.sorted_tables)
