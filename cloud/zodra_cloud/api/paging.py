"""Lists in pages: a bounded limit, and a cursor that says nothing to its holder.

A cursor names where a page ended, not whose it is: every query is bound to the household of the
token, so a cursor of somebody else shows nothing of them.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from zodra_cloud.api.problems import invalid
from zodra_cloud.store.paging import Before
from zodra_cloud.store.types import from_ms, to_ms

LIMIT_MAX: Final = 100
LIMIT: Final = 20
CURSOR_CHARS_MAX: Final = 300

T = TypeVar("T")
_MS_MAX: Final = 253_402_300_799_000
"""The end of the year 9999."""

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many at most.", examples=[LIMIT])]
Cursor = Annotated[
    str | None,
    Query(
        max_length=CURSOR_CHARS_MAX,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next_cursor` of the page before; leave it out for the first page.",
    ),
]


class Page(BaseModel, Generic[T]):
    """One page of a list, newest first."""

    items: list[T] = Field(description="At most as many as asked for.")
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null if this was the last one."
    )


def read_cursor(kind: str, cursor: str | None) -> Before | None:
    """Read where a page begins. Raises `Problem` if it is no cursor of this list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, ms, last_id = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError, TypeError) as fault:
        raise _no_cursor(kind) from fault
    is_ours = name == kind and type(ms) is int and 0 <= ms <= _MS_MAX and isinstance(last_id, str)
    if not is_ours or not last_id.isascii() or "\0" in last_id:
        raise _no_cursor(kind)
    return from_ms(ms), last_id


def write_cursor(kind: str, last: Before) -> str:
    """Write where the next page begins."""
    text = json.dumps([kind, to_ms(last[0]), last[1]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def page_of(
    kind: str, found: Sequence[T], limit: int, place: Callable[[T], Before]
) -> tuple[Sequence[T], str | None]:
    """Cut a page from what was read, one more than the limit; give it and the next cursor."""
    shown = found[:limit]
    more = len(found) > limit
    return shown, write_cursor(kind, place(shown[-1])) if more else None


def _no_cursor(kind: str) -> Exception:
    return invalid("query", "cursor", f"a next_cursor of {kind}, as it was given")
