"""The commands of `zodra-sim`, each imported only when it is asked for.

A shop needs no Bluetooth stack and a household needs no shop; starting one must not wait for the
imports of the other.
"""

import sys
from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "bluez": "zodra_sim.bluez.cli:bluez",
    "broker": "zodra_sim.brokers.cli:broker",
    "dash-device": "zodra_sim.dash.cli:dash_device",
    "household": "zodra_sim.household.cli:household",
    "link": "zodra_sim.household.cli:link",
    "press": "zodra_sim.household.cli:press",
    "shop": "zodra_sim.shop.cli:shop",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when that command runs, or when help lists it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, or answer None for a name that is not in the table."""
        if (place := COMMANDS.get(cmd_name)) is None:
            return None
        module_name, attribute = place.split(":")
        try:
            command = getattr(import_module(module_name), attribute)
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("zodra_"):
                raise
            sys.exit(
                f"zodra-sim {cmd_name} needs the package {missing.name!r}: install the simulator "
                "with `pip install 'zodra[sim]'`."
            )
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is not a command")
        return command


@click.group(cls=LazyGroup)
@click.version_option(package_name="zodra")
def commands() -> None:
    """Pretend to be a home's devices, the shop it orders from, or the brokers between."""
