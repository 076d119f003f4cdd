"""Rows of mandates, and under which name the provider knows a household."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.payments.models import StoredMandate
from zodra_cloud.payments.repository.tables import mandates, payers
from zodra_cloud.payments.states import MandateState
from zodra_cloud.store.inserting import insert_new


def payer(connection: Connection, household_id: str) -> str | None:
    """Read under which name the provider knows a household."""
    return connection.execute(
        select(payers.c.payer_id).where(payers.c.household_id == household_id)
    ).scalar()


def save_payer(connection: Connection, household_id: str, payer_id: str, now: datetime) -> None:
    """Remember it; the first one stays."""
    insert_new(
        connection,
        payers,
        {"household_id": household_id, "payer_id": payer_id, "created_at": now},
    )


def add_mandate(connection: Connection, mandate: StoredMandate) -> None:
    """Store a new mandate."""
    connection.execute(insert(mandates).values(**asdict(mandate)))


def save_mandate(connection: Connection, mandate: StoredMandate) -> None:
    """Write a mandate as it is now."""
    connection.execute(
        update(mandates)
        .where(
            mandates.c.household_id == mandate.household_id,
            mandates.c.mandate_id == mandate.mandate_id,
        )
        .values(**asdict(mandate))
    )


def mandate(connection: Connection, household_id: str, mandate_id: str) -> StoredMandate | None:
    """Read one mandate."""
    return _first(
        connection, mandates.c.household_id == household_id, mandates.c.mandate_id == mandate_id
    )


def live_mandate(connection: Connection, household_id: str) -> StoredMandate | None:
    """Read the mandate under which a household can be charged."""
    return _first(
        connection,
        mandates.c.household_id == household_id,
        mandates.c.state == MandateState.LIVE,
    )


def mandate_of_link(connection: Connection, link_id: str) -> StoredMandate | None:
    """Read the mandate of a provider's page; its events name nothing else."""
    return _first(connection, mandates.c.link_id == link_id)


def mandates_of(connection: Connection, household_id: str, limit: int) -> list[StoredMandate]:
    """Read a household's mandates, newest first."""
    rows = connection.execute(
        select(*mandates.c)
        .where(mandates.c.household_id == household_id)
        .order_by(mandates.c.created_at.desc(), mandates.c.mandate_id)
        .limit(limit)
    )
    return [_mandate(row) for row in rows]


def _first(connection: Connection, *where: Any) -> StoredMandate | None:
    row = connection.execute(select(*mandates.c).where(*where)).first()
    return None if row is None else _mandate(row)


def _mandate(row: Any) -> StoredMandate:
    return StoredMandate(**{**row._mapping, "state": MandateState(row.state)})
