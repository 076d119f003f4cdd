"""The commands of `zodra-edge device`: what nobody but a person can say about a device."""

import json
import sys
from pathlib import Path
from typing import Final

import click

from zodra_edge.commands.options import as_json, config, load_or_say, timeout
from zodra_edge.errors import EdgeError
from zodra_edge.settings import Settings

RESTART: Final = "Restart the gateway so that it holds: systemctl restart zodra-edge"


@click.group()
def device() -> None:
    """Say what only a person can know about one device of the home."""


@device.command()
@click.argument("device_id", metavar="DEVICE")
@config
@as_json
@click.option(
    "--within",
    "within_s",
    type=click.FloatRange(5, 3_600),
    default=120.0,
    show_default=True,
    help="Seconds in which the device must be heard.",
)
@timeout
def relearn(device_id: str, config: Path, as_json: bool, within_s: float, timeout_s: float) -> None:
    """Let a device's next frame set its counter, after a battery change.

    A device that counts from the start again looks like one whose presses were recorded and are
    played back, and is refused. Only somebody who stands beside it knows better. Within the time
    given its next frame is believed, once; its press asks, and orders nothing. Press the device
    right after this command, and run it on each gateway that hears the device.
    """
    from zodra_edge import spool
    from zodra_edge.spool import RelearnRequest
    from zodra_edge.status import is_held

    settings = load_or_say(config)
    _must_count(settings, device_id)
    data_dir = settings.data_dir
    try:
        answer = None
        if is_held(data_dir):
            request = RelearnRequest(device_id=device_id, within_s=within_s)
            answer = spool.ask(data_dir, request, timeout_s, lambda: is_held(data_dir))
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    if answer is None:
        raise click.ClickException(
            f"no agent runs on {data_dir}, and only a running one can hear the device; start it "
            "first, then ask again"
        )
    if answer.refused:
        raise click.ClickException(answer.refused)
    if as_json:
        until = answer.until.isoformat() if answer.until else None
        click.echo(json.dumps({"device_id": device_id, "until": until}))
    else:
        click.echo(f"Press {device_id} now: its next frame within {within_s:.0f} s is believed.")
    sys.exit(0)


def _must_count(settings: Settings, device_id: str) -> None:
    known = {one.device_id: one for one in settings.devices}
    if device_id not in known:
        names = ", ".join(sorted(known)) or "none"
        raise click.ClickException(
            f"there is no device {device_id} in the settings; known: {names}"
        )
    if known[device_id].bind_key is None:
        raise click.ClickException(
            f"{device_id} has no bind_key, so it has no counter that could be learned anew"
        )


@device.command()
@click.argument("device_id", metavar="DEVICE")
@config
@as_json
def arm(device_id: str, config: Path, as_json: bool) -> None:
    """End the practice of a device: from the next start on its presses count.

    Takes `practice = true` out of the settings; the file as it was stays beside it with `.before`
    at its end. A press that was made in practice is not sent later, either.
    """
    from zodra_edge.commands import settings_file

    try:
        settings_file.arm(config, device_id)
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    if as_json:
        click.echo(json.dumps({"device_id": device_id, "armed": True, "restart": True}))
    else:
        click.echo(f"{device_id} is armed. {RESTART}")
