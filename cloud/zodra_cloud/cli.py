"""The commands of `zodra-cloud`: serving, and what an operator does by hand."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from zodra_cloud import home as homes
from zodra_cloud import logs, settings
from zodra_cloud.commands.common import CONFIG, HOUSEHOLD, JSON, say, says_faults, unit_of_work
from zodra_cloud.commands.contact import contact
from zodra_cloud.commands.dash import dash
from zodra_cloud.commands.erasing import erase
from zodra_cloud.commands.mail import mail
from zodra_cloud.commands.orders import order
from zodra_cloud.commands.payments import payments
from zodra_cloud.commands.slots import slot
from zodra_cloud.commands.subscriptions import subscription
from zodra_cloud.commands.tokens import token
from zodra_cloud.commands.work import work
from zodra_cloud.fleet import service as fleet
from zodra_cloud.fleet.models import GatewayView
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Role
from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate as migrate_database

FAMILIES: Final = ("button", "wearable", "thermostat", "baby_monitor")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Receive need-moments from gateways, decide, ask the household, order.

    A first evening: `set-up --home home.toml` introduces a home, `serve` runs the service, and
    `sign-in-link --role household --household ...` prints the way in. Every command takes the same
    settings file.
    """
    os.umask(0o077)


@cli.command()
@CONFIG
@says_faults
def serve(config: Path) -> None:
    """Run the service: ingest, decisions, orders and the pages, until Ctrl-C or SIGTERM.

    Migrates the database first. Ends within three seconds, also with open pages; what was not
    committed stays with the broker and the gateways and comes again.
    """
    from zodra_cloud.serving import run

    read = settings.load(config)
    logs.set_up(read.log_level)
    read.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    raise SystemExit(run(read))


@cli.command()
@CONFIG
@JSON
@says_faults
def migrate(config: Path, as_json: bool) -> None:
    """Bring the database to the schema of this build; `serve` does it by itself too."""
    read = settings.load(config)
    read.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database.open(read.database_url)
    try:
        before, after = migrate_database(database)
    finally:
        database.close()
    said = f"Already at {after}." if before == after else f"Migrated from {before} to {after}."
    say(as_json, {"before": before, "after": after}, said)


@cli.command("set-up")
@CONFIG
@click.option(
    "--home",
    "home_file",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML with household_id, language, time_zone, gateways = [...] and [[slots]].",
)
@JSON
@says_faults
def set_up(config: Path, home_file: Path, as_json: bool) -> None:
    """Introduce a whole home from one file; running it again adds only what is new.

    The secret of each new gateway is printed once: it is the gateway's password at the broker.
    """
    home = homes.read(home_file)
    with unit_of_work(config) as session:
        market = session.settings.replenish.market(session.settings.shop.country)
        installed = homes.install(
            session.connection, home, session.now, call_off_allowed=market.call_off
        )
    say(
        as_json,
        {"household_id": installed.household_id, "secrets": installed.secrets},
        f"Household {installed.household_id} is set up.",
        *(_secret_said(gateway_id, secret) for gateway_id, secret in installed.secrets.items()),
    )


@cli.group()
def household() -> None:
    """Households."""


@household.command("add")
@click.argument("household_id")
@CONFIG
@click.option("--language", type=click.Choice(households.LANGUAGES), default="en")
@click.option("--time-zone", default="Europe/Amsterdam", help="IANA name, for quiet hours.")
@JSON
@says_faults
def household_add(
    config: Path, household_id: str, language: str, time_zone: str, as_json: bool
) -> None:
    """Add a household. Next: `gateway add`, `device add`, `slot bind`, `sign-in-link`."""
    with unit_of_work(config) as session:
        households.add_household(
            session.connection,
            household_id,
            language=language,
            time_zone=time_zone,
            now=session.now,
        )
    say(as_json, {"household_id": household_id}, f"Household {household_id} added.")


@household.command("forget-forecasts")
@click.argument("household_id")
@CONFIG
@JSON
@says_faults
def household_forget(config: Path, household_id: str, as_json: bool) -> None:
    """Erase what a household's slots said, was counted and foreseen, as its own page does.

    For a household that asks for it otherwise, or that leaves. Its orders stay, as the law asks.
    """
    with unit_of_work(config, household_id) as session:
        households.household(session.connection, household_id)
        replenish.forget(session.connection, household_id, now=session.now, changes=Changes())
    say(as_json, {"household_id": household_id}, f"The forecasts of {household_id} are erased.")


@cli.group()
def gateway() -> None:
    """Gateways and their credentials."""


@gateway.command("add")
@click.argument("gateway_id")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def gateway_add(config: Path, household: str, gateway_id: str, as_json: bool) -> None:
    """Register a gateway and print its secret, this once; only a hash of it is stored.

    Give the secret to the gateway, and to the broker as the password of user GATEWAY_ID.
    """
    with unit_of_work(config) as session:
        secret = fleet.add_gateway(session.connection, household, gateway_id, now=session.now)
    say(
        as_json,
        {"household_id": household, "gateway_id": gateway_id, "secret": secret},
        _secret_said(gateway_id, secret),
    )


@gateway.command("revoke")
@click.argument("gateway_id")
@CONFIG
@JSON
@says_faults
def gateway_revoke(config: Path, gateway_id: str, as_json: bool) -> None:
    """Turn away all that a gateway sends from now on; take its password from the broker too."""
    with unit_of_work(config) as session:
        fleet.revoke(session.connection, gateway_id, now=session.now)
    say(as_json, {"gateway_id": gateway_id}, f"Gateway {gateway_id} is revoked.")


@gateway.command("list")
@CONFIG
@JSON
@says_faults
def gateway_list(config: Path, as_json: bool) -> None:
    """Show every gateway with its state, and the value and limit that decided it."""
    with unit_of_work(config) as session:
        views = fleet.gateways(session.connection, now=session.now)
    say(
        as_json,
        {"gateways": [_gateway_json(view) for view in views]},
        *(_gateway_said(view) for view in views),
    )


@cli.group()
def device() -> None:
    """Devices of a household."""


@device.command("add")
@click.argument("device_id")
@CONFIG
@HOUSEHOLD
@click.option("--family", type=click.Choice(FAMILIES), required=True)
@click.option("--label", default="", help="What the household calls it.")
@JSON
@says_faults
def device_add(
    config: Path, household: str, device_id: str, family: str, label: str, as_json: bool
) -> None:
    """Register a device; what an unregistered one sends is turned away by name."""
    with unit_of_work(config) as session:
        households.add_device(
            session.connection, household, device_id, family=family, label=label, now=session.now
        )
    say(
        as_json,
        {"household_id": household, "device_id": device_id},
        f"Device {device_id} added to {household}.",
    )


cli.add_command(slot)
cli.add_command(token)
cli.add_command(work)
cli.add_command(dash)
cli.add_command(mail)
cli.add_command(order)
household.add_command(contact)
household.add_command(erase)
cli.add_command(subscription)
cli.add_command(payments)


@cli.command("sign-in-link")
@CONFIG
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@click.option("--household", help="Id of the household; for --role household only.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 24 * 60),
    default=int(households.LINK_LIFETIME.total_seconds() // 60),
    help="How long the link can be used.",
)
@JSON
@says_faults
def sign_in_link(
    config: Path, role: str, household: str | None, minutes: int, as_json: bool
) -> None:
    """Print a link that signs one person in, once. Send it to nobody else."""
    with unit_of_work(config) as session:
        token = households.sign_in_link(
            session.connection,
            role=Role(role),
            household_id=household,
            now=session.now,
            lifetime=timedelta(minutes=minutes),
        )
        base = session.settings.web.public_url.rstrip("/")
    link = f"{base}/sign-in?token={quote(token)}"
    say(as_json, {"link": link, "minutes": minutes}, link)


def _secret_said(gateway_id: str, secret: str) -> str:
    return f"Gateway {gateway_id} registered. Its secret, shown this once: {secret}"


def _gateway_json(view: GatewayView) -> dict[str, Any]:
    verdict = view.verdict
    return {
        "gateway_id": view.gateway.gateway_id,
        "household_id": view.gateway.household_id,
        "state": verdict.state.value,
        "measure": verdict.measure,
        "value": verdict.value,
        "limit": verdict.limit,
        "since": verdict.since.isoformat() if verdict.since else None,
        "detail": verdict.detail,
    }


def _gateway_said(view: GatewayView) -> str:
    verdict = view.verdict
    why = (
        f" ({verdict.measure} {verdict.value:.0f}, limit {verdict.limit:.0f})"
        if (verdict.value is not None and verdict.limit is not None)
        else ""
    )
    return (
        f"{view.gateway.gateway_id}  {view.gateway.household_id}  {verdict.state.value}{why}"
        f"  {verdict.detail}".rstrip()
    )
