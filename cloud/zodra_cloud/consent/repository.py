"""All SQL of the consent room. Rows are added, never changed or removed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, ForeignKey, Index, Table, Text, func, insert, select

from zodra_cloud.consent.policy import ConsentRow, Method, Purpose
from zodra_cloud.store.among import among
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import EVERYTHING, erasure
from zodra_cloud.store.types import BigInt, Flag, Instant

consents: Final = Table(
    "consents",
    metadata,
    Column("consent_id", BigInt, primary_key=True, autoincrement=True),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("granted", Flag, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("notice_version", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("method", Text, nullable=False),
    Index("ix_consents_household_id_purpose", "household_id", "purpose"),
    info=erasure(kept=EVERYTHING),
    sqlite_strict=True,
)

_COLUMNS: Final = (
    consents.c.consent_id,
    consents.c.purpose,
    consents.c.granted,
    consents.c.person_id,
    consents.c.recorded_at,
    consents.c.notice_version,
    consents.c.language,
    consents.c.method,
)


def append(
    connection: Connection,
    household_id: str,
    *,
    purpose: Purpose,
    granted: bool,
    person_id: str,
    recorded_at: datetime,
    notice_version: str,
    language: str,
    method: Method,
) -> ConsentRow:
    """Add one entry to the ledger."""
    row = connection.execute(
        insert(consents)
        .values(
            household_id=household_id,
            purpose=purpose,
            granted=granted,
            person_id=person_id,
            recorded_at=recorded_at,
            notice_version=notice_version,
            language=language,
            method=method,
        )
        .returning(*_COLUMNS)
    ).one()
    return _row(row)


def ledger(connection: Connection, household_id: str, limit: int) -> list[ConsentRow]:
    """Read the newest entries of a household, newest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(consents.c.household_id == household_id)
        .order_by(consents.c.consent_id.desc())
        .limit(limit)
    )
    return [_row(row) for row in rows]


def standing(connection: Connection, household_id: str, purpose: Purpose) -> list[ConsentRow]:
    """Read the newest entry of one purpose; empty if there is none."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(consents.c.household_id == household_id, consents.c.purpose == purpose)
        .order_by(consents.c.consent_id.desc())
        .limit(1)
    )
    return [_row(row) for row in rows]


def live_grants(
    connection: Connection, household_ids: Collection[str], purpose: Purpose
) -> dict[str, int]:
    """Read the newest entries of one purpose, of the households where it grants."""
    newest = (
        select(func.max(consents.c.consent_id))
        .where(
            among(connection, (consents.c.household_id,), [(each,) for each in household_ids]),
            consents.c.purpose == purpose,
        )
        .group_by(consents.c.household_id)
    )
    rows = connection.execute(
        select(consents.c.household_id, consents.c.consent_id, consents.c.granted).where(
            consents.c.consent_id.in_(newest)
        )
    )
    return {row.household_id: row.consent_id for row in rows if row.granted}


def _row(row: Any) -> ConsentRow:
    return ConsentRow(
        **{**row._mapping, "purpose": Purpose(row.purpose), "method": Method(row.method)}
    )
