"""`zodra-sim shop`: run the shop, make it misbehave, list what it has sold."""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import click
import httpx2
import uvicorn

from zodra_sim.logs import configure
from zodra_sim.shop import settings as shop_settings
from zodra_sim.shop.documents import Order, order_json
from zodra_sim.shop.errors import ShopFault
from zodra_sim.shop.settings import ShopSettings
from zodra_sim.shop.store import Store

with_config = click.option(
    "--config",
    "config_path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The shop's settings in TOML.",
)


def _load(path: Path) -> ShopSettings:
    try:
        return shop_settings.load(path)
    except ShopFault as fault:
        raise click.ClickException(str(fault)) from fault


@click.group(invoke_without_command=True)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The same as `shop run --config`.",
)
@click.pass_context
def shop(context: click.Context, config_path: Path | None) -> None:
    """A small shop with a UCP-shaped checkout, for the demo and the tests."""
    if context.invoked_subcommand is not None:
        return
    if config_path is None:
        click.echo(context.get_help())
        return
    _serve(config_path)


@shop.command()
@with_config
def run(config_path: Path) -> None:
    """Serve until asked to end; everything acknowledged is in the shop's own SQLite file."""
    _serve(config_path)


def _serve(config_path: Path) -> None:
    from zodra_sim.shop.app import create_app

    settings = _load(config_path)
    configure("shop")
    # It says on INFO what the courier's own events already say.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        app = create_app(settings)
    except ShopFault as fault:
        raise click.ClickException(str(fault)) from fault
    # uvicorn ends in order and then raises the signal again; being asked to end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


@shop.command()
@with_config
@click.option("--slow", "slow_s", type=float, help="Seconds to wait before every answer.")
@click.option("--timeout-after-accept", type=int, help="Completes that order, then never answer.")
@click.option("--hang-up-after-accept", type=int, help="Completes that order, then hang up.")
@click.option("--fail-500", type=int, help="Requests that answer 500 and do nothing.")
@click.option("--error-rate", type=float, help="Share of requests that answer 500, 0 to 1.")
@click.option("--garbage", type=int, help="Requests that answer HTML.")
@click.option("--huge", type=int, help="Requests that answer 5 MB.")
@click.option("--price-factor", type=float, help="Multiplies every price from now on.")
@click.option("--out-of-stock", multiple=True, help="A SKU that is sold out; may be repeated.")
@click.option("--payment-declined", type=int, help="Completes whose payment is declined.")
@click.option("--no-idempotency", type=int, help="Completes that order again whatever the key.")
@click.option("--hold-parcels/--no-hold-parcels", default=None, help="Ship and deliver nothing.")
@click.option("--hold-events/--no-hold-events", default=None, help="Keep order events back.")
@click.option("--duplicate-events/--no-duplicate-events", default=None, help="Send each twice.")
@click.option("--reverse-events/--no-reverse-events", default=None, help="Send the last first.")
@click.option("--clear", is_flag=True, help="A good shop again; other options apply after it.")
def fault(config_path: Path, clear: bool, **options: Any) -> None:
    """Make the running shop misbehave; without options, show how it does.

    Counts are requests still to be affected. What is not named stays as it was.
    """
    settings = _load(config_path)
    changes = {name: value for name, value in options.items() if value not in (None, ())}
    headers = {"authorization": f"Bearer {shop_settings.secret(settings.admin_key_path)}"}
    url = f"{settings.base_url}/faults"
    try:
        with httpx2.Client(headers=headers, timeout=10, trust_env=False) as client:
            if clear:
                client.delete(url).raise_for_status()
            answer = client.post(url, json=changes) if changes else client.get(url)
    except httpx2.HTTPError as failed:
        raise click.ClickException(f"the shop at {settings.base_url}: {failed}") from failed
    if answer.is_error:
        raise click.ClickException(answer.json()["messages"][0]["content"])
    click.echo(json.dumps(answer.json(), indent=2))


@shop.command()
@with_config
@click.option("--json", "as_json", is_flag=True, help="The orders as the shop's clients see them.")
def orders(config_path: Path, as_json: bool) -> None:
    """List what was ordered, from the shop's own file; the shop need not be running."""
    settings = _load(config_path)
    found: list[Order] = []
    if settings.database.exists():
        store = Store(settings.database, readonly=True)
        found = store.orders()
        store.close()
    if as_json:
        click.echo(json.dumps([order_json(order, settings.base_url) for order in found], indent=2))
        return
    for order in found:
        click.echo(_row(order))
    click.echo(f"{len(found)} orders")


def _row(order: Order) -> str:
    lines = ", ".join(f"{line.quantity} x {line.sku}" for line in order.session.lines)
    total = f"{order.session.totals.total / 100:.2f} {order.session.terms.currency}"
    return (
        f"{order.placed_at:%Y-%m-%d %H:%M:%S}  {order.order_id}  {order.status:<9}  "
        f"{total:>12}  {order.session.reference}  {lines}"
    )
