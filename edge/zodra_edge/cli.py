"""The commands of `zodra-edge`. Light to import: `status` must answer on a busy machine."""

import asyncio
import gc
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from zodra_edge.errors import EdgeError, SettingsFault
from zodra_edge.settings import Settings, load
from zodra_edge.status import Look, look, problems, render

HEALTHY: Final = 0
DEGRADED: Final = 1
NOT_RUNNING: Final = 2

_EPILOG = """
\b
A gateway in three steps:
  1. write gateway.toml (docs/reference.md lists every setting; secrets go in files of mode 0600)
  2. zodra-edge run --config gateway.toml
  3. zodra-edge status --config gateway.toml
"""

_config = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("gateway.toml"),
    show_default=True,
    envvar="ZODRA_EDGE_CONFIG",
    help="The settings, a TOML file. Also taken from ZODRA_EDGE_CONFIG.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON, not a page.")


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
    settings = _load(config)
    from zodra_edge import agent, logs

    logs.set_up(settings.log_level)
    # Imports make 200,000 objects that live for ever; a collector need not look at them again.
    gc.freeze()
    try:
        code = asyncio.run(agent.run(settings))
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    sys.exit(code)


@cli.command()
@_config
@_as_json
def status(config: Path, as_json: bool) -> None:
    """Show how the gateway is: the cloud, what waits, radios, devices and their lights.

    Exit code 0 healthy, 1 degraded, 2 not running.
    """
    seen = look(_load(config).data_dir)
    if as_json:
        click.echo(json.dumps(_for_programs(seen), indent=1))
    elif seen.status is None:
        click.echo(f"No gateway has run here yet; start one with: zodra-edge run --config {config}")
    else:
        click.echo(render(seen.status, seen.running, seen.age_s), nl=False)
    sys.exit(_exit_code(seen))


@cli.group()
def outbox() -> None:
    """Look at what the gateway keeps until the cloud has it."""


@outbox.command()
@_config
@_as_json
def show(config: Path, as_json: bool) -> None:
    """Show both lanes and what was set aside. Reads only; safe while the gateway runs."""
    from zodra_edge.outbox.look import read, render_lanes

    data_dir = _load(config).data_dir
    lanes = read(data_dir)
    if as_json:
        click.echo(json.dumps([asdict(lane) for lane in lanes], indent=1))
    elif lanes:
        click.echo(render_lanes(lanes), nl=False)
    else:
        click.echo(f"There is no outbox in {data_dir} yet.")


def _load(config: Path) -> Settings:
    try:
        return load(config)
    except SettingsFault as fault:
        raise click.ClickException(str(fault)) from fault


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
