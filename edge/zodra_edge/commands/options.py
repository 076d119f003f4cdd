"""What the commands of `zodra-edge` have in common."""

from pathlib import Path

import click

from zodra_edge.errors import SettingsFault
from zodra_edge.settings import Settings, load

config = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("gateway.toml"),
    show_default=True,
    envvar="ZODRA_EDGE_CONFIG",
    help="The settings, a TOML file. Also taken from ZODRA_EDGE_CONFIG.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON, not a page.")
timeout = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 60),
    default=15.0,
    show_default=True,
    help="Seconds to wait for a running agent's answer.",
)


def load_or_say(path: Path) -> Settings:
    """Read the settings, or end with the sentence that says what to change."""
    try:
        return load(path)
    except SettingsFault as fault:
        raise click.ClickException(str(fault)) from fault
