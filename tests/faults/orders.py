"""Orders by the hundred thousand: many streets side by side, each with a seed and checked whole.

    python -m faults.orders --orders 100000 --seed 7
    python -m faults.orders --database postgresql --orders 5000 --shards 4 --minutes 20

Every run has its own database, shop, service and seed. Ctrl-C or the end of the time let each run
come to its end, with its account; what was done until then is the honest total. The exit code is 1
if a check noticed anything.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from postgresql_server import PostgresqlServer

WORKERS: Final = {"sqlite": 0, "postgresql": 2}
"""Beside the process that serves; on SQLite it is the only one that does jobs."""
RUN_ORDERS_MAX: Final = 5_000
"""Of one seed: more of them are more runs, so that none waits for hours for its account."""
SAY_S: Final = 30.0
SO_FAR: Final = "orders so far: "
"""How a run says on its standard error where it is."""
TESTS: Final = Path(__file__).parents[1]
RAM: Final = Path("/dev/shm")
TIMED_OUT: Final = (
    *("time-outs after accept", "connections reset after accept"),
    *("answers of 500 after accept", "nonsense instead of an answer, after accept"),
)
TABLE: Final = {
    "orders": ("orders at the shop",),
    "kills": ("kills",),
    "leases lost": ("leases lost",),
    "accepted, no answer": TIMED_OUT,
    "double submits": ("double submits", "late clicks"),
    "asked again": ("keys asked more than once",),
    "duplicates": ("duplicates",),
}


@dataclass
class Tally:
    """What all runs on one kind of database did."""

    total: Counter[str] = field(default_factory=Counter)
    under_way: dict[str, int] = field(default_factory=dict)
    """Orders so far, by the name of a run that has no account yet."""
    wrong: list[str] = field(default_factory=list)
    runs: int = 0

    @property
    def orders(self) -> int:
        """So far, accounted for or not."""
        return self.total["orders at the shop"] + sum(self.under_way.values())


class Orders:
    """The runs of one call.

    Args:
        orders: on each kind of database.
        seed: of all runs; each has its own number after it.
        run_orders: of one run.
    """

    def __init__(self, orders: int, seed: int, run_orders: int) -> None:
        self._orders = orders
        self._seed = seed
        self._run_orders = run_orders
        self._lock = threading.RLock()
        self._children: set[subprocess.Popen[str]] = set()
        self._given: Counter[str] = Counter()
        """Orders handed out to runs, by kind."""
        self._numbers: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._began = time.monotonic()
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)

    def stop(self) -> None:
        """Let every run come to its end, and begin no other."""
        self._stopping.set()
        with self._lock:
            for child in self._children:
                child.send_signal(signal.SIGTERM)

    def shard(self, kind: str) -> None:
        """Do one run after the other on one kind of database, until there are enough."""
        with _databases(kind) as make:
            while not self._stopping.is_set():
                with self._lock:
                    orders = min(self._run_orders, self._orders - self._given[kind])
                    self._given[kind] += max(0, orders)
                    number = self._numbers[kind]
                    self._numbers[kind] += 1
                if orders <= 0:
                    return
                self._run(kind, number, orders, make(number))

    def say(self) -> None:
        """Say how far all of it is."""
        seconds = time.monotonic() - self._began
        for kind, tally in sorted(self.tallies.items()):
            print(
                f"{time.strftime('%H:%M:%S')} {kind}: {tally.orders:,} orders,"
                f" {tally.orders / seconds:.1f} a second, {tally.runs} runs checked,"
                f" {len(tally.wrong)} wrong",
                flush=True,
            )

    def table(self) -> None:
        """Print the sums of all runs."""
        seconds = time.monotonic() - self._began
        for kind, tally in sorted(self.tallies.items()):
            said = ", ".join(f"{what} {number:,}" for what, number in sorted(tally.total.items()))
            print(f"\n{kind}, seed {self._seed}, {tally.runs} runs in {seconds:,.0f} s: {said}")
            for each in tally.wrong:
                print(f"WRONG {each}")

    def _run(self, kind: str, number: int, orders: int, url: str) -> None:
        name = f"{self._seed}/orders/{kind}/{number}"
        tally = self.tallies[kind]
        with _folder() as folder:
            command = [sys.executable, "-m", "faults.buying", str(folder), url or _file(folder)]
            command += ["--workers", str(WORKERS[kind]), "--orders", str(orders)]
            child = subprocess.Popen(
                [*command, "--chance", name],
                cwd=TESTS,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            with self._lock:
                self._children.add(child)
            if self._stopping.is_set():
                child.send_signal(signal.SIGTERM)
            said: list[str] = []
            assert child.stderr is not None
            assert child.stdout is not None
            for line in child.stderr:
                if line.startswith(SO_FAR):
                    tally.under_way[name] = int(line.removeprefix(SO_FAR))
                else:
                    said.append(line)
            account = child.stdout.read()
            child.wait()
            with self._lock:
                self._children.discard(child)
                self._account(tally, name, account, "".join(said[-60:]))

    def _account(self, tally: Tally, name: str, account: str, said: str) -> None:
        tally.under_way.pop(name, None)
        tally.runs += 1
        if not account:
            tally.wrong.append(f"{name}: no account\n{said}")
            print(f"{name}: no account\n{said}", flush=True)
            return
        did: dict[str, Any] = json.loads(account)
        findings = did.pop("findings")
        tally.total.update(did)
        row = {what: sum(did.get(each, 0) for each in summed) for what, summed in TABLE.items()} | {
            "without an end": 0 if "needs without an end" not in findings else "some"
        }
        print(f"{name}: " + ", ".join(f"{what} {number}" for what, number in row.items()))
        if findings:
            tally.wrong.append(f"{name}: {json.dumps(findings)}\n{said}")
            print(f"WRONG {json.dumps(findings)}\n{said}", flush=True)


def _file(folder: Path) -> str:
    return f"sqlite:///{folder / 'cloud.db'}"


@contextmanager
def _folder() -> Iterator[Path]:
    """What a killed process wrote is kept by the kernel, so memory will do."""
    place = RAM if os.access(RAM, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="zodra-orders-", dir=place))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _databases(kind: str) -> Iterator[Any]:
    """Give what makes the URL of an empty database for a run; empty for a file of its own."""
    if kind == "sqlite":
        yield lambda _number: ""
        return
    with PostgresqlServer(durable=False) as server:
        last: list[str] = []

        def make(number: int) -> str:
            # What a run has left would only fill the memory.
            for name in last:
                server.drop(name)
            last[:] = [f"orders{number}"]
            return server.create(last[0])

        yield make


def main() -> int:
    """Run as many as are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--database", choices=sorted(WORKERS), action="append")
    parser.add_argument("--shards", type=int, default=max(1, len(os.sched_getaffinity(0))))
    parser.add_argument("--run-orders", type=int, default=RUN_ORDERS_MAX)
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    kinds = given.database or sorted(WORKERS)
    shards = max(1, given.shards // len(kinds))
    orders = Orders(given.orders, given.seed, min(given.run_orders, -(-given.orders // shards)))
    print(f"seed {given.seed}, {shards} shards on each of {', '.join(kinds)}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: orders.stop())
    pool = ThreadPoolExecutor(shards * len(kinds))
    running = {pool.submit(orders.shard, kind) for kind in kinds for _ in range(shards)}
    until_s = time.monotonic() + given.minutes * 60 if given.minutes else None
    said_at = time.monotonic()
    while running:
        done, running = wait(running, timeout=0.5)
        for each in done:
            if (fault := each.exception()) is not None:
                orders.stop()
                raise fault
        if until_s is not None and time.monotonic() > until_s:
            until_s = None
            orders.stop()
        if time.monotonic() - said_at > SAY_S:
            said_at = time.monotonic()
            orders.say()
    orders.table()
    return 1 if any(tally.wrong for tally in orders.tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
