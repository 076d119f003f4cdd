"""Gateways for operators, for the ingest and for the rooms that send something down.

Reads of all gateways are for operators; a household's own are in `of_household`.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.errors import AlreadyThere, BadRequest, UnknownThing
from zodra_cloud.fleet import repository
from zodra_cloud.fleet.models import Gateway, GatewayView, StoredCommand
from zodra_cloud.fleet.policy import judge
from zodra_cloud.households import service as households
from zodra_cloud.kit.broker import BROKER_DOWN_WAIT, Broker, BrokerDown
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_contract import topics
from zodra_contract.command import Command, CommandKind
from zodra_contract.envelope import CommandAnswer, HealthReport, to_bytes
from zodra_contract.ids import ID_PATTERN

GATEWAYS_MAX: Final = 1_000
COMMANDS_MAX: Final = 50
SECRET_BYTES: Final = 32
COMMAND_LIFETIME: Final = timedelta(seconds=60)
"""An identify is for someone who stands there and looks; later it would only puzzle."""
SEND_COMMAND: Final = "send_command"


def add_gateway(
    connection: Connection,
    household_id: str,
    gateway_id: str,
    *,
    now: datetime,
    secret: str | None = None,
) -> str:
    """Register a gateway and give its secret, which is shown this once; its hash is stored.

    Args:
        connection: of the caller's unit of work.
        household_id: whose it is.
        gateway_id: also its user name at the broker, so unique over all households.
        now: the instant.
        secret: one that the gateway holds already; drawn if None.

    Raises:
        BadRequest: an id that is none.
        UnknownThing: there is no such household.
        AlreadyThere: the id is taken.
    """
    if re.match(ID_PATTERN, gateway_id) is None or gateway_id == "cloud":
        raise BadRequest(
            f"gateway id {gateway_id!r}: use 1 to 64 letters, digits, '-' and '_', not 'cloud'"
        )
    households.household(connection, household_id)
    secret = secret or secrets.token_urlsafe(SECRET_BYTES)
    added = repository.add_gateway(
        connection,
        gateway_id=gateway_id,
        household_id=household_id,
        secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
        now=now,
    )
    if not added:
        raise AlreadyThere("gateway", gateway_id)
    return secret


def revoke(connection: Connection, gateway_id: str, *, now: datetime) -> None:
    """Turn away all that a gateway sends from now on. Raises `UnknownThing`."""
    if not repository.revoke(connection, gateway_id, now):
        raise UnknownThing("gateway", gateway_id)


def gateways(connection: Connection, *, now: datetime) -> list[GatewayView]:
    """Give every gateway with its state, for an operator; the first `GATEWAYS_MAX`."""
    found = repository.everyone(connection, GATEWAYS_MAX)
    return [GatewayView(each, judge(each.facts, now)) for each in found]


def of_household(connection: Connection, household_id: str, *, now: datetime) -> list[GatewayView]:
    """Give the gateways of one household with their state."""
    found = repository.of_household(connection, household_id)
    return [GatewayView(each, judge(each.facts, now)) for each in found]


def gateway(connection: Connection, gateway_id: str) -> Gateway:
    """Read one, for an operator. Raises `UnknownThing`."""
    found = repository.by_id(connection, gateway_id)
    if found is None:
        raise UnknownThing("gateway", gateway_id)
    return found


def addresses(
    connection: Connection, household_ids: Collection[str]
) -> dict[str, list[topics.Address]]:
    """Give where to send what is meant for the gateways of households, by household.

    Revoked ones hear nothing; a household without any other is left out.
    """
    found: dict[str, list[topics.Address]] = {}
    for household_id, gateway_id in repository.listening(connection, household_ids):
        found.setdefault(household_id, []).append(topics.Address(household_id, gateway_id))
    return found


def identify(
    connection: Connection, gateway_id: str, device_id: str, *, now: datetime
) -> StoredCommand:
    """Ask a gateway to make one device show itself; sent by a job once this commits.

    Raises:
        UnknownThing: there is no such gateway, or its household has no such device.
        BadRequest: the gateway is revoked.
    """
    target = gateway(connection, gateway_id)
    if target.facts.revoked_at is not None:
        raise BadRequest(f"gateway {gateway_id!r} is revoked and hears no commands")
    owned = households.device_ids(connection, {target.household_id})[target.household_id]
    if device_id not in owned:
        raise UnknownThing("device", device_id)
    command = StoredCommand(
        command_id=f"c_{secrets.token_urlsafe(15)}",
        household_id=target.household_id,
        gateway_id=gateway_id,
        device_id=device_id,
        kind=CommandKind.IDENTIFY,
        created_at=now,
        expires_at=now + COMMAND_LIFETIME,
        outcome=None,
        answered_at=None,
    )
    repository.add_command(connection, command)
    jobs.enqueue(
        connection,
        kind=SEND_COMMAND,
        key=f"command:{command.command_id}",
        household_id=target.household_id,
        payload={"gateway_id": gateway_id, "command_id": command.command_id},
        due_at=now,
    )
    return command


def recent_commands(connection: Connection) -> list[StoredCommand]:
    """List the newest commands with their answers, for an operator."""
    return repository.recent_commands(connection, COMMANDS_MAX)


def command(connection: Connection, gateway_id: str, command_id: str) -> StoredCommand:
    """Read one command with its answer, for an operator. Raises `UnknownThing`."""
    found = repository.command(connection, gateway_id, command_id)
    if found is None:
        raise UnknownThing("command", command_id)
    return found


class CommandSender:
    """The handler of `send_command` jobs."""

    def __init__(self, database: Database, clock: Clock, broker: Broker) -> None:
        self._database = database
        self._clock = clock
        self._broker = broker

    def __call__(self, job: Job) -> None:
        """Send a stored command, unless its time has passed or its answer is there already."""
        with self._database.read() as connection:
            stored = command(connection, job.payload["gateway_id"], job.payload["command_id"])
        if stored.outcome is not None or self._clock.now() >= stored.expires_at:
            return
        message = Command(
            command_id=stored.command_id,
            kind=stored.kind,
            device_id=stored.device_id,
            expires_at=stored.expires_at,
        )
        address = topics.Address(stored.household_id, stored.gateway_id)
        try:
            self._broker.send(topics.down(address, topics.Down.COMMAND), to_bytes(message))
        except BrokerDown:
            with self._database.write() as connection:
                now = self._clock.now()
                jobs.again(connection, job, now + BROKER_DOWN_WAIT)


def known(connection: Connection, gateway_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Give (household, revoked?) of each of these gateways that is registered; for the ingest."""
    return repository.known(connection, gateway_ids)


def note_accepted(connection: Connection, gateway_ids: Iterable[str], *, now: datetime) -> None:
    """Record that something of these gateways was accepted; for the ingest."""
    repository.note_accepted(connection, gateway_ids, now)


def note_refused(connection: Connection, gateway_id: str, reason: str, *, now: datetime) -> None:
    """Record that something of a registered gateway was turned away; for the ingest."""
    repository.note_refused(connection, gateway_id, reason, now)


def keep_health(connection: Connection, report: HealthReport, *, now: datetime) -> datetime | None:
    """Store a gateway's newest account of itself; for the ingest.

    Returns:
        When the one before was received; None if this is its first.
    """
    before = repository.by_id(connection, report.gateway_id)
    repository.put_health(connection, report, now)
    return None if before is None else before.facts.health_at


def keep_answer(connection: Connection, answer: CommandAnswer, *, now: datetime) -> bool:
    """Store the answer to a command; False if it is a repeat or answers nothing we asked."""
    return repository.answer(connection, answer.gateway_id, answer.command_id, answer.outcome, now)
