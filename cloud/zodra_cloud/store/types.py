"""Column types that mean the same on SQLite (STRICT tables) and PostgreSQL.

STRICT knows INTEGER, REAL, TEXT and BLOB only, so use these and `sqlalchemy.Text` and `Integer`,
never `String`, `Float`, `Boolean` or `DateTime`.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION
from sqlalchemy.dialects.sqlite import REAL
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both; SQLite's INTEGER is that wide already."""

Real: TypeEngine[float] = DOUBLE_PRECISION[float]().with_variant(REAL(), "sqlite")


def to_ms(instant: datetime) -> int:
    """Give milliseconds since 1970, rounded down. Raises `ValueError` on a naive instant."""
    if instant.tzinfo is None:
        raise ValueError("an instant without time zone; use aware UTC")
    return (instant - EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """Give the aware UTC instant of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=ms)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, stored as milliseconds since 1970 in 64 bits."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Choose the column type of the dialect."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Write."""
        return None if value is None else to_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Read."""
        return None if value is None else from_ms(value)


class Json(TypeDecorator[Any]):
    """A small JSON value as text with sorted keys, so that equal values are equal bytes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write."""
        if value is None:
            return None
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read."""
        return None if value is None else json.loads(value)


class Flag(TypeDecorator[bool]):
    """True or false, stored as 1 or 0."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """Write."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:
        """Read."""
        return None if value is None else bool(value)
