"""The commands of `zodra-edge device`: what nobody but a person can say about a device."""

import json
import sys
from pathlib import Path

import click

from zodra_edge.commands.options import (
    Complaint,
    as_json,
    config,
    language,
    load_or_say,
    timeout,
)
from zodra_edge.commands.taking_up import take_up
from zodra_edge.errors import EdgeError
from zodra_edge.settings import Settings
from zodra_edge.words import Words, say


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
@language
def relearn(
    device_id: str, config: Path, as_json: bool, within_s: float, timeout_s: float, words: Words
) -> None:
    """Let a device's next frame set its counter, after a battery change.

    A device that counts from the start again looks like one whose presses were recorded and are
    played back, and is refused. Only somebody who stands beside it knows better. Within the time
    given its next frame is believed, once; its press asks, and orders nothing. Press the device
    right after this command, and run it on each gateway that hears the device.
    """
    from zodra_edge import spool
    from zodra_edge.spool import RelearnRequest
    from zodra_edge.status import is_held

    settings = load_or_say(config, words)
    _must_count(settings, device_id, words)
    data_dir = settings.data_dir
    try:
        answer = None
        if is_held(data_dir):
            request = RelearnRequest(device_id=device_id, within_s=within_s)
            answer = spool.ask(data_dir, request, timeout_s, lambda: is_held(data_dir))
    except EdgeError as fault:
        raise Complaint(words, fault) from fault
    if answer is None:
        raise Complaint(words, say("device_not_running", data_dir=data_dir, device_id=device_id))
    if answer.refused:
        raise Complaint(words, answer.why_said())
    if as_json:
        until = answer.until.isoformat() if answer.until else None
        click.echo(json.dumps({"device_id": device_id, "until": until}))
    else:
        click.echo(words("relearn", device_id=device_id, seconds=within_s))
    sys.exit(0)


def _must_count(settings: Settings, device_id: str, words: Words) -> None:
    known = {one.device_id: one for one in settings.devices}
    if device_id not in known:
        names = ", ".join(sorted(known)) or "-"
        raise Complaint(words, say("device_unknown", device_id=device_id, known=names))
    if known[device_id].bind_key is None:
        raise Complaint(words, say("device_without_key", device_id=device_id))


@device.command()
@click.argument("device_id", metavar="DEVICE")
@config
@as_json
@language
def arm(device_id: str, config: Path, as_json: bool, words: Words) -> None:
    """End the practice of a device: from now on its presses count.

    Takes `practice = true` out of the settings; the file as it was stays beside it with `.before`
    at its end. A running agent takes it up at once. A press that was made in practice is not sent
    later, either.
    """
    from zodra_edge.commands import settings_file

    try:
        settings = settings_file.arm(config, device_id)
    except EdgeError as fault:
        raise Complaint(words, fault) from fault
    restart, said = take_up(settings.data_dir)
    if as_json:
        click.echo(json.dumps({"device_id": device_id, "armed": True, "restart": restart}))
    else:
        click.echo(words("armed", device_id=device_id))
        click.echo(said.in_language(words.language))
