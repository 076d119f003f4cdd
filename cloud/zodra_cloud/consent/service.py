"""The ledger that every decision asks, for the other rooms and the pages.

A withdrawal counts from its commit: no decision after it can rely on the grant. What already waits
for the household under that consent is taken back by a job of the same commit.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.consent import policy, repository
from zodra_cloud.consent.policy import NOTICE_VERSIONS, ConsentRow, Method, Purpose
from zodra_cloud.kit.changes import Changes
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit

WITHDRAWN_JOBS: Final = {
    Purpose.REPLENISH: "replenish_withdrawn",
    Purpose.OFFERS: "offers_withdrawn",
    Purpose.FORECASTS: "forecasts_withdrawn",
}
"""Kind of the job that takes back what waits under a consent. Nothing waits for diagnostics."""
GRANTED_JOBS: Final = {Purpose.FORECASTS: "forecasts_granted"}
"""Kind of the job that a grant begins."""

LEDGER_ROWS_MAX: Final = 200

__all__ = [
    "GRANTED_JOBS",
    "WITHDRAWN_JOBS",
    "ConsentRow",
    "Method",
    "Purpose",
    "current",
    "grant",
    "ledger",
    "live_grant",
    "live_grants",
    "withdraw",
]


def current(connection: Connection, household_id: str) -> dict[Purpose, ConsentRow | None]:
    """Give, for every purpose, the entry that stands; None if nobody ever said anything."""
    return {
        purpose: policy.current(repository.standing(connection, household_id, purpose), purpose)
        for purpose in Purpose
    }


def live_grant(connection: Connection, household_id: str, purpose: Purpose) -> ConsentRow | None:
    """Give the grant that a decision may rely on, and must store; None if there is none."""
    return policy.live_grant(repository.standing(connection, household_id, purpose), purpose)


def ledger(connection: Connection, household_id: str) -> list[ConsentRow]:
    """Read the household's own record, newest first, at most `LEDGER_ROWS_MAX` entries."""
    return repository.ledger(connection, household_id, LEDGER_ROWS_MAX)


def live_grants(
    connection: Connection, household_ids: Collection[str], purpose: Purpose
) -> dict[str, int]:
    """Give the number of the live grant of each household that has one, for many decisions."""
    return repository.live_grants(connection, household_ids, purpose)


def grant(
    connection: Connection,
    household_id: str,
    purpose: Purpose,
    *,
    person_id: str,
    language: str,
    method: Method,
    now: datetime,
    changes: Changes,
) -> ConsentRow:
    """Record that a person agrees; a purpose that is granted already stays as it is.

    Args:
        connection: of the caller's unit of work.
        household_id: from the session, never from the URL.
        purpose: what it is for.
        person_id: who said it.
        language: in which the notice was read.
        method: how it was said.
        now: the instant.
        changes: tells the open pages after the commit.
    """
    standing = live_grant(connection, household_id, purpose)
    if standing is not None:
        return standing
    row = repository.append(
        connection,
        household_id,
        purpose=purpose,
        granted=True,
        person_id=person_id,
        recorded_at=now,
        notice_version=NOTICE_VERSIONS[purpose],
        language=language,
        method=method,
    )
    _follow(connection, GRANTED_JOBS.get(purpose), "granted", household_id, row)
    after_commit(connection, lambda: changes.tell(household_id))
    return row


def withdraw(
    connection: Connection,
    household_id: str,
    purpose: Purpose,
    *,
    person_id: str,
    language: str,
    method: Method,
    now: datetime,
    changes: Changes,
) -> ConsentRow | None:
    """Record that a person no longer agrees; counts from the commit.

    Arguments are those of `grant`.

    Returns:
        The entry; None if there was no live grant, and nothing changed.
    """
    standing = live_grant(connection, household_id, purpose)
    if standing is None:
        return None
    row = repository.append(
        connection,
        household_id,
        purpose=purpose,
        granted=False,
        person_id=person_id,
        recorded_at=now,
        notice_version=standing.notice_version,
        language=language,
        method=method,
    )
    _follow(connection, WITHDRAWN_JOBS.get(purpose), "withdrawn", household_id, row)
    after_commit(connection, lambda: changes.tell(household_id))
    return row


def _follow(
    connection: Connection, kind: str | None, word: str, household_id: str, row: ConsentRow
) -> None:
    if kind is not None:
        jobs.enqueue(
            connection,
            kind=kind,
            key=f"{word}:{household_id}:{row.consent_id}",
            household_id=household_id,
            payload={},
            due_at=row.recorded_at,
        )
