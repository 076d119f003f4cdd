"""The commands of `zodra-edge`. Light to import: `status` must answer on a busy machine."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from zodra_edge.commands.buying import buying
from zodra_edge.commands.device import device
from zodra_edge.commands.options import as_json as _as_json
from zodra_edge.commands.options import config as _config
from zodra_edge.commands.options import language as _language
from zodra_edge.commands.options import load_or_say as _load
from zodra_edge.commands.outbox import outbox
from zodra_edge.commands.pair import pair
from zodra_edge.status import Look, look, look_nearby, problems, render, render_nearby
from zodra_edge.words import Words

HEALTHY: Final = 0
DEGRADED: Final = 1
NOT_RUNNING: Final = 2

_EPILOG = """
\b
A gateway in three steps:
  1. write gateway.toml (docs/reference.md lists every setting; secrets go in files of mode 0600)
  2. zodra-edge run --config gateway.toml
  3. zodra-edge status --config gateway.toml
If it does not do what it should: zodra-edge doctor --config gateway.toml
"""


@click.group(epilog=_EPILOG)
@click.version_option(package_name="zodra")
def cli() -> None:
    """The gateway: hears the home's devices, keeps each need-moment, carries it to the cloud."""


@cli.command()
@_config
def run(config: Path) -> None:
    """Run the gateway in the foreground.

    Stops with exit code 0 on SIGTERM or Ctrl-C. SIGKILL is safe too: what a light confirmed is on
    disk. Logs are JSON lines on stderr.
    """
    # Reached only if said in another way than services say it; see `__main__`.
    from zodra_edge.commands.start import start

    sys.exit(start(config))


@cli.command()
@_config
@_as_json
@_language
def status(config: Path, as_json: bool, words: Words) -> None:
    """Show how the gateway is: the cloud, what waits, radios, devices, and who else is near.

    Exit code 0 healthy, 1 degraded, 2 not running.
    """
    data_dir = _load(config, words).data_dir
    seen = look(data_dir)
    nearby = look_nearby(data_dir)
    if as_json:
        near = None if nearby is None else nearby.model_dump(mode="json")
        click.echo(json.dumps({**_for_programs(seen), "nearby": near}, indent=1))
    elif seen.status is None:
        click.echo(words("page_none", config=config))
    else:
        click.echo(render(seen.status, seen.running, seen.age_s, words), nl=False)
        if nearby is not None:
            click.echo(render_nearby(nearby, words), nl=False)
    sys.exit(_exit_code(seen))


@cli.command()
@_config
@_as_json
@click.option(
    "--listen",
    "listen_s",
    type=click.FloatRange(0, 120),
    default=5.0,
    show_default=True,
    help="Seconds to listen to the radio; ends sooner once all devices were heard.",
)
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(1, 600),
    default=20.0,
    show_default=True,
    help="Seconds that any check may take.",
)
def doctor(config: Path, as_json: bool, listen_s: float, limit_s: float) -> None:
    """Examine the gateway and say what to do: settings, clock, cloud, home, storage, radio.

    Only looks, so it is safe while the gateway runs. Exit code 0 all well, 1 warnings, 2 failures.
    """
    from zodra_edge.doctor import examine, exit_code, render

    findings = asyncio.run(
        examine(config, listen_s=listen_s, limit_s=max(limit_s, listen_s + 1), progress=_progress)
    )
    code = exit_code(findings)
    if as_json:
        rows = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"exit_code": code, "findings": rows}, indent=1))
    else:
        click.echo(render(findings), nl=False)
    sys.exit(code)


def _progress(waiting: tuple[str, ...]) -> None:
    """Show on a terminal what is still under way, on one line that vanishes."""
    if sys.stderr.isatty():
        words = f"checking {', '.join(waiting)}"[:78] if waiting else ""
        click.echo(f"\r\x1b[K{words}", err=True, nl=False)


cli.add_command(outbox)
cli.add_command(device)
cli.add_command(buying)
cli.add_command(pair)


def _exit_code(seen: Look) -> int:
    if seen.status is None or not seen.running:
        return NOT_RUNNING
    return DEGRADED if problems(seen.status) else HEALTHY


def _for_programs(seen: Look) -> dict[str, object]:
    if seen.status is None:
        return {"running": False, "age_s": None, "problems": [], "status": None}
    return {
        "running": seen.running,
        "age_s": round(seen.age_s, 3),
        "problems": [problem.name.lower() for problem in problems(seen.status)],
        "status": seen.status.model_dump(mode="json"),
    }
