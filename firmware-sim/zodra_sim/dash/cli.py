"""The command `dash-device`: one device, its flash in a file, one verb a call."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import click

from zodra_sim.dash.firmware import Firmware, Memory
from zodra_sim.errors import SimError

REFUSED: Final = 1

_FILE: Final = click.option(
    "--device",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("dash-device.json"),
    show_default=True,
    help="The device's flash.",
)


@click.group("dash-device")
def dash_device() -> None:
    """Be an appliance with firmware for the classic Dash verbs.

    `login` prints the address that the household opens; where its browser ends up carries the
    code for `redeem`. Then call the verbs. Every answer is printed as it came.
    """


@contextmanager
def _device(file: Path) -> Iterator[Firmware]:
    try:
        firmware = Firmware(Memory.read(file), file)
        try:
            yield firmware
        finally:
            firmware.close()
    except SimError as fault:
        click.echo(f"zodra-sim dash-device: {fault}", err=True)
        sys.exit(REFUSED)


def _print(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer))


@dash_device.command()
@_FILE
@click.option("--service", required=True, help="Address of the service, without /dash.")
@click.option("--client-id", required=True)
@click.option("--redirect-uri", required=True, help="As registered, to the character.")
@click.option("--model", required=True)
@click.option("--serial", required=True)
@click.option("--test", "is_test", is_flag=True, help="Be a test device.")
@click.option("--state", default="", help="Comes back with the code.")
def login(
    file: Path,
    service: str,
    client_id: str,
    redirect_uri: str,
    model: str,
    serial: str,
    is_test: bool,
    state: str,
) -> None:
    """Make a new device and print the address that begins its login."""
    memory = Memory(service.rstrip("/"), client_id, redirect_uri, model, serial, is_test)
    memory.write(file)
    with _device(file) as firmware:
        click.echo(firmware.login_address(state))


@dash_device.command()
@_FILE
@click.argument("code")
def redeem(file: Path, code: str) -> None:
    """End the login; CODE is the code, or the whole address that carries it."""
    if "://" in code:
        code = parse_qs(urlsplit(code).query).get("code", [""])[0]
    with _device(file) as firmware:
        firmware.redeem(code)
    click.echo("Logged in.")


@dash_device.command()
@_FILE
@click.argument("slot")
@click.option("--event", default="", help="Name of the call, so that a repeat is none.")
def replenish(file: Path, slot: str, event: str) -> None:
    """Say that a slot wants replenishment."""
    with _device(file) as firmware:
        _print(firmware.replenish(slot, event))


@dash_device.command("slot-status")
@_FILE
@click.argument("slot")
@click.option("--remaining", type=float, required=True, help="In the slot's unit.")
def slot_status(file: Path, slot: str, remaining: float) -> None:
    """Say what is left in a slot."""
    with _device(file) as firmware:
        _print(firmware.slot_status(slot, remainingQuantityInUnit=remaining))


@dash_device.command("device-status")
@_FILE
@click.argument("active")
def device_status(file: Path, active: str) -> None:
    """Say when the device was last in use: an ISO 8601 date or instant."""
    with _device(file) as firmware:
        _print(firmware.device_status(active))


@dash_device.command()
@_FILE
@click.option("--version", type=click.Choice(["1.0", "2.0"]), default="2.0")
def subscriptions(file: Path, version: str) -> None:
    """Ask which slots have a product."""
    with _device(file) as firmware:
        _print(firmware.subscriptions(version))


@dash_device.command("order-info")
@_FILE
@click.argument("event_instance_id")
def order_info(file: Path, event_instance_id: str) -> None:
    """Ask how an order stands."""
    with _device(file) as firmware:
        _print(firmware.order_info(event_instance_id))


@dash_device.command("cancel-tests")
@_FILE
@click.option("--slot", default="", help="Of this slot only.")
def cancel_tests(file: Path, slot: str) -> None:
    """End the orders of a test device."""
    with _device(file) as firmware:
        _print(firmware.cancel_tests(slot))


@dash_device.command()
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="On 127.0.0.1.")
@click.option("--secret", required=True, help="`whsec_...`, as `dash client add` printed it.")
def listen(port: int, secret: str) -> None:
    """Be the maker's endpoint: print each notification whose signature is right, until Ctrl-C."""
    from zodra_sim.dash.endpoint import serve

    try:
        serve(port, secret, click.echo)
    except SimError as fault:
        click.echo(f"zodra-sim dash-device: {fault}", err=True)
        sys.exit(REFUSED)


@dash_device.command()
@_FILE
def deregister(file: Path) -> None:
    """Leave the household."""
    with _device(file) as firmware:
        firmware.deregister()
    click.echo("Deregistered.")
