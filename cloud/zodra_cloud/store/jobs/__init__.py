"""Jobs and timers: an intention stored in the same transaction as the state that caused it.

A job is done at least once, by whoever holds its lease. Each claim raises its fencing token; a
worker whose lease was taken over cannot finish, and its transaction rolls back. Done jobs stay
for a while, so that their key keeps a repeat from being stored again.
"""

from zodra_cloud.store.jobs.doing import (
    again,
    backoff_s,
    bury,
    claim,
    claim_one,
    end_taken,
    fail,
    finish,
    release,
    still_held,
    still_leased,
    take,
)
from zodra_cloud.store.jobs.seeing import (
    DeadJob,
    dead,
    next_due_at,
    prune,
    revive,
    revive_key,
)
from zodra_cloud.store.jobs.storing import (
    Intention,
    enqueue,
    enqueue_all,
    enqueue_many,
    hasten,
    rearm,
)
from zodra_cloud.store.jobs.table import (
    ERROR_CHARS_MAX,
    EVERY_KIND,
    FAILURES_MAX,
    WAIT_S_MAX,
    Job,
    JobState,
    Lane,
    Later,
    jobs,
)

__all__ = [
    "ERROR_CHARS_MAX",
    "EVERY_KIND",
    "FAILURES_MAX",
    "WAIT_S_MAX",
    "DeadJob",
    "Intention",
    "Job",
    "JobState",
    "Lane",
    "Later",
    "again",
    "backoff_s",
    "bury",
    "claim",
    "claim_one",
    "dead",
    "end_taken",
    "enqueue",
    "enqueue_all",
    "enqueue_many",
    "fail",
    "finish",
    "hasten",
    "jobs",
    "next_due_at",
    "prune",
    "rearm",
    "release",
    "revive",
    "revive_key",
    "still_held",
    "still_leased",
    "take",
]
