"""Notifications to makers: stored with what they tell, signed and sent by a job, never lost.

They may arrive twice and out of order; `notificationId` and `notificationTime` say so.
"""

import secrets
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Connection
from standardwebhooks import Webhook

from zodra_cloud.dash import repository, wire
from zodra_cloud.dash.models import DashDevice, Maker, Notification, NotificationKind
from zodra_cloud.dash.policy import RETRIES_S
from zodra_cloud.dash.sealing import Seal
from zodra_cloud.kit.clock import Clock
from zodra_cloud.kit.outgoing import Outgoing, OutgoingFault
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job

TELL_MAKER: Final = "tell_maker"
ANSWER_BYTES_MAX: Final = 16 * 1024
"""Nobody reads a maker's answer; its status is all that counts."""
NO_ENDPOINT: Final = "no_endpoint"
GONE: Final = 410
CANNOT_SIGN: Final = "cannot_sign"
"""With another key than `dash.secrets_key_file` names now; tried again like any other fault."""

_log = structlog.get_logger("zodra_cloud.dash")


def tell(
    connection: Connection,
    device: DashDevice,
    kind: NotificationKind,
    now: datetime,
    part: Mapping[str, Any] | None = None,
) -> None:
    """Store a notification with the job that delivers it, in the caller's unit of work.

    A maker without an endpoint is told nothing, and nothing is kept for it.
    """
    maker = repository.devices.maker(connection, device.client_id)
    if maker is None or maker.event_url is None:
        return
    drawn = f"zc_{secrets.token_hex(16)}"
    customer_id = repository.devices.customer_id(
        connection, device.household_id, device.client_id, drawn, now
    )
    notification_id = f"zn_{secrets.token_hex(16)}"
    repository.telling.add(
        connection,
        Notification(
            household_id=device.household_id,
            notification_id=notification_id,
            client_id=device.client_id,
            kind=kind,
            body=wire.envelope(
                kind=kind,
                notification_id=notification_id,
                device=device,
                customer_id=customer_id,
                now=now,
                part=part or {},
            ),
            created_at=now,
            attempts=0,
            last_error=None,
            delivered_at=None,
            dead_at=None,
        ),
    )
    jobs.enqueue(
        connection,
        kind=TELL_MAKER,
        key=job_key(notification_id),
        household_id=device.household_id,
        payload={"notification_id": notification_id},
        due_at=now,
    )


def job_key(notification_id: str) -> str:
    """Name the job that delivers a notification."""
    return f"{TELL_MAKER}:{notification_id}"


class MakerTeller:
    """The handler of `tell_maker` jobs: one attempt to deliver, and what follows from it.

    Args:
        database: where the notifications are.
        clock: for the signature's instant and the waits.
        private_allowed: endpoints may be on this machine, and without TLS: for trials.
        ssl_context: whose certificates are trusted; the system's if not given.
        seal: opens the stored secrets.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        private_allowed: bool,
        ssl_context: ssl.SSLContext | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._private_allowed = private_allowed
        self._seal = seal or Seal()
        self._ssl_context = ssl_context or ssl.create_default_context()

    def __call__(self, job: Job) -> None:
        """Deliver; 2xx counts, everything else is tried again, 410 is final."""
        assert job.household_id is not None  # noqa: S101 - whoever stores one names it
        with self._database.read() as connection:
            found = repository.telling.notification(
                connection, job.household_id, job.payload["notification_id"]
            )
            maker = None if found is None else repository.devices.maker(connection, found.client_id)
        if found is None or found.delivered_at is not None or maker is None:
            return
        fault = self._deliver(found, maker)
        self._write(job, found, fault)

    def _deliver(self, notification: Notification, maker: Maker) -> str | None:
        if maker.event_url is None:
            return NO_ENDPOINT
        secret = self._seal.open(maker.client_id, maker.event_secret)
        if secret is None:
            return CANNOT_SIGN
        now = self._clock.now()
        parts = urlsplit(maker.event_url)
        signature = Webhook(secret).sign(notification.notification_id, now, notification.body)
        outgoing = Outgoing(
            f"{parts.scheme}://{parts.netloc}",
            self._clock.monotonic,
            private_allowed=self._private_allowed,
            ssl_context=self._ssl_context,
        )
        try:
            answer = outgoing.ask(
                "POST",
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                content=notification.body.encode(),
                headers={
                    "webhook-id": notification.notification_id,
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": signature,
                },
                bytes_max=ANSWER_BYTES_MAX,
            )
        finally:
            outgoing.close()
        if isinstance(answer, OutgoingFault):
            # It answered at length, or with a redirect that nobody follows: it did not say yes.
            return answer.value
        return None if 200 <= answer.status < 300 else f"status_{answer.status}"

    def _write(self, job: Job, notification: Notification, fault: str | None) -> None:
        now = self._clock.now()
        final = fault in (f"status_{GONE}", NO_ENDPOINT)
        dead = fault is not None and (final or notification.attempts >= len(RETRIES_S))
        with self._database.write(notification.household_id) as connection:
            repository.telling.note_attempt(connection, notification, now, error=fault, dead=dead)
            if fault is None:
                jobs.finish(connection, job, now)
            elif dead:
                jobs.bury(connection, job, reason=fault, now=now)
            else:
                wait = timedelta(seconds=RETRIES_S[notification.attempts])
                jobs.again(connection, job, now + wait)
        if fault is not None:
            _log.warning(
                "maker_not_told",
                client_id=notification.client_id,
                notification_id=notification.notification_id,
                notification=notification.kind.value,
                fault=fault,
                attempt=notification.attempts + 1,
                dead=dead,
            )
