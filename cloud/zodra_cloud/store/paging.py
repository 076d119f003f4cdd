"""Where a page of a list begins, in one condition that SQLite and PostgreSQL serve by an index."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true

Before = tuple[datetime, str]
"""Instant and id of the last one that was shown."""


def older(at: ColumnElement[Any], name: ColumnElement[Any], before: Before | None) -> Any:
    """Choose what follows in a list that runs from new to old, and by id within an instant."""
    if before is None:
        return true()
    return or_(at < before[0], and_(at == before[0], name > before[1]))
