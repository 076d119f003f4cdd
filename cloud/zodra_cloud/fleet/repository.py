"""All SQL of the fleet room."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Table,
    Text,
    insert,
    select,
    update,
)

from zodra_cloud.fleet.models import Gateway, StoredCommand
from zodra_cloud.fleet.policy import GatewayFacts
from zodra_cloud.store.among import among
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.inserting import insert_new
from zodra_cloud.store.types import Instant
from zodra_contract.envelope import HealthReport

gateways: Final = Table(
    "gateways",
    metadata,
    Column("gateway_id", Text, primary_key=True),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant, nullable=True),
    Column("last_heard_at", Instant, nullable=True),
    Column("last_accepted_at", Instant, nullable=True),
    Column("last_refused_at", Instant, nullable=True),
    Column("refused_reason", Text, nullable=True),
    Column("health", Text, nullable=True),
    Column("health_at", Instant, nullable=True),
    Index("ix_gateways_household_id", "household_id"),
    sqlite_strict=True,
)

commands: Final = Table(
    "commands",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=False),
    Column("gateway_id", Text, ForeignKey("gateways.gateway_id"), nullable=False),
    Column("device_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("outcome", Text, nullable=True),
    Column("answered_at", Instant, nullable=True),
    Index("ix_commands_household_id_created_at", "household_id", "created_at"),
    sqlite_strict=True,
)

_GATEWAY: Final = (
    gateways.c.gateway_id,
    gateways.c.household_id,
    gateways.c.created_at,
    gateways.c.revoked_at,
    gateways.c.last_heard_at,
    gateways.c.last_accepted_at,
    gateways.c.last_refused_at,
    gateways.c.refused_reason,
    gateways.c.health,
    gateways.c.health_at,
)


def add_gateway(
    connection: Connection,
    *,
    gateway_id: str,
    household_id: str,
    secret_hash: str,
    now: datetime,
) -> bool:
    """Add one; False if the id is taken by any household."""
    return insert_new(
        connection,
        gateways,
        {
            "gateway_id": gateway_id,
            "household_id": household_id,
            "secret_hash": secret_hash,
            "created_at": now,
        },
    )


def revoke(connection: Connection, gateway_id: str, now: datetime) -> bool:
    """Mark a gateway revoked; False if there is none. The first instant stays."""
    known = connection.execute(
        update(gateways)
        .where(gateways.c.gateway_id == gateway_id)
        .values(revoked_at=gateways.c.revoked_at)
    )
    connection.execute(
        update(gateways)
        .where(gateways.c.gateway_id == gateway_id, gateways.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return known.rowcount == 1


def by_id(connection: Connection, gateway_id: str) -> Gateway | None:
    """Read one gateway, whosever it is; an operator's read."""
    row = connection.execute(select(*_GATEWAY).where(gateways.c.gateway_id == gateway_id)).first()
    return None if row is None else _gateway(row)


def everyone(connection: Connection, limit: int) -> list[Gateway]:
    """Read the gateways of all households; an operator's read."""
    rows = connection.execute(
        select(*_GATEWAY).order_by(gateways.c.household_id, gateways.c.gateway_id).limit(limit)
    )
    return [_gateway(row) for row in rows]


def of_household(connection: Connection, household_id: str) -> list[Gateway]:
    """Read the gateways of one household."""
    rows = connection.execute(
        select(*_GATEWAY)
        .where(gateways.c.household_id == household_id)
        .order_by(gateways.c.gateway_id)
    )
    return [_gateway(row) for row in rows]


def listening(connection: Connection, household_ids: Collection[str]) -> list[tuple[str, str]]:
    """Read household and gateway of those that are not revoked, in several households."""
    rows = connection.execute(
        select(gateways.c.household_id, gateways.c.gateway_id)
        .where(
            among(connection, (gateways.c.household_id,), [(each,) for each in household_ids]),
            gateways.c.revoked_at.is_(None),
        )
        .order_by(gateways.c.household_id, gateways.c.gateway_id)
    )
    return [(row[0], row[1]) for row in rows]


def known(connection: Connection, gateway_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Give household and revocation of the senders of one ingest transaction."""
    rows = connection.execute(
        select(gateways.c.gateway_id, gateways.c.household_id, gateways.c.revoked_at).where(
            gateways.c.gateway_id.in_(list(gateway_ids))
        )
    )
    return {row.gateway_id: (row.household_id, row.revoked_at is not None) for row in rows}


def note_accepted(connection: Connection, gateway_ids: Iterable[str], now: datetime) -> None:
    """Record that something of these gateways was accepted."""
    connection.execute(
        update(gateways)
        .where(gateways.c.gateway_id.in_(list(gateway_ids)))
        .values(last_heard_at=now, last_accepted_at=now)
    )


def note_refused(connection: Connection, gateway_id: str, reason: str, now: datetime) -> None:
    """Record that something of a gateway was turned away."""
    connection.execute(
        update(gateways)
        .where(gateways.c.gateway_id == gateway_id)
        .values(last_heard_at=now, last_refused_at=now, refused_reason=reason)
    )


def put_health(connection: Connection, report: HealthReport, now: datetime) -> None:
    """Store a gateway's newest account of itself."""
    connection.execute(
        update(gateways)
        .where(gateways.c.gateway_id == report.gateway_id)
        .values(health=report.model_dump_json(), health_at=now)
    )


def add_command(connection: Connection, command: StoredCommand) -> None:
    """Store a command that is about to be sent."""
    connection.execute(
        insert(commands).values(
            command_id=command.command_id,
            household_id=command.household_id,
            gateway_id=command.gateway_id,
            device_id=command.device_id,
            kind=command.kind,
            created_at=command.created_at,
            expires_at=command.expires_at,
        )
    )


def command(connection: Connection, gateway_id: str, command_id: str) -> StoredCommand | None:
    """Read one command of a gateway."""
    row = connection.execute(
        select(*commands.c).where(
            commands.c.command_id == command_id, commands.c.gateway_id == gateway_id
        )
    ).first()
    return None if row is None else StoredCommand(*row)


def recent_commands(connection: Connection, limit: int) -> list[StoredCommand]:
    """Read the newest commands of all gateways; an operator's read."""
    rows = connection.execute(
        select(*commands.c)
        .order_by(commands.c.created_at.desc(), commands.c.command_id)
        .limit(limit)
    )
    return [StoredCommand(*row) for row in rows]


def answer(
    connection: Connection, gateway_id: str, command_id: str, outcome: str, now: datetime
) -> bool:
    """Store the first answer to a command; a repeat changes nothing."""
    answered = connection.execute(
        update(commands)
        .where(
            commands.c.command_id == command_id,
            commands.c.gateway_id == gateway_id,
            commands.c.outcome.is_(None),
        )
        .values(outcome=outcome, answered_at=now)
    )
    return answered.rowcount == 1


def _gateway(row: Any) -> Gateway:
    return Gateway(
        gateway_id=row.gateway_id,
        household_id=row.household_id,
        created_at=row.created_at,
        facts=GatewayFacts(
            revoked_at=row.revoked_at,
            last_heard_at=row.last_heard_at,
            last_accepted_at=row.last_accepted_at,
            last_refused_at=row.last_refused_at,
            refused_reason=row.refused_reason,
            health=None if row.health is None else HealthReport.model_validate_json(row.health),
            health_at=row.health_at,
        ),
    )
