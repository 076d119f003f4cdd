"""Rows of withdrawals."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.law.models import Withdrawal
from zodra_cloud.law.policy.withdrawing import WithdrawalState
from zodra_cloud.law.repository.tables import withdrawals


def add(connection: Connection, withdrawal: Withdrawal) -> None:
    """Store a new one."""
    connection.execute(insert(withdrawals).values(**_values(withdrawal)))


def save(connection: Connection, withdrawal: Withdrawal) -> None:
    """Write what of one can change; never what was declared, and when."""
    changing = _values(withdrawal)
    for fixed in ("statement", "declared_by", "declared_at", "quantity", "refund_minor"):
        del changing[fixed]
    connection.execute(
        update(withdrawals)
        .where(
            withdrawals.c.household_id == withdrawal.household_id,
            withdrawals.c.order_key == withdrawal.order_key,
            withdrawals.c.number == withdrawal.number,
        )
        .values(**changing)
    )


def of_order(connection: Connection, household_id: str, order_key: str) -> list[Withdrawal]:
    """Read those of one order, in the order in which they were declared."""
    rows = connection.execute(
        select(*withdrawals.c)
        .where(withdrawals.c.household_id == household_id, withdrawals.c.order_key == order_key)
        .order_by(withdrawals.c.number)
    )
    return [_withdrawal(row) for row in rows]


def in_states(
    connection: Connection,
    states: Collection[WithdrawalState],
    limit: int,
    *,
    due_before: datetime | None = None,
) -> list[Withdrawal]:
    """Read those of all households in some states, the most urgent first; an operator's read."""
    query = select(*withdrawals.c).where(withdrawals.c.state.in_(states))
    if due_before is not None:
        query = query.where(withdrawals.c.refund_by_at < due_before)
    rows = connection.execute(
        query.order_by(
            withdrawals.c.refund_by_at, withdrawals.c.household_id, withdrawals.c.order_key
        ).limit(limit)
    )
    return [_withdrawal(row) for row in rows]


def _values(withdrawal: Withdrawal) -> dict[str, Any]:
    return {column.name: getattr(withdrawal, column.name) for column in withdrawals.c}


def _withdrawal(row: Any) -> Withdrawal:
    return Withdrawal(**{**row._mapping, "state": WithdrawalState(row.state)})
