"""`zodra-sim bluez`: BlueZ without Bluetooth, for any program that speaks to BlueZ."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import click

from zodra_sim import logs
from zodra_sim.bluez.daemon import private_bus
from zodra_sim.bluez.facade import Facade
from zodra_sim.errors import SimError


@click.command()
@click.option("--air", required=True, help="`host:port` of the virtual air of a household.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the socket of a private bus is made; short, since such a path has 107 bytes.",
)
@click.option("--bus", help="Address of a bus that runs already, instead of a private one.")
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    default=("hci0",),
    show_default=True,
    help="Name of an adapter to offer; again for more, up to four.",
)
def bluez(air: str, folder: Path | None, bus: str | None, adapters: tuple[str, ...]) -> None:
    """Offer org.bluez over the virtual air until it is asked to end.

    Prints `DBUS_SYSTEM_BUS_ADDRESS=...`: a program started with that in its environment takes it
    for the system's BlueZ.
    """
    logs.configure("bluez")
    if (folder is None) == (bus is None):
        raise click.UsageError("give either --folder or --bus")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_serve(air, folder, bus, adapters))
    except SimError as fault:
        raise click.ClickException(str(fault)) from fault


async def _serve(air: str, folder: Path | None, bus: str | None, names: tuple[str, ...]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        address = bus or ""
        if folder is not None:
            address = await stack.enter_async_context(private_bus(folder))
        facade = Facade(address, air, names)
        stack.push_async_callback(facade.close)
        sys.stdout.write(f"DBUS_SYSTEM_BUS_ADDRESS={address}\n")
        sys.stdout.flush()
        running = asyncio.create_task(facade.run())
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if running.done():
            running.result()
        running.cancel()
