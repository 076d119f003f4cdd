"""Learning what is typical of a product, daily, from the households that agreed to it.

A model is sums over households; no history is copied anywhere to make one. It is always fitted from
all of them anew, so one that leaves (withdraws, is erased) is in no later model, to the last bit.
"""

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import GRANTED_JOBS, WITHDRAWN_JOBS, Purpose
from zodra_cloud.forecast import History, LevelHistory, fit, fit_levels
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Slot
from zodra_cloud.kit.clock import Clock
from zodra_cloud.replenish import repository
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.metering.learned import GAPS_FORMAT, LEVELS_FORMAT, Category
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import Handler

ROUND_JOB: Final = "forecast_round"
FIT_JOB: Final = "forecast_fit"
EVERY: Final = timedelta(days=1)

HOUSEHOLDS_MIN: Final = 20
"""Below it the guess stays: so few say little of others, and what they say could be told apart."""
GAPS_MAX: Final = 3_000
"""Histories of one model; they take some 2 s on a core, and more hardly change a sum."""
LEVELS_MAX: Final = 400
"""The same for levels, whose histories are long: some 1.5 s."""
LEVELS_SPAN: Final = timedelta(days=90)
"""How far back a level's readings are learned from, at most one an hour."""
CATEGORIES_MAX: Final = 2_000
"""Learned in one round, those in most households first."""
SLOTS_MAX: Final = 50_000
"""Of one category, looked at for consent; some 25 MB."""
_ASKED_AT_ONCE: Final = 5_000

_H = TypeVar("_H", History, LevelHistory)

_log: Final = structlog.get_logger("zodra_cloud.replenish")


@dataclass(frozen=True, slots=True)
class _Fitted:
    form: str
    model: dict[str, Any]
    household_ids: frozenset[str]


class Learner:
    """The handlers of the jobs that learn.

    Args:
        database: where everything is.
        clock: for the instants of fits.
        households_min: how many households a model must rest on.
    """

    def __init__(
        self, database: Database, clock: Clock, households_min: int = HOUSEHOLDS_MIN
    ) -> None:
        self._database = database
        self._clock = clock
        self._households_min = households_min

    def handlers(self) -> dict[str, Handler]:
        """Give the handlers by the kind of their job."""
        return {
            GRANTED_JOBS[Purpose.FORECASTS]: self._granted,
            WITHDRAWN_JOBS[Purpose.FORECASTS]: self._withdrawn,
            ROUND_JOB: self._round,
            FIT_JOB: self._fit,
        }

    def _granted(self, job: Job) -> None:
        with self._database.write() as connection:
            jobs.rearm(
                connection,
                kind=ROUND_JOB,
                key=ROUND_JOB,
                household_id=None,
                payload={},
                due_at=self._clock.now() + EVERY,
            )
            jobs.finish(connection, job, self._clock.now())

    def _round(self, job: Job) -> None:
        """Set a fit of every category that is in enough homes, or of which something is stored."""
        now = self._clock.now()
        with self._database.write() as connection:
            common = {
                Category(*row).category_id
                for row in households.bound_in_common(
                    connection, self._households_min, CATEGORIES_MAX
                )
            }
            for category_id in sorted(common | set(repository.learned_categories(connection))):
                _set_fit(connection, category_id, now)
            jobs.again(connection, job, now + EVERY)

    def _withdrawn(self, job: Job) -> None:
        """Fit again, at once, whatever rests on a household that left."""
        household_id = job.household_id or ""
        with self._database.read() as connection:
            resting = set(repository.categories_resting_on(connection, household_id))
            # Also where a fit under way may be about to add it.
            for device in households.devices(connection, household_id):
                of = (Category.of_slot(slot) for slot in device.slots)
                resting |= {category.category_id for category in of if category is not None}
        for category_id in sorted(resting):
            # Behind the commit of a fit under way, or before that fit asks who still agrees.
            with self._database.write(category_id) as connection:
                _set_fit(connection, category_id, self._clock.now())

    def _fit(self, job: Job) -> None:
        category_id, now = str(job.payload["category_id"]), self._clock.now()
        with self._database.read() as connection:
            fitted = _learn(connection, Category.of_id(category_id), now, self._households_min)
        with self._database.write(category_id) as connection:
            if fitted is None:
                repository.forget_model(connection, category_id)
            elif _agreed(connection, fitted.household_ids) != fitted.household_ids:
                # One left while it was fitted.
                jobs.again(connection, job, now)
                return
            else:
                repository.keep_model(
                    connection,
                    category_id,
                    form=fitted.form,
                    model=fitted.model,
                    household_ids=fitted.household_ids,
                    now=now,
                )
            jobs.finish(connection, job, now)
        count = 0 if fitted is None else len(fitted.household_ids)
        _log.info("forecast_fitted", category=category_id, households=count)


def _set_fit(connection: Connection, category_id: str, now: datetime) -> None:
    jobs.rearm(
        connection,
        kind=FIT_JOB,
        key=f"{FIT_JOB}:{category_id}",
        household_id=None,
        payload={"category_id": category_id},
        due_at=now,
    )


def _learn(
    connection: Connection, category: Category, now: datetime, households_min: int
) -> _Fitted | None:
    press = category.metering is Metering.PRESS
    bound = households.slots_bound(
        connection, (category.metering, category.unit, category.sku), SLOTS_MAX
    )
    # One slot of each, so that nobody counts twice.
    slots = {slot.household_id: slot for slot in reversed(bound)}
    agreed = _agreed(connection, slots)
    chosen = sample(category.category_id, agreed, GAPS_MAX if press else LEVELS_MAX)
    if press:
        gaps = _with_something(
            (slots[each], foreseeing.gap_history(connection, slots[each], now)) for each in chosen
        )
        if len(gaps) < households_min:
            return None
        return _Fitted(GAPS_FORMAT, fit(list(gaps.values())).to_json(), frozenset(gaps))
    since = now - LEVELS_SPAN
    levels = _with_something(
        (slots[each], foreseeing.level_history(connection, slots[each], now, since))
        for each in chosen
        if slots[each].reorder_units is not None
    )
    if len(levels) < households_min:
        return None
    return _Fitted(LEVELS_FORMAT, fit_levels(list(levels.values())).to_json(), frozenset(levels))


def _with_something(found: Iterable[tuple[Slot, _H]]) -> dict[str, _H]:
    return {slot.household_id: history for slot, history in found if history.days}


def sample(seed: str, household_ids: Iterable[str], most: int) -> list[str]:
    """Choose households at random, the same ones each time, sorted.

    Each is drawn by its own digest: without one that left, the others are those that would have
    been chosen had it never been there.
    """
    drawn = heapq.nsmallest(
        most,
        ((hashlib.sha256(f"{seed}\n{each}".encode()).digest(), each) for each in household_ids),
    )
    return sorted(each for _digest, each in drawn)


def _agreed(connection: Connection, household_ids: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    rest = iter(household_ids)
    while some := list(islice(rest, _ASKED_AT_ONCE)):
        found |= consent.live_grants(connection, some, Purpose.FORECASTS).keys()
    return frozenset(found)
