"""What becomes of replenish calls: heard from the need, written down, told to the maker."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.dash import policy, repository, wire
from zodra_cloud.dash.calls import NEED_PREFIX, SHIP_TEST_JOB
from zodra_cloud.dash.models import DashDevice, Event, NotificationKind
from zodra_cloud.dash.policy import Moved
from zodra_cloud.dash.telling import TELL_MAKER, MakerTeller, tell
from zodra_cloud.ingest import service as needs
from zodra_cloud.kit.clock import Clock
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database, lock_households
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import Handler

_KINDS: Final = (
    ("placed", NotificationKind.ORDER_PLACED),
    ("shipped", NotificationKind.ITEM_SHIPPED),
    ("cancelled", NotificationKind.ORDER_CANCELLED),
)


class Follower:
    """The handlers of the room's jobs, and the listener to every need's moves."""

    def __init__(self, database: Database, clock: Clock, teller: MakerTeller) -> None:
        self._database = database
        self._clock = clock
        self._teller = teller

    def handlers(self) -> dict[str, Handler]:
        """Give the handlers by the kind of their job."""
        return {TELL_MAKER: self._teller, SHIP_TEST_JOB: self._ship_test}

    def hear(self, connection: Connection, moved: Sequence[tuple[str, str]]) -> None:
        """Hear of each move of a need beside the job that tells the household's gateways.

        It looks at where the need stands now, so that news that comes late or twice does no harm.

        Args:
            connection: of the unit of work that ends the jobs.
            moved: household and signal of each.
        """
        ours = [key for key in moved if key[1].startswith(f"{NEED_PREFIX}_")]
        lock_households(connection, {household_id for household_id, _ in ours})
        for household_id, signal_id in ours:
            event = repository.calls.of_signal(connection, household_id, signal_id)
            if event is not None:
                _follow(connection, event, self._clock.now())

    def _ship_test(self, job: Job) -> None:
        now = self._clock.now()
        with self._database.write(job.household_id) as connection:
            event = repository.calls.event(
                connection, str(job.household_id), job.payload["event_id"]
            )
            if event is not None and event.ended_at is None and event.shipped_at is None:
                _write(connection, event, Moved(shipped=True), now)
            jobs.finish(connection, job, now)


def _follow(connection: Connection, event: Event, now: datetime) -> None:
    assert event.signal_id is not None  # noqa: S101 - it was found by it
    need = needs.signal(connection, event.household_id, event.signal_id)
    moved = policy.judge_move(event, need.state)
    if moved == Moved():
        return
    order = replenish.why(connection, event.household_id, event.signal_id).line.order
    if order is not None:
        event = replace(event, delivery_at=order.delivery_to_at)
    _write(connection, event, moved, now)


def _write(connection: Connection, event: Event, moved: Moved, now: datetime) -> None:
    after = replace(
        event,
        placed_at=now if moved.placed else event.placed_at,
        shipped_at=now if moved.shipped else event.shipped_at,
        cancelled_at=now if moved.cancelled else event.cancelled_at,
        ended_at=now if moved.ended else event.ended_at,
    )
    repository.calls.save(connection, after)
    device = repository.devices.device(connection, event.household_id, event.device_id)
    # Who let a device go has ended what its maker hears, also of an order that is on its way.
    if device is not None and device.deregistered_at is None:
        _tell(connection, device, after, moved, now)


def _tell(
    connection: Connection, device: DashDevice, event: Event, moved: Moved, now: datetime
) -> None:
    for name, kind in _KINDS:
        if getattr(moved, name):
            tell(connection, device, kind, now, wire.order_part(event, kind))
