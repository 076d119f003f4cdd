"""What the cloud tells a household's gateways about its needs, for the lights."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.errors import UnknownThing
from zodra_cloud.fleet import service as fleet
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.ingest.repository import signals as repository
from zodra_cloud.kit.broker import BROKER_DOWN_WAIT, Broker, BrokerDown
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store.engine import Database
from zodra_cloud.store.errands import Errand, Heard, do_alone
from zodra_cloud.store.jobs import Job, Later
from zodra_contract.envelope import to_bytes
from zodra_contract.outcome import SignalOutcome
from zodra_contract.topics import Address, Down, down

TELL_GATEWAY: Final = "tell_gateway"
IN_HAND_MAX: Final = 200

Listener = Callable[[Connection, Sequence[tuple[str, str]]], None]
"""Hears of needs that moved, by household and signal, in the unit of work that ends their jobs; it
locks the households, all at once, before it changes anything."""


def nobody(_connection: Connection, _moved: Sequence[tuple[str, str]]) -> None:
    """Nobody else wants to know."""


class GatewayTeller:
    """What is done with `tell_gateway` jobs: many at a time, or one when it is called.

    Sends where needs stand now, to every gateway of the household or to the one named, and once
    however many jobs ask for it. Now rather than when the job was stored: two jobs that swap
    places do no harm so.

    Args:
        database: where everything is.
        clock: for the wait until a broker is back.
        broker: the way down.
        beside: hears of each move too. A job is stored in the commit that moves its need, so no
            move is missed; one that comes late or twice must do no harm.
    """

    at_once: Final = 1
    in_hand_max: Final = IN_HAND_MAX

    def __init__(
        self, database: Database, clock: Clock, broker: Broker, beside: Listener = nobody
    ) -> None:
        self._clock = clock
        self._broker = broker
        self._beside = beside
        self._alone = do_alone(database, clock, self)

    def __call__(self, job: Job) -> None:
        """Do one job."""
        self._alone(job)

    def prepare(self, connection: Connection, claimed: Sequence[Job]) -> Sequence[Errand]:
        """Read where the needs stand and who is to hear it; raises `UnknownThing`."""
        found = repository.signals(connection, {key for job in claimed for key in _needs(job)})
        addresses = fleet.addresses(connection, {household_id for household_id, _ in found})
        messages: dict[tuple[Address, str], StoredSignal] = {}
        for job in claimed:
            only = job.payload.get("gateway_id")
            for household_id, signal_id in _needs(job):
                need = found.get((household_id, signal_id))
                if need is None:
                    raise UnknownThing("need-moment", signal_id)
                for address in addresses.get(household_id, ()):
                    if only in (None, address.gateway_id):
                        messages[address, signal_id] = need
        sent = [
            (down(address, Down.OUTCOME), _outcome(need)) for (address, _), need in messages.items()
        ]
        return [Errand(tuple(claimed), sent)] if claimed else []

    def ask(self, errand: Errand) -> Any:
        """Send; gives whether the broker took all of it."""
        try:
            self._broker.send_all(errand.asked)
        except BrokerDown:
            return False
        return True

    def hear(self, connection: Connection, heard: Sequence[Heard]) -> Mapping[int, Later]:
        """Let the listener hear, and come back for what the broker did not take."""
        told = [job for each in heard for job in each.errand.jobs]
        self._beside(connection, list({key: None for job in told for key in _needs(job)}))
        again = Later(self._clock.now() + BROKER_DOWN_WAIT)
        return {job.job_id: again for each in heard if not each.answer for job in each.errand.jobs}


def _needs(job: Job) -> Iterator[tuple[str, str]]:
    if job.household_id is None:
        raise ValueError(f"job {job.key!r} names no household")
    for signal_id in job.payload.get("signal_ids") or [job.payload["signal_id"]]:
        yield job.household_id, signal_id


def _outcome(need: StoredSignal) -> bytes:
    return to_bytes(
        SignalOutcome(
            signal_id=need.signal_id,
            device_id=need.device_id,
            slot_key=need.slot_key,
            state=need.state,
            reason=need.reason,
            decided_at=need.state_at,
            round=need.round,
        )
    )
