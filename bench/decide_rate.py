"""How many needs are decided a second, end to end in the store, and what more workers bring.

Needs are stored with their jobs as the ingest does, one per household; then workers decide them:
each decision reads consent, slot, open order and open quote, and writes verdict, quote, the job
that asks the shop, and its own end. A worker is a process of its own, held to one core (the
database's processes are not). What is counted is decisions in the table, from the first worker's
"go" until the last need is decided.

Run alone: `python -m bench.decide_rate --needs 20000`.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from sqlalchemy import func, select

from decide_load import prepare
from postgresql_server import PostgresqlMissing, PostgresqlServer
from zodra_cloud.ingest.service import DECIDE
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.models import Rules
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.runner import JobRunner

WITHIN_S = 600.0
ONLY_DECIDE = frozenset({DECIDE})


def work(url: str, number: int, go: Any, done: Any) -> None:
    """Decide until told to stop; a process of its own on a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})
    database, clock = Database.open(url), SystemClock()
    replenisher = Replenisher(
        database=database, clock=clock, changes=Changes(), shop=_NoShop(), rules=Rules()
    )
    runner = JobRunner(
        database,
        clock,
        {DECIDE: replenisher.handlers()[DECIDE]},
        f"worker-{number}",
        batches=replenisher.batches(),
        others=False,
    )
    go.wait()
    runner.start()
    done.wait()
    runner.stop(10.0)
    database.close()


class _NoShop:
    """Nobody asks it: only decisions are made here."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AssertionError(name)


def measure(url: str, needs: int, workers: int) -> float:
    """Give decisions a second with so many workers, on a database that `prepare` filled."""
    context = multiprocessing.get_context("spawn")
    go, done = context.Event(), context.Event()
    running = [
        context.Process(target=work, args=(url, number, go, done)) for number in range(workers)
    ]
    for each in running:
        each.start()
    time.sleep(2.0)  # imports, which are not what is measured
    database = Database.open(url)
    try:
        go.set()
        begun = time.monotonic()
        while (left := _left(database)) and time.monotonic() - begun < WITHIN_S:
            time.sleep(0.1)
        took = time.monotonic() - begun
        if left:
            raise RuntimeError(f"{left} of {needs} needs were not decided")
        with database.read() as connection:
            counted = connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar_one()
        if counted != needs:
            raise RuntimeError(f"{counted} decisions on {needs} needs")
    finally:
        done.set()
        for each in running:
            each.join()
        database.close()
    return needs / took


def _left(database: Database) -> int:
    table = jobs.jobs
    with database.read() as connection:
        return connection.execute(
            select(func.count()).where(
                table.c.kind == DECIDE, table.c.state.in_(("ready", "leased"))
            )
        ).scalar_one()


def sqlite(needs: int) -> list[tuple[str, str]]:
    """Measure on SQLite with full sync; one writer, so one worker."""
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        url = f"sqlite:///{folder}/cloud.db"
        prepare(url, needs)
        rate = measure(url, needs, 1)
    return [("decisions/s, SQLite FULL, one worker", f"{rate:,.0f}")]


def postgresql(needs: int) -> list[tuple[str, str]]:
    """Measure on a durable PostgreSQL, with one worker and with four."""
    rates: dict[int, float] = {}
    try:
        with PostgresqlServer(durable=True) as server:
            for workers in (1, 4):
                url = server.create(f"decide_{workers}")
                prepare(url, needs)
                rates[workers] = measure(url, needs, workers)
    except PostgresqlMissing as missing:
        return [("decisions/s, PostgreSQL", f"not measured: {missing}")]
    return [
        ("decisions/s, PostgreSQL, one worker", f"{rates[1]:,.0f}"),
        ("decisions/s, PostgreSQL, four workers", f"{rates[4]:,.0f}"),
        ("decisions, four workers to one", f"{rates[4] / rates[1]:.2f}"),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--needs", type=int, default=20_000)
    asked = parser.parse_args()
    for name, value in [*sqlite(asked.needs), *postgresql(asked.needs)]:
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
