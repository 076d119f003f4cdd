"""Loading and appending: every move of a subscription is rows of its ledger, folded, in one commit.

All functions work inside the caller's unit of work, which must name the household.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.households import service as households
from zodra_cloud.replenish.models import At
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_cloud.subscriptions import repository
from zodra_cloud.subscriptions.models import TOLD, Done, Said, Told, room_of
from zodra_cloud.subscriptions.policy.commands import Decided
from zodra_cloud.subscriptions.policy.dates import local_date
from zodra_cloud.subscriptions.policy.ledger import codec, folding
from zodra_cloud.subscriptions.policy.ledger.events import Entry, Event, Requested
from zodra_cloud.subscriptions.policy.ledger.state import State, from_json, to_json
from zodra_cloud.subscriptions.policy.ledger.states import LIVE
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.steps import LookAt, next_step
from zodra_cloud.subscriptions.policy.terms import Channel
from zodra_cloud.subscriptions.repository import StoredEvent, StoredSubscription

TELL: Final = "tell_subscription"
"""Kind of the job that tells a household of one event."""
TIMER: Final = "subscription"
"""Kind of the one job of each subscription, which looks what is to be done and when to look
again."""

_log = structlog.get_logger("zodra_cloud.subscriptions")


@dataclass(frozen=True, slots=True)
class Loaded:
    """One subscription at work."""

    row: StoredSubscription
    state: State
    zone: tzinfo

    def today(self, now: datetime) -> date:
        """Give the household's date."""
        return local_date(now, self.zone)


@dataclass(frozen=True, slots=True)
class By:
    """Whose events these are; the first of them carries the key of the command."""

    person_id: str | None = None
    channel: Channel = Channel.SERVICE
    key: str | None = None
    digest: str | None = None


SERVICE: Final = By()


def load(connection: Connection, household_id: str, subscription_id: str) -> Loaded | None:
    """Read one; None if the household has no such subscription."""
    row = repository.subscription(connection, household_id, subscription_id)
    return None if row is None else opened(connection, row)


def opened(connection: Connection, row: StoredSubscription) -> Loaded:
    """Read what a row says."""
    return Loaded(row, from_json(row.state), households.zone(connection, row.household_id))


def begin(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    requested: Requested,
    by: By,
    at: At,
) -> Loaded:
    """Write the first event of a ledger."""
    wish = requested.wish
    state = folding.fold(None, Entry(requested, at.now, by.person_id, by.channel))
    row = StoredSubscription(
        household_id=household_id,
        subscription_id=subscription_id,
        device_id=wish.device_id,
        slot_key=wish.slot_key,
        status=state.status,
        events=1,
        state=to_json(state),
        created_at=at.now,
        state_at=at.now,
    )
    repository.add_subscription(connection, row)
    loaded = Loaded(row, state, households.zone(connection, household_id))
    repository.add_events(connection, [_stored(row, 1, requested, by, at.now)])
    _wake_and_say(connection, loaded, [requested], at)
    return loaded


def append(
    connection: Connection, loaded: Loaded, events: Sequence[Event], at: At, by: By = SERVICE
) -> Loaded:
    """Write events, what they fold to, the timer, and what the household is to be told.

    Raises:
        NotPossible: the tables do not name one of them; nothing was written.
    """
    state, row = loaded.state, loaded.row
    stored: list[StoredEvent] = []
    for event in events:
        state = folding.fold(state, Entry(event, at.now, by.person_id, by.channel))
        number = row.events + len(stored) + 1
        stored.append(_stored(row, number, event, by if not stored else _follow_on(by), at.now))
    moved = replace(
        row,
        status=state.status,
        events=row.events + len(stored),
        state=to_json(state),
        state_at=at.now,
    )
    repository.save_subscription(connection, moved)
    repository.add_events(connection, stored)
    for each in stored:
        if each.kind in TOLD:
            _tell_later(connection, each)
    after = replace(loaded, row=moved, state=state)
    _wake_and_say(connection, after, events, at)
    return after


def _tell_later(connection: Connection, stored: StoredEvent) -> None:
    """By a job, so that a command in a process that tells nobody is told of all the same."""
    household_id, subscription_id = stored.household_id, stored.subscription_id
    jobs.enqueue(
        connection,
        kind=TELL,
        key=f"{TELL}:{household_id}:{subscription_id}:{stored.number}",
        household_id=household_id,
        payload={"id": subscription_id, "number": stored.number},
        due_at=stored.at,
    )


def tell(connection: Connection, household_id: str, subscription_id: str, number: int) -> None:
    """Tell the household of one event of the ledger."""
    stored = repository.event(connection, household_id, subscription_id, number)
    loaded = load(connection, household_id, subscription_id)
    if stored is None or loaded is None:
        return
    told = Told(
        household_id,
        subscription_id,
        number,
        stored.kind,
        entry(stored).event,
        loaded.state,
        stored.at,
    )
    room_of(connection).teller(connection, told)


def _follow_on(by: By) -> By:
    return replace(by, key=None, digest=None)


def _stored(
    row: StoredSubscription, number: int, event: Event, by: By, now: datetime
) -> StoredEvent:
    return StoredEvent(
        household_id=row.household_id,
        subscription_id=row.subscription_id,
        number=number,
        kind=codec.kind_of(event),
        facts=codec.to_facts(event),
        by_person=by.person_id,
        channel=by.channel.value,
        command_key=by.key,
        command_hash=by.digest,
        at=now,
    )


def entry(stored: StoredEvent) -> Entry:
    """Read one row of a ledger."""
    event = codec.from_facts(stored.kind, stored.facts)
    return Entry(event, stored.at, stored.by_person, Channel(stored.channel))


def _wake_and_say(connection: Connection, loaded: Loaded, events: Sequence[Event], at: At) -> None:
    row = loaded.row
    step = next_step(loaded.state, at.now, loaded.zone)
    due_at = step.at if isinstance(step, LookAt) else at.now
    if loaded.state.status not in LIVE and loaded.state.done:
        # What still waits for the household under it is taken back at once.
        due_at = at.now
    if due_at is not None:
        wake(connection, row.household_id, row.subscription_id, due_at)
    kinds = [codec.kind_of(event).value for event in events]

    def say() -> None:
        _log.info(
            "subscription_moved",
            household_id=row.household_id,
            subscription_id=row.subscription_id,
            status=row.status.value,
            events=kinds,
        )
        at.changes.tell(row.household_id)

    after_commit(connection, say)


def wake(connection: Connection, household_id: str, subscription_id: str, due_at: datetime) -> None:
    """Let the timer look at an instant or before."""
    jobs.rearm(
        connection,
        kind=TIMER,
        key=timer_key(household_id, subscription_id),
        household_id=household_id,
        payload={"id": subscription_id},
        due_at=due_at,
    )


def timer_key(household_id: str, subscription_id: str) -> str:
    """Name the timer of a subscription."""
    return f"{TIMER}:{household_id}:{subscription_id}"


def digest_of(name: str, asked: object) -> str:
    """Give what tells two commands apart that came under the same key."""
    text = json.dumps([name, asked], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def once(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    said: Said,
    asked: tuple[str, object],
    decide: Callable[[Loaded], Decided],
) -> Done | Refused:
    """Carry a command out unless its key was used before: a double click and a retry are harmless.

    Args:
        connection: of a unit of work that names the household.
        household_id: of the session, never of the form.
        subscription_id: from the form.
        said: by whom, where and under which key.
        asked: the command's name and what it asks for; another one under the same key conflicts.
        decide: gives the events, or the refusal, for the state as it is now.
    """
    loaded = load(connection, household_id, subscription_id)
    if loaded is None:
        return Refused(Why.UNKNOWN_SUBSCRIPTION)
    digest = digest_of(*asked)
    before = repository.event_of_command(connection, household_id, subscription_id, said.key)
    if before is not None:
        if before.command_hash != digest:
            return Refused(Why.KEY_CONFLICT, "key")
        return Done(subscription_id, loaded.state.status, repeated=True, events=())
    decided = decide(loaded)
    if isinstance(decided, Refused):
        return decided
    by = By(said.person_id, said.channel, said.key, digest)
    after = append(connection, loaded, decided, At(said.now, said.changes), by)
    return Done(subscription_id, after.state.status, repeated=False, events=tuple(decided))
