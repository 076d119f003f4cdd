"""The gateway's durable queue: two SQLite files, one thread each, deletion on a receipt alone."""

from zodra_edge.outbox.records import (
    Applied,
    Kept,
    KeptReading,
    Level,
    LightRow,
    MemoryRow,
    NeedRows,
    NotKept,
    NotKeptReason,
    ReadingRow,
    ReadingRows,
)
from zodra_edge.outbox.store import Outbox

__all__ = [
    "Applied",
    "Kept",
    "KeptReading",
    "Level",
    "LightRow",
    "MemoryRow",
    "NeedRows",
    "NotKept",
    "NotKeptReason",
    "Outbox",
    "ReadingRow",
    "ReadingRows",
]
