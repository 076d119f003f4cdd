"""Storing intentions, and moving the instant of those that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, update

from zodra_cloud.store.engine import wake_jobs_after_commit
from zodra_cloud.store.inserting import insert_many, insert_new
from zodra_cloud.store.jobs.table import JobState, jobs


def enqueue(
    connection: Connection,
    *,
    kind: str,
    key: str,
    household_id: str | None,
    payload: Any,
    due_at: datetime,
) -> bool:
    """Store an intention in the caller's unit of work; the runner wakes when it commits.

    Args:
        connection: of the caller's `Database.write()`.
        kind: names the handler.
        key: the same intention always has the same key.
        household_id: whose it is; None for the service's own.
        payload: small JSON: ids, never personal data.
        due_at: not before this instant.

    Returns:
        False if a job of this key is stored already (in whatever state), and nothing changed.
    """
    added = insert_new(
        connection,
        jobs,
        {
            "kind": kind,
            "key": key,
            "household_id": household_id,
            "payload": payload,
            "state": JobState.READY,
            "due_at": due_at,
            "lease_token": 0,
            "failures": 0,
        },
    )
    if added:
        wake_jobs_after_commit(connection, kind)
    return added


@dataclass(frozen=True, slots=True)
class Intention:
    """A job to be stored; fields as the arguments of `enqueue`."""

    kind: str
    key: str
    household_id: str | None
    payload: Any
    due_at: datetime
    far_off: bool = False
    """Due so much later that whoever looks now and then sees it in time; nobody is woken."""


def enqueue_all(connection: Connection, intentions: Sequence[Intention]) -> None:
    """Store many intentions in one statement; what is stored already stays as it is."""
    insert_many(
        connection,
        jobs,
        [
            {
                "kind": each.kind,
                "key": each.key,
                "household_id": each.household_id,
                "payload": each.payload,
                "state": JobState.READY,
                "due_at": each.due_at,
                "lease_token": 0,
                "failures": 0,
            }
            for each in intentions
        ],
        unless_there=True,
    )
    for kind in {each.kind for each in intentions if not each.far_off}:
        wake_jobs_after_commit(connection, kind)


def enqueue_many(
    connection: Connection,
    *,
    kind: str,
    intentions: Sequence[tuple[str, str | None, Any]],
    due_at: datetime,
) -> None:
    """Store many intentions of one kind in few statements.

    Args:
        connection: of the caller's unit of work.
        kind: names the handler.
        intentions: key, household and payload of each, as in `enqueue`.
        due_at: not before this instant.
    """
    enqueue_all(
        connection,
        [
            Intention(kind, key, household_id, payload, due_at)
            for key, household_id, payload in intentions
        ],
    )


def rearm(
    connection: Connection,
    *,
    kind: str,
    key: str,
    household_id: str | None,
    payload: Any,
    due_at: datetime,
) -> None:
    """Make sure that a timer runs at an instant or before, also if it ended; as `enqueue`."""
    added = enqueue(
        connection,
        kind=kind,
        key=key,
        household_id=household_id,
        payload=payload,
        due_at=due_at,
    )
    if added:
        return
    connection.execute(
        update(jobs)
        .where(
            jobs.c.key == key,
            or_(
                jobs.c.state.in_((JobState.DONE, JobState.DEAD)),
                and_(jobs.c.state == JobState.READY, jobs.c.due_at > due_at),
            ),
        )
        .values(state=JobState.READY, due_at=due_at, failures=0, ended_at=None)
    )
    wake_jobs_after_commit(connection, kind)


def hasten(connection: Connection, key: str, now: datetime) -> bool:
    """Make a stored job due now that waits for later; False if it does not wait."""
    hastened = connection.execute(
        update(jobs)
        .where(jobs.c.key == key, jobs.c.state == JobState.READY, jobs.c.due_at > now)
        .values(due_at=now)
    )
    wake_jobs_after_commit(connection)
    return hastened.rowcount == 1
