"""`zodra-cloud dash ...`: device makers, their models, and what they could not be told."""

import tomllib
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from zodra_cloud.commands.common import CONFIG, JSON, Session, say, says_faults, unit_of_work
from zodra_cloud.dash import service as makers
from zodra_cloud.dash.models import DeviceModel, Notification
from zodra_cloud.dash.sealing import Seal
from zodra_cloud.errors import BadRequest
from zodra_cloud.oauth import service as oauth

_CLIENT: Final = click.argument("client_id")


@click.group()
def dash() -> None:
    """Device makers whose firmware speaks the classic Dash verbs; see docs/dash.md."""


@dash.group()
def client() -> None:
    """Makers' applications: who may ask a household to connect a device."""


@client.command("add")
@_CLIENT
@CONFIG
@click.option("--name", required=True, help="What a household reads when it is asked.")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    required=True,
    help="Where a login may end, to the character; may be repeated.",
)
@click.option("--event-url", help="Where notifications go; https, unless private ones are allowed.")
@click.option(
    "--confidential",
    is_flag=True,
    help="Every token request needs the secret; a device then needs its maker's server.",
)
@JSON
@says_faults
def client_add(
    config: Path,
    client_id: str,
    name: str,
    redirect_uris: tuple[str, ...],
    event_url: str | None,
    confidential: bool,
    as_json: bool,
) -> None:
    """Register a maker. Both secrets are printed once; of the client's own we keep a hash."""
    with unit_of_work(config) as session:
        secret, event_secret = makers.add_maker(
            session.connection,
            client_id,
            name=name,
            redirect_uris=redirect_uris,
            secret_required=confidential,
            event_url=event_url,
            private_allowed=session.settings.dash.private_address_allowed,
            now=session.now,
            seal=_seal(session),
        )
    say(
        as_json,
        {"client_id": client_id, "client_secret": secret, "event_secret": event_secret},
        f"Client {client_id} registered. Both secrets are shown this once.",
        f"client secret: {secret}",
        f"signs notifications: {event_secret}",
    )


@client.command("list")
@CONFIG
@JSON
@says_faults
def client_list(config: Path, as_json: bool) -> None:
    """List the makers."""
    with unit_of_work(config) as session:
        found = oauth.all_clients(session.connection)
        urls = {
            each.client_id: makers.maker(session.connection, each.client_id).event_url
            for each in found
        }
    say(
        as_json,
        {
            "clients": [
                {
                    "client_id": each.client_id,
                    "name": each.name,
                    "redirect_uris": each.redirect_uris,
                    "event_url": urls[each.client_id],
                    "revoked": each.revoked_at is not None,
                }
                for each in found
            ]
        },
        *(
            f"{each.client_id}  {each.name}{'  revoked' if each.revoked_at else ''}"
            for each in found
        ),
    )


@client.command("event-url")
@_CLIENT
@click.argument("event_url")
@CONFIG
@JSON
@says_faults
def client_event_url(config: Path, client_id: str, event_url: str, as_json: bool) -> None:
    """Change where a maker's notifications go; `none` sends nothing more."""
    wanted = None if event_url == "none" else event_url
    with unit_of_work(config) as session:
        makers.set_event_url(
            session.connection,
            client_id,
            wanted,
            private_allowed=session.settings.dash.private_address_allowed,
        )
    say(as_json, {"client_id": client_id, "event_url": wanted}, f"{client_id}: {event_url}")


def _seal(session: Session) -> Seal:
    key = session.settings.dash.secrets_key
    return Seal(None if key is None else key.get_secret_value())


@client.command("new-secret")
@_CLIENT
@CONFIG
@JSON
@click.option("--events", is_flag=True, help="The secret that signs notifications instead.")
@says_faults
def client_new_secret(config: Path, client_id: str, events: bool, as_json: bool) -> None:
    """Replace a maker's client secret; the old one ends at once.

    With --events it is the secret that signs notifications, stored under `dash.secrets_key_file`
    if the settings name one. The maker checks with the new one from then on.
    """
    with unit_of_work(config) as session:
        if events:
            secret = makers.renew_event_secret(session.connection, client_id, _seal(session))
        else:
            secret = oauth.renew_secret(session.connection, client_id)
    if events:
        say(
            as_json,
            {"client_id": client_id, "event_secret": secret},
            f"signs notifications: {secret}",
        )
        return
    say(as_json, {"client_id": client_id, "client_secret": secret}, f"client secret: {secret}")


@client.command("revoke")
@_CLIENT
@CONFIG
@JSON
@says_faults
def client_revoke(config: Path, client_id: str, as_json: bool) -> None:
    """Shut a maker out: no login, no token and no call of its devices works any more."""
    with unit_of_work(config) as session:
        oauth.revoke_client(session.connection, client_id, session.now)
    say(as_json, {"client_id": client_id, "revoked": True}, f"Client {client_id} is shut out.")


@dash.command("model")
@_CLIENT
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@CONFIG
@JSON
@says_faults
def model_put(config: Path, client_id: str, file: Path, as_json: bool) -> None:
    """Add or change a maker's device model: FILE is its TOML, as docs/dash.md shows it."""
    model = _read_model(file)
    with unit_of_work(config) as session:
        makers.put_model(session.connection, client_id, model, now=session.now)
    slots = [slot.slot_id for slot in model.slots]
    live = "live" if model.live else "not live"
    say(
        as_json,
        {"client_id": client_id, "model": model.model, "slots": slots, "live": model.live},
        f"Model {model.model} of {client_id}: {live}, slots {', '.join(slots)}.",
    )


@dash.command("notifications")
@CONFIG
@click.option("--dead", is_flag=True, help="Only those that were given up.")
@JSON
@says_faults
def notifications(config: Path, dead: bool, as_json: bool) -> None:
    """List the newest notifications to makers, and how their delivery went."""
    with unit_of_work(config) as session:
        found = makers.notifications(session.connection, dead_only=dead)
    say(as_json, {"notifications": [_facts(each) for each in found]}, *map(_said, found))


@dash.command("resend")
@click.argument("notification_id")
@CONFIG
@JSON
@says_faults
def resend(config: Path, notification_id: str, as_json: bool) -> None:
    """Send a notification that was given up once more."""
    with unit_of_work(config) as session:
        makers.resend(session.connection, notification_id, now=session.now)
    say(as_json, {"notification_id": notification_id}, f"{notification_id} is sent again.")


def _read_model(file: Path) -> DeviceModel:
    try:
        return DeviceModel.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as fault:
        raise BadRequest(f"model file {file}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadRequest(f"model file {file} is not TOML: {fault}") from fault
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRequest(f"model file {file}: {where}: {first['msg']}") from fault


def _facts(each: Notification) -> dict[str, Any]:
    return {
        "notification_id": each.notification_id,
        "client_id": each.client_id,
        "kind": each.kind.value,
        "created_at": each.created_at.isoformat(),
        "attempts": each.attempts,
        "delivered": each.delivered_at is not None,
        "dead": each.dead_at is not None,
        "last_error": each.last_error,
    }


def _said(each: Notification) -> str:
    state = "delivered" if each.delivered_at else "dead" if each.dead_at else "waiting"
    return (
        f"{each.notification_id}  {each.client_id}  {each.kind.value}  {state}"
        f"  attempts {each.attempts}  {each.last_error or ''}".rstrip()
    )
