"""A gateway's store that is killed again and again. Run by `test_kill` as a process of its own.

The parent imports everything once and then forks: a fork costs milliseconds where a start of
Python costs half a second. Each child is a process that opens the real outbox, reports all that it
finds, keeps needs and readings with several callers at once, and says so only after `keep`
returned. It never ends by itself. The parent compares what it said with what the next one finds.
"""

import asyncio
import json
import os
import random
import select
import signal
import sqlite3
import sys
import time
import traceback
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from faults import worlds
from zodra_contract.envelope import Receipt
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, Outbox
from zodra_edge.outbox.rows.many import ROWS_A_STATEMENT
from zodra_edge.settings import OutboxLimits

CALLERS = 4
CROWD = ROWS_A_STATEMENT + 16
"""So many callers in every other life: their needs go into the file many in one statement."""
DEPTH_MAX = 60
"""Above this the child receipts what is oldest, so that the files stay small for ten thousand."""


class Child:
    """What runs until it is killed."""

    def __init__(self, folder: Path, pipe: int, name: str, callers: int) -> None:
        self.folder = folder
        self.pipe = pipe
        self.name = name
        self.callers = callers

    def say(self, *words: object) -> None:
        os.write(self.pipe, (" ".join(str(word) for word in words) + "\n").encode())

    async def run(self) -> None:
        async with Outbox(self.folder, OutboxLimits()) as outbox:
            batch = await outbox.need_batch(0, 100_000, worlds.AT)
            for sequence, found in batch.rows if batch else ():
                self.say("found", sequence, found.signal_id)
            memories = await outbox.memories()
            known = memories.get(worlds.DEVICE)
            self.say("memory", json.loads(known)["counter"] if known else "-")
            needs, readings = outbox.level(Lane.NEED), outbox.level(Lane.TELEMETRY)
            self.say("level", needs.next_sequence, readings.next_sequence, needs.quarantined)
            await asyncio.gather(
                *(self.press(outbox, place) for place in range(self.callers)), self.read(outbox)
            )

    async def press(self, outbox: Outbox, place: int) -> None:
        number = 0
        while True:
            number += 1
            name = f"{self.name}_{place}_{number}"
            kept = await outbox.keep(
                worlds.signal(name), [worlds.memory(name)], worlds.light(name), worlds.AT
            )
            assert isinstance(kept, Kept)
            self.say("kept", kept.sequence, name)
            level = outbox.level(Lane.NEED)
            if level.depth > DEPTH_MAX:
                upto = kept.sequence - DEPTH_MAX // 2
                self.say("receipt", upto)
                receipt = Receipt(buffer_id=level.buffer_id, upto=upto, committed_at=worlds.AT)
                sent = {Lane.NEED: upto, Lane.TELEMETRY: 0}
                await outbox.apply_receipt(receipt, sent, worlds.AT)

    async def read(self, outbox: Outbox) -> None:
        number = 0
        while True:
            number += 10
            await outbox.keep_readings([worlds.reading(number + n) for n in range(10)])
            self.say("readings", 10)
            await asyncio.sleep(0.003)


@dataclass
class Account:
    """What the children said, and what must therefore be there."""

    kept: dict[int, str] = field(default_factory=dict)
    """Confirmed, and not known to be gone."""
    receipted: int = 0
    """A receipt up to here was begun; rows up to here may be gone."""
    highest: int = 0
    readings: int = 0
    confirmed: int = 0
    ahead: int = 0
    """Rows that were on disk although the child was killed before it could say so."""
    faults: list[str] = field(default_factory=list)

    def require(self, holds: object, message: str) -> None:
        if not holds:
            self.faults.append(message)

    def take(self, lines: list[str]) -> None:
        """Check what one child found, and take down what it promised."""
        found: dict[int, str] = {}
        promised: dict[int, str] = {}
        readings = 0
        for line in lines:
            match line.split():
                case ["found", sequence, name]:
                    found[int(sequence)] = name
                case ["memory", name]:
                    newest = found[max(found)] if found else None
                    self.require(newest in (None, name), f"memory {name} but newest row {newest}")
                case ["level", next_sequence, next_reading, quarantined]:
                    self.found(found, int(next_sequence))
                    self.require(int(next_reading) > self.readings, f"readings lost: {line}")
                    self.require(quarantined == "0", f"damaged rows: {line}")
                case ["kept", sequence, name]:
                    promised[int(sequence)] = name
                case ["receipt", upto]:
                    self.receipted = max(self.receipted, int(upto))
                case ["readings", rows]:
                    readings += int(rows)
                case _:
                    self.faults.append(f"a child said {line!r}")
        again = promised.keys() & self.kept.keys()
        self.require(not again, f"sequences used twice: {sorted(again)[:5]}")
        low = [sequence for sequence in promised if sequence <= self.highest]
        self.require(not low, f"sequences of the past used again: {low[:5]}")
        self.kept.update(promised)
        self.confirmed += len(promised)
        self.readings += readings
        self.highest = max([self.highest, *promised, *found])

    def found(self, found: dict[int, str], next_sequence: int) -> None:
        """Compare what is on disk with what was confirmed."""
        gone = [s for s in self.kept if s not in found and s > self.receipted]
        self.require(not gone, f"confirmed and lost: {gone[:5]} of {len(gone)}")
        other = [s for s, name in found.items() if self.kept.get(s, name) != name]
        self.require(not other, f"another need in its place: {other[:5]}")
        ordered = sorted(found)
        gaps = [b for a, b in pairwise(ordered) if b != a + 1]
        self.require(not gaps, f"gaps before {gaps[:5]}")
        names = set(found.values())
        self.require(len(names) == len(found), "one need twice in the store")
        self.require(next_sequence > max([self.highest, *found]), "the next sequence is taken")
        self.ahead += len([s for s in found if s not in self.kept and s > self.highest])
        self.kept = {s: name for s, name in found.items()}


def one_life(folder: Path, name: str, draw: random.Random, callers: int = CALLERS) -> list[str]:
    """Run one child, kill it at a moment that is drawn, and return its whole lines."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            asyncio.run(Child(folder, theirs, name, callers).run())
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(99)
    os.close(theirs)
    heard = b""
    if draw.random() < 0.25:
        # Anywhere from the fork on: while it opens, migrates, recovers the log.
        wanted, patience_s = 1 << 30, draw.random() * 0.03
    else:
        wanted, patience_s = draw.randrange(1, 15 * callers), 20.0
    deadline = time.monotonic() + patience_s
    kept = 0
    while kept < wanted and (left := deadline - time.monotonic()) > 0:
        if select.select([ours], [], [], left)[0]:
            chunk = os.read(ours, 65536)
            if not chunk:
                break
            heard += chunk
            kept += chunk.count(b"kept ")
    time.sleep(draw.random() * 0.002)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while chunk := os.read(ours, 65536):
        heard += chunk
    os.close(ours)
    if os.WTERMSIG(status) != signal.SIGKILL:
        raise SystemExit(f"the child ended by itself: status {status}")
    return heard.decode().split("\n")[:-1]


def integrity(folder: Path) -> list[str]:
    """Ask SQLite."""
    answers = []
    for name in ("need.db", "telemetry.db"):
        connection = sqlite3.connect(folder / name)
        answers.append(str(connection.execute("PRAGMA integrity_check").fetchone()[0]))
        connection.close()
    return answers


def main() -> None:
    """Kill as often as told; exit with the account as JSON."""
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    draw = random.Random(seed)
    account = Account()
    for number in range(kills):
        callers = CROWD if number % 2 else CALLERS
        account.take(one_life(folder, f"r{number}", draw, callers))
        if number % 100 == 99:
            account.require(integrity(folder) == ["ok", "ok"], f"integrity after {number}")
        if account.faults:
            break
    account.take([line for line in one_life(folder, "last", random.Random(0)) if line])
    account.require(integrity(folder) == ["ok", "ok"], "integrity at the end")
    sys.stdout.write(
        json.dumps(
            {
                "kills": kills,
                "confirmed": account.confirmed,
                "on disk before they were confirmed": account.ahead,
                "faults": account.faults,
            }
        )
    )


if __name__ == "__main__":
    main()
