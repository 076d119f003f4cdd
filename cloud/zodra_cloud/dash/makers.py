"""Device makers: where they hear what happened, which models they make, what they missed."""

import base64
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from zodra_cloud.dash import repository
from zodra_cloud.dash.models import DeviceModel, Maker, Notification
from zodra_cloud.dash.sealing import Seal
from zodra_cloud.dash.telling import job_key
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.kit.outgoing import refusal
from zodra_cloud.oauth import service as oauth
from zodra_cloud.store import jobs

SECRET_BYTES: Final = 32
EVENT_URL_CHARS_MAX: Final = 500
NOTIFICATIONS_MAX: Final = 200


def add_maker(
    connection: Connection,
    client_id: str,
    *,
    name: str,
    redirect_uris: tuple[str, ...],
    secret_required: bool,
    event_url: str | None,
    private_allowed: bool,
    now: datetime,
    seal: Seal | None = None,
) -> tuple[str, str]:
    """Register a device maker.

    Returns:
        Its client secret, which cannot be shown again, and the secret that signs notifications.

    Raises:
        BadRequest: an id, a name or an address that is none.
        AlreadyThere: the id is taken.
    """
    _check_event_url(event_url, private_allowed)
    secret = oauth.add_client(
        connection,
        client_id,
        name=name,
        redirect_uris=redirect_uris,
        secret_required=secret_required,
        now=now,
    )
    event_secret = _new_event_secret()
    stored = (seal or Seal()).close(client_id, event_secret)
    repository.devices.add_maker(connection, Maker(client_id, event_url, stored), now)
    return secret, event_secret


def renew_event_secret(connection: Connection, client_id: str, seal: Seal) -> str:
    """Replace the secret that signs a maker's notifications, at once. Raises `UnknownThing`."""
    event_secret = _new_event_secret()
    stored = seal.close(client_id, event_secret)
    if not repository.devices.set_event_secret(connection, client_id, stored):
        raise UnknownThing("maker", client_id)
    return event_secret


def _new_event_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def set_event_url(
    connection: Connection, client_id: str, event_url: str | None, *, private_allowed: bool
) -> None:
    """Change where a maker hears. Raises `BadRequest`, `UnknownThing`."""
    _check_event_url(event_url, private_allowed)
    if not repository.devices.set_event_url(connection, client_id, event_url):
        raise UnknownThing("maker", client_id)


def maker(connection: Connection, client_id: str) -> Maker:
    """Read where a maker hears. Raises `UnknownThing`."""
    found = repository.devices.maker(connection, client_id)
    if found is None:
        raise UnknownThing("maker", client_id)
    return found


def put_model(connection: Connection, client_id: str, model: DeviceModel, *, now: datetime) -> None:
    """Add a device model or change it. Raises `UnknownThing`."""
    maker(connection, client_id)
    repository.devices.put_model(connection, client_id, model, now)


def notifications(connection: Connection, *, dead_only: bool) -> list[Notification]:
    """Read the newest notifications to all makers, for an operator."""
    return repository.telling.newest(connection, NOTIFICATIONS_MAX, dead_only=dead_only)


def resend(connection: Connection, notification_id: str, *, now: datetime) -> None:
    """Send a notification that was given up again, from its first attempt on.

    Raises:
        UnknownThing: none of this id was given up.
    """
    revived = repository.telling.revive(connection, notification_id)
    if revived is None or not jobs.revive_key(connection, job_key(notification_id), now):
        raise UnknownThing("notification that was given up", notification_id)


def _check_event_url(url: str | None, private_allowed: bool) -> None:
    if url is None:
        return
    parts = urlsplit(url)
    usable = parts.scheme in ("http", "https") and parts.hostname and not parts.fragment
    if len(url) > EVENT_URL_CHARS_MAX or not usable or not url.isascii() or not url.isprintable():
        raise BadRequest(f"event address {url!r}: use https://host/path")
    if parts.username is not None:
        raise BadRequest("event address: leave the user name out; notifications are signed")
    fault = refusal(url, private_allowed=private_allowed)
    if fault is not None:
        raise BadRequest(
            f"event address {url!r}: {fault}, or set dash.private_address_allowed = true for a"
            " trial"
        )
