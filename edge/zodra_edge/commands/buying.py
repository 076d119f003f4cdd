"""The commands of `zodra-edge buying`: whether a press may lead to an order by itself."""

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
from zodra_edge.errors import EdgeError
from zodra_edge.words import Words, say


@click.group()
def buying() -> None:
    """Pause buying, or go on with it. Also a switch in Home Assistant."""


@buying.command()
@config
@as_json
@timeout
@language
def pause(config: Path, as_json: bool, timeout_s: float, words: Words) -> None:
    """Let every press only ask.

    A press is still kept, sent and shown, and nothing is bought unless somebody of the household
    says yes to it. Holds until `resume`, through restarts too. It holds for what is heard from now
    on, on this gateway: pause each gateway that hears the device.
    """
    _switch(config, True, as_json, timeout_s, words)


@buying.command()
@config
@as_json
@timeout
@language
def resume(config: Path, as_json: bool, timeout_s: float, words: Words) -> None:
    """Go on: a press may again order what a standing agreement covers."""
    _switch(config, False, as_json, timeout_s, words)


def _switch(config: Path, paused: bool, as_json: bool, timeout_s: float, words: Words) -> None:
    from zodra_edge import spool
    from zodra_edge.buying import Pause
    from zodra_edge.clock import Clock
    from zodra_edge.spool import BuyingRequest
    from zodra_edge.status import is_held

    data_dir = load_or_say(config, words).data_dir
    try:
        answer = None
        if is_held(data_dir):
            request = BuyingRequest(paused=paused)
            answer = spool.ask(data_dir, request, timeout_s, lambda: is_held(data_dir))
        if answer is None:
            # No agent runs; the next one reads it when it starts.
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            Pause(data_dir).switch(paused, Clock(data_dir / "time-floor").now().at)
        elif answer.refused:
            raise Complaint(words, answer.why_said())
    except EdgeError as fault:
        raise Complaint(words, fault) from fault
    except OSError as fault:
        why = say("cannot_write", folder=data_dir, why=fault.strerror)
        raise Complaint(words, why) from fault
    if as_json:
        click.echo(json.dumps({"paused": paused}))
    else:
        click.echo(words("buying_paused" if paused else "buying_resumed"))
    sys.exit(0)
