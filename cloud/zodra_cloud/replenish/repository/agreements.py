"""Rows of standing agreements."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from zodra_cloud.replenish.agreements.terms import AgreementState, Terms
from zodra_cloud.replenish.repository.asking import Place
from zodra_cloud.replenish.repository.tables import agreements, orders
from zodra_cloud.replenish.states import NEVER_BOUGHT

LISTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Agreement:
    """One standing agreement with the proof of its conclusion."""

    household_id: str
    agreement_id: str
    state: AgreementState
    terms: Terms
    terms_hash: str
    """Of the terms as they were shown."""
    label: str
    """The literal words of the control that was used."""
    language: str
    concluded_by: str
    concluded_at: datetime
    ended_by: str | None
    ended_at: datetime | None


def add_agreement(connection: Connection, agreement: Agreement) -> None:
    """Store a new one; the database keeps it to one live agreement a slot."""
    connection.execute(insert(agreements).values(**_values(agreement)))


def save_agreement(connection: Connection, agreement: Agreement) -> None:
    """Write that it ended."""
    connection.execute(
        update(agreements)
        .where(
            agreements.c.household_id == agreement.household_id,
            agreements.c.agreement_id == agreement.agreement_id,
        )
        .values(state=agreement.state, ended_by=agreement.ended_by, ended_at=agreement.ended_at)
    )


def agreement(connection: Connection, household_id: str, agreement_id: str) -> Agreement | None:
    """Read one."""
    row = connection.execute(
        select(*agreements.c).where(
            agreements.c.household_id == household_id, agreements.c.agreement_id == agreement_id
        )
    ).first()
    return None if row is None else _agreement(row)


def live_agreement(connection: Connection, place: Place) -> Agreement | None:
    """Read the one of a slot that has not ended."""
    row = connection.execute(
        select(*agreements.c).where(
            agreements.c.household_id == place[0],
            agreements.c.device_id == place[1],
            agreements.c.slot_key == place[2],
            agreements.c.state == AgreementState.LIVE,
        )
    ).first()
    return None if row is None else _agreement(row)


def agreements_of(connection: Connection, household_id: str) -> list[Agreement]:
    """Read those of a household, newest first, ended ones too."""
    rows = connection.execute(
        select(*agreements.c)
        .where(agreements.c.household_id == household_id)
        .order_by(agreements.c.concluded_at.desc(), agreements.c.agreement_id)
        .limit(LISTED_MAX)
    )
    return [_agreement(row) for row in rows]


def count_under(
    connection: Connection, household_id: str, agreement_id: str, since: datetime
) -> int:
    """Count the orders under an agreement since an instant that were not called back."""
    found = connection.execute(
        select(func.count()).where(
            orders.c.household_id == household_id,
            orders.c.agreement_id == agreement_id,
            orders.c.confirmed_at > since,
            orders.c.state.not_in(NEVER_BOUGHT),
        )
    )
    return int(found.scalar_one())


def _values(agreement: Agreement) -> dict[str, Any]:
    return {
        "household_id": agreement.household_id,
        "agreement_id": agreement.agreement_id,
        "device_id": agreement.terms.device_id,
        "slot_key": agreement.terms.slot_key,
        "state": agreement.state,
        "terms": agreement.terms.to_json(),
        "terms_hash": agreement.terms_hash,
        "label": agreement.label,
        "language": agreement.language,
        "concluded_by": agreement.concluded_by,
        "concluded_at": agreement.concluded_at,
        "ended_by": agreement.ended_by,
        "ended_at": agreement.ended_at,
    }


def _agreement(row: Any) -> Agreement:
    return Agreement(
        household_id=row.household_id,
        agreement_id=row.agreement_id,
        state=AgreementState(row.state),
        terms=Terms.from_json(row.terms),
        terms_hash=row.terms_hash,
        label=row.label,
        language=row.language,
        concluded_by=row.concluded_by,
        concluded_at=row.concluded_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
    )
