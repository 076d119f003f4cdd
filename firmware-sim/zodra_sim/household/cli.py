"""The commands `household`, `press` and `link`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import httpx2

from zodra_sim import logs
from zodra_sim.devices.button import PressKind
from zodra_sim.errors import ControlRefused, SimError
from zodra_sim.household import settings as home_settings

BAD_SETTINGS: Final = 2
REFUSED: Final = 1
ANSWER_S_MAX: Final = 15.0

_config = click.option(
    "--config",
    "config",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file of the home.",
)


@click.command()
@_config
def household(config: Path) -> None:
    """Run a simulated home: the air, its devices, and the page to press them on."""
    # The radio and the web server take a second to import; `press` and `link` need neither.
    from zodra_sim.household.process import serve

    logs.configure("household")
    try:
        asyncio.run(serve(home_settings.read(config)))
    except SimError as fault:
        _end(fault, BAD_SETTINGS)
    except ExceptionGroup as faults:
        # The home ends with the first of its devices that fails, and takes the others along.
        ours, others = faults.split(SimError)
        if ours is None or others is not None:
            raise
        _end(ours.exceptions[0], BAD_SETTINGS)


@click.command()
@click.argument("device_id")
@_config
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PressKind]),
    default=PressKind.PRESS.value,
    show_default=True,
    help="What the finger does.",
)
def press(device_id: str, config: Path, kind: str) -> None:
    """Press a button of a running home, and print what it did."""
    click.echo(json.dumps(_ask(config, f"/api/devices/{device_id}/press", {"kind": kind})))


@click.command()
@_config
def link(config: Path) -> None:
    """Print a link to the page of a running home; it works once, for 15 minutes."""
    click.echo(_ask(config, "/api/sign-in-links", {})["url"])


def _ask(config: Path, path: str, query: dict[str, str]) -> dict[str, Any]:
    try:
        control = home_settings.read(config).control
        return _post(control, path, query)
    except ControlRefused as refusal:
        _end(refusal, REFUSED)
    except SimError as fault:
        _end(fault, BAD_SETTINGS)


def _post(
    control: home_settings.ControlSettings, path: str, query: dict[str, str]
) -> dict[str, Any]:
    base = f"http://{control.host}:{control.port}"
    bearer = f"Bearer {control.token.get_secret_value()}"
    try:
        answer = httpx2.post(
            base + path, params=query, headers={"authorization": bearer}, timeout=ANSWER_S_MAX
        )
        body: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, ValueError) as fault:
        raise ControlRefused(
            f"no home answers at {base} ({fault}); start it with `zodra-sim household`"
        ) from fault
    if answer.is_error:
        raise ControlRefused(str(body.get("detail", answer.status_code)))
    return body


def _end(fault: Exception, code: int) -> NoReturn:
    click.echo(f"zodra-sim: {fault}", err=True)
    sys.exit(code)
