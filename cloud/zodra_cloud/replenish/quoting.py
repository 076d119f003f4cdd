"""The errands of the room: many prices asked at the same time, of any households."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.kit.clock import Clock
from zodra_cloud.merchants.port import Shop
from zodra_cloud.replenish import asking
from zodra_cloud.replenish.asking import Answered, AskAgain, Requested, Unasked
from zodra_cloud.replenish.models import At, Rules
from zodra_cloud.store.engine import lock_households
from zodra_cloud.store.errands import Errand, Heard
from zodra_cloud.store.jobs import Job, Later

AT_ONCE: Final = 8
IN_HAND_MAX: Final = 100
"""At two hundred a second, what comes in half a second."""


class Quoting:
    """What is done with `quote` jobs.

    Args:
        shop: whom to ask.
        clock: for the instants of moves and waits.
        rules: the limits.
        at: gives the instant of a move, and whom it tells.
        at_once: how many prices are asked at the same time.
    """

    def __init__(
        self, shop: Shop, clock: Clock, rules: Rules, at: Callable[[], At], at_once: int = AT_ONCE
    ) -> None:
        self.at_once = at_once
        self.in_hand_max = IN_HAND_MAX
        self._shop = shop
        self._clock = clock
        self._rules = rules
        self._at = at

    def prepare(self, connection: Connection, claimed: Sequence[Job]) -> Sequence[Errand]:
        """Read the quotes; one that ended meanwhile needs no price."""
        found = asking.requested(connection, {_key(job) for job in claimed})
        return [Errand((job,), found[_key(job)]) for job in claimed if _key(job) in found]

    def ask(self, errand: Errand) -> Any:
        """Ask the shop for one price, if the household's consent stands."""
        asked: Requested = errand.asked
        if not asked.allowed:
            return Unasked()
        return self._shop.quote(asking.request(asked.quote, self._rules), self._clock.now())

    def hear(self, connection: Connection, heard: Sequence[Heard]) -> Mapping[int, Later]:
        """Write the prices and refusals; come back for what the shop did not answer."""
        at = self._at()
        lock_households(connection, {household(job) for each in heard for job in each.errand.jobs})
        by_key = {
            _key(job): (job, Answered(each.errand.asked.quote, each.answer, times(job)))
            for each in heard
            for job in each.errand.jobs
        }
        again = asking.hear_quotes(
            connection, [answered for _, answered in by_key.values()], self._rules, at
        )
        return {
            by_key[key][0].job_id: later(by_key[key][0], each, at) for key, each in again.items()
        }


def later(job: Job, again: AskAgain, at: At) -> Later:
    """Say when a job comes back whose shop is to be asked again, and how often it was asked."""
    payload = {**job.payload, "times": times(job) + 1}
    return Later(at.now + timedelta(seconds=again.after_s), payload)


def times(job: Job) -> int:
    """Say how often a job's shop was asked in vain."""
    count = job.payload.get("times", 0)
    return count if isinstance(count, int) else 0


def household(job: Job) -> str:
    """Say whose job it is; each of the room's jobs is somebody's."""
    if job.household_id is None:
        raise ValueError(f"job {job.key!r} names no household")
    return job.household_id


def _key(job: Job) -> tuple[str, str]:
    return household(job), job.payload["id"]
