"""One need for each delivery, whoever is killed, doubled, or comes at the same moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from business_builders import HOUSEHOLD
from subscribed import Subscribed, joined_home
from zodra_cloud.errors import LeaseLost
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import repository
from zodra_cloud.subscriptions.jobs import SubscriptionJobs
from zodra_cloud.subscriptions.service import Cadence, CycleState, Done, Every, Refused, Wanted, Why

FIRST = date(2026, 12, 1)
WANTED = Wanted(Cadence(4, Every.WEEKS), first_on=FIRST)


class Killed(Exception):
    """The process is gone."""


class Mortal:
    """The database of a process that is killed at its n-th unit of work, before its commit."""

    def __init__(self, database: Database, lives: int) -> None:
        self._database = database
        self.left = lives

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def write(self, household_id: str | None = None) -> Iterator[Connection]:
        with self._database.write(household_id) as connection:
            yield connection
            self.left -= 1
            if self.left == 0:
                raise Killed


class MortalHome(Subscribed):
    """A business whose subscription worker is killed once, and whose jobs come back."""

    def dying_at(self, write: int) -> Mortal:
        mortal = Mortal(self.database, write)
        dying: Any = object.__new__(SubscriptionJobs)
        dying.__dict__ |= self.subscriptions.__dict__ | {"_database": mortal}
        self.handlers |= SubscriptionJobs.handlers(dying)
        return mortal

    def do(self, job: jobs.Job) -> None:
        try:
            super().do(job)
        except Killed:
            # Its lease runs out, and another worker takes the job over.
            self.handlers |= self.subscriptions.handlers()
            self.clock.advance(61)


@pytest.mark.parametrize("write", range(1, 10))
def test_killed_at_any_commit_it_makes_one_need_and_one_order(
    sqlite_database: Database, write: int
) -> None:
    home = joined_home(sqlite_database, kind=MortalHome)
    assert isinstance(home, MortalHome)
    home.until(date(2026, 11, 22), time(13, 30))
    mortal = home.dying_at(write)
    joined = home.join_late(WANTED)
    home.until(FIRST, time(9, 10))
    assert mortal.left <= 0
    assert (home.scheduled(), len(home.shop.orders)) == (1, 1)
    assert home.kinds(joined).count("cycle_due") == 1
    assert home.view(joined).past[0].state is CycleState.ORDERED
    stored, folded = home.replayed(joined)
    assert stored == folded
    assert home.balance().adds_up


def at_once(*acts: Any) -> list[Any]:
    """Do things in threads of their own, started together."""
    gate, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(index: int) -> None:
        gate.wait()
        answers[index] = acts[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def work(home: Subscribed, owner: str) -> None:
    """Claim and do what is due, as a worker on another machine does."""
    for _ in range(40):
        with home.database.write() as connection:
            now = home.clock.now()
            claimed = jobs.claim(connection, owner=owner, now=now, limit=2, lease_s=60)
        for job in claimed:
            try:
                home.handlers[job.kind](job)
            except LeaseLost:
                continue


def test_two_workers_make_one_need_of_a_delivery(database: Database) -> None:
    home = joined_home(database)
    joined = home.join(WANTED)
    home.until(FIRST, time(8, 59))
    home.clock.advance(61)
    at_once(lambda: work(home, "a"), lambda: work(home, "b"))
    home.do_jobs()
    assert (home.scheduled(), len(home.shop.orders)) == (1, 1)
    assert home.kinds(joined).count("cycle_due") == 1
    assert home.balance().adds_up


def test_a_job_that_is_done_twice_makes_one_need(database: Database) -> None:
    """A worker that was taken for dead goes on beside the one that took over."""
    home = joined_home(database)
    joined = home.join(WANTED)
    home.until(FIRST, time(8, 59))
    home.clock.advance(61)

    def look() -> None:
        timer = jobs.Job(0, "subscription", "stray", HOUSEHOLD, {"id": joined}, 0, 0)
        with pytest.raises(LeaseLost):
            home.handlers["subscription"](timer)

    at_once(look, look, lambda: work(home, "a"))
    home.do_jobs()
    assert (home.scheduled(), len(home.shop.orders)) == (1, 1)


def test_a_skip_that_races_with_the_delivery_wins_or_comes_too_late(database: Database) -> None:
    home = joined_home(database)
    joined = home.join(WANTED)
    home.until(FIRST, time(8, 59))
    home.clock.advance(61)
    skipped, _worked = at_once(lambda: home.command("skip", joined, 1), lambda: work(home, "a"))
    home.do_jobs()
    made = home.scheduled()
    if isinstance(skipped, Done):
        assert (made, len(home.shop.orders)) == (0, 0)
    else:
        assert skipped == Refused(Why.TOO_LATE, "cycle")
        assert (made, len(home.shop.orders)) == (1, 1)
    stored, folded = home.replayed(joined)
    assert stored == folded


def test_one_command_clicked_many_times_at_once_counts_once(database: Database) -> None:
    home = joined_home(database)
    joined = home.join(WANTED)
    said = home.said("one-form")
    click = [lambda: home.command("skip", joined, 1, said=said)] * 6
    answers = at_once(*click)
    assert sorted(each.repeated for each in answers) == [False, *[True] * 5]
    assert home.kinds(joined).count("skipped") == 1


def test_the_ledger_takes_no_number_and_no_key_twice(database: Database) -> None:
    home = joined_home(database)
    joined = home.join(WANTED)
    home.command("skip", joined, 1, key="k")
    with home.database.read() as connection:
        rows = repository.events(connection, HOUSEHOLD, joined)
    for again in (rows[-1], replace(rows[-1], number=99)):
        with pytest.raises(IntegrityError), home.database.write(HOUSEHOLD) as connection:
            repository.add_events(connection, [again])
    assert FIRST + timedelta(weeks=4) == home.view(joined).upcoming[1].on
