"""What was heard and not understood, kept for a person to look at. Pure: the caller knows the time.

It never leaves the home: a raw frame may say anything about anybody.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

RAW_BYTES_MAX: Final = 256
"""Of one frame; an advertisement has fewer, and a message's begin shows what it is."""
WHERE_CHARS_MAX: Final = 128
ENTRIES_MAX: Final = 64
"""The one heard longest ago is forgotten for a new one."""


@dataclass(frozen=True, slots=True)
class Unread:
    """One source's last frame that nothing could be made of."""

    where: str
    """Its topic or address."""
    reason: str
    detail: str
    raw: bytes
    """The frame's begin."""
    raw_bytes: int
    """How long it was."""
    count: int
    first_at: datetime
    last_at: datetime


class UnreadList:
    """The last such frames, one for each source and reason.

    Written by one thread, and read by any: what is read is never changed.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[tuple[str, str], Unread] = {}

    def __len__(self) -> int:
        """Count them, up to `ENTRIES_MAX`."""
        return len(self._entries)

    def note(self, where: str, raw: bytes, reason: str, detail: str, at: datetime) -> None:
        """Keep one frame in place of the one before it."""
        # It is shown on a terminal, which obeys some characters.
        where = "".join(c if c.isprintable() else "?" for c in where[:WHERE_CHARS_MAX])
        key = where, reason
        begin, length = raw[:RAW_BYTES_MAX], len(raw)
        entries = dict(self._entries)
        known = entries.pop(key, None)
        if known is None:
            entry = Unread(where, reason, detail, begin, length, 1, at, at)
        else:
            entry = replace(
                known,
                detail=detail,
                raw=begin,
                raw_bytes=length,
                count=known.count + 1,
                last_at=at,
            )
        entries[key] = entry
        if len(entries) > ENTRIES_MAX:
            del entries[next(iter(entries))]
        self._entries = entries

    def entries(self) -> tuple[Unread, ...]:
        """Name them, the latest first."""
        return tuple(reversed(self._entries.values()))
