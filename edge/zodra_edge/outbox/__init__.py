"""The gateway's durable queue: two SQLite files, one thread each, deletion on a receipt alone."""

from zodra_edge.outbox.live import Outbox
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
from zodra_edge.outbox.storage import DiskLevel, Salvage, Storage, StorageState, Trouble

__all__ = [
    "Applied",
    "DiskLevel",
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
    "Salvage",
    "Storage",
    "StorageState",
    "Trouble",
]
