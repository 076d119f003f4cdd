"""SQL of notifications."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.dash.models import Notification, NotificationKind
from zodra_cloud.dash.repository.tables import notifications

ERROR_CHARS_MAX = 200


def add(connection: Connection, notification: Notification) -> None:
    """Store one."""
    connection.execute(insert(notifications).values(**asdict(notification)))


def notification(
    connection: Connection, household_id: str, notification_id: str
) -> Notification | None:
    """Read one."""
    row = connection.execute(
        select(*notifications.c).where(
            notifications.c.household_id == household_id,
            notifications.c.notification_id == notification_id,
        )
    ).first()
    return None if row is None else _notification(row)


def note_attempt(
    connection: Connection,
    notification: Notification,
    now: datetime,
    *,
    error: str | None,
    dead: bool,
) -> None:
    """Write how an attempt went; no error means that it was delivered."""
    connection.execute(
        update(notifications)
        .where(
            notifications.c.household_id == notification.household_id,
            notifications.c.notification_id == notification.notification_id,
        )
        .values(
            attempts=notification.attempts + 1,
            last_error=None if error is None else error[:ERROR_CHARS_MAX],
            delivered_at=now if error is None else None,
            dead_at=now if dead else None,
        )
    )


def revive(connection: Connection, notification_id: str) -> Notification | None:
    """Take one that was given up back into the queue; None if there is none such."""
    row = connection.execute(
        update(notifications)
        .where(
            notifications.c.notification_id == notification_id,
            notifications.c.dead_at.is_not(None),
        )
        .values(dead_at=None, attempts=0)
        .returning(*notifications.c)
    ).first()
    return None if row is None else _notification(row)


def newest(connection: Connection, limit: int, *, dead_only: bool) -> list[Notification]:
    """Read the newest notifications of all households; an operator's read."""
    query = select(*notifications.c).order_by(
        notifications.c.created_at.desc(), notifications.c.notification_id
    )
    if dead_only:
        query = query.where(notifications.c.dead_at.is_not(None))
    return [_notification(row) for row in connection.execute(query.limit(limit))]


def _notification(row: Any) -> Notification:
    return Notification(**{**row._mapping, "kind": NotificationKind(row.kind)})
