"""The SQL of `need.db`: need-moments, memory, lights, refusals and the quarantine."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

from pydantic import ValidationError

from zodra_contract.envelope import Rejection
from zodra_contract.signal import NeedSignal
from zodra_edge.link import Lane
from zodra_edge.outbox import quarantine
from zodra_edge.outbox.line import Joint
from zodra_edge.outbox.records import (
    Applied,
    Kept,
    Level,
    LightRow,
    MemoryRow,
    NeedRows,
    NotKept,
    NotKeptReason,
    memory_checksum,
    need_checksum,
    signal_checksum,
)
from zodra_edge.outbox.rows.lights import LightTable
from zodra_edge.outbox.rows.many import Insert

NEEDS_PERCENT: Final = 90
"""Of the file's soft limit; the rest is for memory, lights and what goes aside."""
SETTLED_ROWS_MAX: Final = 256
"""More rows that the cloud has are deleted with its receipt: after a long time offline, the next
press would otherwise wait until thousands of them are gone."""
PRESS_BYTES_MAX: Final = 16 * 1024
"""More than the rows of one need-moment can take. With less room than that for each of those that
came together, they are kept one by one, up to the limit."""

_NEED: Final = Insert("need", "sequence, signal_id, body, kept_ms, checksum")
_MEMORY: Final = Insert(
    "memory",
    "device_id, memory, checksum",
    "ON CONFLICT (device_id) DO UPDATE SET memory = excluded.memory, checksum = excluded.checksum",
)

_new_kept: Final = partial(tuple.__new__, Kept)
_to_json: Final = NeedSignal.__pydantic_serializer__.to_json
"""What `model_dump_json` comes to, without its fifteen options: a fifth of the time of both."""


@dataclass(slots=True)
class Press(Joint):
    """A need-moment to be kept, with its light and the memory behind it; or none of them.

    Not frozen: making one then takes a third of the time, and each press waits for it.
    """

    signal_id: str
    raw: bytes
    """The signal as JSON, written by the caller: the writer has enough to do."""
    memory: Sequence[MemoryRow]
    light: LightRow
    kept_ms: int

    @classmethod
    def of(
        cls, signal: NeedSignal, memory: Sequence[MemoryRow], light: LightRow, kept_ms: int
    ) -> Self:
        """Put one together."""
        return cls(signal.signal_id, _to_json(signal), memory, light, kept_ms)

    @classmethod
    def do_all(cls, connection: sqlite3.Connection, file: Any, jobs: Sequence[Any], /) -> list[Any]:
        """Keep all that there is room for, in their order."""
        kept: list[Kept | NotKept] = file.keep(connection, jobs)
        return kept


class NeedFile:
    """What the writer's thread knows about `need.db` between transactions."""

    def __init__(
        self, rows_max: int, quarantine_rows_max: int, bytes_max: int | None = None
    ) -> None:
        """Set the limits; the counters come with `load`."""
        self._rows_max = rows_max
        self._needs_bytes_max = None if bytes_max is None else bytes_max * NEEDS_PERCENT // 100
        self._quarantine_rows_max = quarantine_rows_max
        self._meta = quarantine.Meta()
        self._depth = 0
        self._gone_upto = 0
        """Receipted up to here. Deleted with whatever is written next: the deletion alone costs a
        card as much as the need-moment. After a crash the cloud hears of it once more."""
        self._settled = 0
        """Receipted, and still in the file."""
        self._quarantined = 0
        """Counting them takes milliseconds when there are many, and each press asks."""
        self._changes = 0
        self._lights = LightTable()
        self._spare_bytes = 0.0
        """There were so many more below the limit, less what presses may have taken since: only
        when that is used up is the file looked at again, which takes as long as three presses."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the counters anew, at the start and after a rollback."""
        before = self._meta.buffer_id
        self._meta = quarantine.Meta.load(connection)
        if self._meta.buffer_id != before:
            self._gone_upto = 0
        self._depth, self._settled = (
            count or 0
            for count in connection.execute(
                "SELECT sum(sequence > ?1), sum(sequence <= ?1) FROM need", (self._gone_upto,)
            ).fetchone()
        )
        self._quarantined = quarantine.depth(connection)
        self._lights.load(connection)
        self._spare_bytes = 0.0
        self._changes = connection.total_changes

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the counters, within the transaction."""
        if connection.total_changes != self._changes:
            self.let_go(connection)
        self._meta.save(connection)
        self._changes = connection.total_changes

    def let_go(self, connection: sqlite3.Connection) -> None:
        """Delete what was receipted."""
        if self._settled:
            connection.execute("DELETE FROM need WHERE sequence <= ?", (self._gone_upto,))
            self._settled = 0

    def level(self, connection: sqlite3.Connection) -> Level:
        """Say how full the file is."""
        oldest = connection.execute(
            "SELECT kept_ms FROM need WHERE sequence > ? ORDER BY sequence LIMIT 1",
            (self._gone_upto,),
        ).fetchone()
        counts = connection.execute("SELECT reason, count FROM refusal ORDER BY reason").fetchall()
        return Level(
            buffer_id=self._meta.buffer_id,
            depth=self._depth,
            oldest_ms=oldest[0] if oldest else None,
            next_sequence=self._meta.next_sequence,
            dropped=self._meta.dropped,
            quarantined=self._quarantined,
            restarts=self._meta.restarts,
            counts=dict(counts),
            memory_lost=self._meta.memory_lost,
            settled=self._settled,
        )

    @property
    def buffer_id(self) -> str:
        """Of the file that is open; it changes when a damaged one is replaced."""
        return self._meta.buffer_id

    def keep(
        self, connection: sqlite3.Connection, presses: Sequence[Press]
    ) -> list[Kept | NotKept]:
        """Store need-moments in their order, as many as there is room for."""
        # First, so that the new row finds its place in the page of the old one.
        self.let_go(connection)
        rows_left = self._rows_max - self._depth
        wanted = PRESS_BYTES_MAX * len(presses)
        if self._spare_bytes < wanted:
            self._spare_bytes = self._bytes_left(connection)
        if self._spare_bytes < wanted:
            if len(presses) > 1:
                return [kept for press in presses for kept in self.keep(connection, [press])]
            rows_left = 0 if self._spare_bytes <= 0 else rows_left
        self._spare_bytes -= wanted
        taken = presses[: max(0, rows_left)]
        first = self._meta.take_sequence(len(taken))
        rows: list[Any] = []
        for number, one in enumerate(taken, first):
            raw, kept_ms = one.raw, one.kept_ms
            checksum = signal_checksum(number, kept_ms, raw)
            rows += number, one.signal_id, raw.decode(), kept_ms, checksum
        _NEED.run(connection, rows)
        self._depth += len(taken)
        self.remember(connection, [row for one in taken for row in one.memory])
        self.shine(connection, [one.light for one in taken])
        # As `Kept(number)`, which takes thrice as long.
        kept: list[Kept | NotKept] = [*map(_new_kept, zip(range(first, first + len(taken))))]
        return kept + [NotKept(NotKeptReason.FULL)] * (len(presses) - len(taken))

    def _bytes_left(self, connection: sqlite3.Connection) -> float:
        limit = self._needs_bytes_max
        return float("inf") if limit is None else limit - quarantine.used_bytes(connection)

    def put_back(
        self, connection: sqlite3.Connection, wanted: quarantine.Wanted
    ) -> list[quarantine.PutBack]:
        """Give rows of the quarantine a new place in the lane."""
        room = self._rows_max - self._depth
        done = quarantine.put_back(connection, "need", wanted, room, self._meta.take_sequence)
        self._depth += sum(row.sequence is not None for row in done)
        self._quarantined = quarantine.depth(connection)
        return done

    def give_way(self, connection: sqlite3.Connection) -> int:
        """Drop nothing: a need-moment leaves for a receipt alone."""
        return 0

    def remember(self, connection: sqlite3.Connection, memory: Sequence[MemoryRow]) -> None:
        """Store what the pure rooms remember."""
        rows: list[Any] = []
        for device_id, held in memory:
            rows += device_id, held, memory_checksum(device_id, held)
        _MEMORY.run(connection, rows)

    def settle_memory(self, connection: sqlite3.Connection, memory: Sequence[MemoryRow]) -> None:
        """Store memory that takes the place of what was lost."""
        self.remember(connection, memory)
        self._meta.memory_lost = False

    def memories(self, connection: sqlite3.Connection) -> dict[str, str]:
        """Read all memory; what is damaged is an empty text, which nothing can be read from."""
        rows = connection.execute(
            "SELECT device_id, memory, checksum FROM memory ORDER BY device_id"
        )
        return {
            device_id: ""
            if checksum is not None and memory_checksum(device_id, memory) != checksum
            else memory
            for device_id, memory, checksum in rows
        }

    def shine(self, connection: sqlite3.Connection, lights: Sequence[LightRow]) -> None:
        """Store what lights say, and forget the oldest needs of their slots."""
        self._lights.shine(connection, lights)

    def lights(self, connection: sqlite3.Connection) -> list[LightRow]:
        """Read all lights, the oldest need first."""
        return self._lights.read(connection)

    def count(self, connection: sqlite3.Connection, refusals: Mapping[str, int]) -> None:
        """Add to the refusals by reason."""
        connection.executemany(
            "INSERT INTO refusal (reason, count) VALUES (?, ?) "
            "ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count",
            list(refusals.items()),
        )

    def batch(
        self, connection: sqlite3.Connection, after: int, rows_max: int, now_ms: int
    ) -> NeedRows | None:
        """Read need-moments above a sequence; damaged rows go to the quarantine on the way."""
        rows: list[tuple[int, NeedSignal]] = []
        damaged: list[tuple[int, str]] = []
        for sequence, body, kept_ms, checksum in connection.execute(
            "SELECT sequence, body, kept_ms, checksum FROM need WHERE sequence > ? "
            "ORDER BY sequence LIMIT ?",
            (max(after, self._gone_upto), rows_max),
        ):
            if need_checksum(sequence, kept_ms, body) != checksum:
                damaged.append((sequence, quarantine.DAMAGED))
                continue
            try:
                rows.append((sequence, NeedSignal.model_validate_json(body)))
            except ValidationError:
                damaged.append((sequence, quarantine.UNREADABLE))
        self._set_aside(connection, damaged, now_ms)
        if damaged and not rows:
            return self.batch(connection, after, rows_max, now_ms)
        (kept_from,) = connection.execute(
            "SELECT min(sequence) FROM need WHERE sequence > ?", (self._gone_upto,)
        ).fetchone()
        return NeedRows(self._meta.buffer_id, kept_from, tuple(rows)) if rows else None

    def apply(
        self,
        connection: sqlite3.Connection,
        upto: int,
        rejected: Sequence[Rejection],
        now_ms: int,
    ) -> Applied:
        """Let go of what the cloud has, and set aside what it will never take."""
        if not rejected:
            return Applied(Lane.NEED, self._settle(connection, upto), 0)
        self.let_go(connection)
        final, kept = quarantine.sort_rejections(upto, rejected)
        quarantined = self._set_aside(connection, final, now_ms)
        deleted = connection.execute(
            f"DELETE FROM need WHERE sequence <= ? AND sequence NOT IN ({quarantine.marks(kept)})",  # noqa: S608
            (upto, *kept),
        ).rowcount
        self._depth -= deleted
        return Applied(Lane.NEED, deleted, quarantined)

    def _settle(self, connection: sqlite3.Connection, upto: int) -> int:
        """Note that the cloud has everything up to a sequence; see `_gone_upto`."""
        if upto <= self._gone_upto:
            return 0
        (gone,) = connection.execute(
            "SELECT count(*) FROM need WHERE sequence > ? AND sequence <= ?",
            (self._gone_upto, upto),
        ).fetchone()
        self._gone_upto = upto
        self._depth -= gone
        self._settled += gone
        if self._settled > SETTLED_ROWS_MAX:
            self.let_go(connection)
        return int(gone)

    def _set_aside(
        self, connection: sqlite3.Connection, rows: Sequence[tuple[int, str]], now_ms: int
    ) -> int:
        moved = 0
        for sequence, reason in rows:
            moved += connection.execute(
                "INSERT INTO quarantine (buffer_id, sequence, reason, body, set_aside_ms) "
                "SELECT ?, sequence, ?, body, ? FROM need WHERE sequence = ?",
                (self._meta.buffer_id, reason, now_ms, sequence),
            ).rowcount
            self._depth -= connection.execute(
                "DELETE FROM need WHERE sequence = ?", (sequence,)
            ).rowcount
        if moved:
            quarantine.trim(connection, self._quarantine_rows_max)
            self._quarantined = quarantine.depth(connection)
        return moved

    def set_aside(
        self, connection: sqlite3.Connection, sequence: int, reason: str, now_ms: int
    ) -> None:
        """Move one row to the quarantine, unless the cloud has it by now."""
        self.let_go(connection)
        self._set_aside(connection, [(sequence, reason)], now_ms)
