"""The household as a process: the home, its page, and an orderly end."""

import asyncio
import signal
from typing import Final

from zodra_sim.clock import SystemClock
from zodra_sim.home_page.app import HomeApp
from zodra_sim.home_page.server import PageServer, listen
from zodra_sim.household.home import Home
from zodra_sim.household.settings import HomeSettings
from zodra_sim.logs import logger

END_S_MAX: Final = 1.5
"""What ending may take; whatever still runs then is left behind."""


async def serve(settings: HomeSettings) -> None:
    """Run a home until SIGTERM or SIGINT.

    Raises:
        SimError: a port is taken, or the home's file cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    control = settings.control
    with listen(control.host, control.port) as taken:
        home = Home(settings, SystemClock())
        air_port = await home.open()
        page = HomeApp(home)
        server = PageServer(page.build())
        living = asyncio.create_task(home.run())
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        stopping = asyncio.create_task(stop.wait())
        port: int = taken.getsockname()[1]
        logger().info(
            "home_ready",
            air=f"{settings.air.host}:{air_port}",
            control=f"http://{control.host}:{port}",
        )
        try:
            await asyncio.wait({living, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            logger().info("home_stopping")
            page.close()
            server.should_exit = True
            stopping.cancel()
            living.cancel()
            await asyncio.wait({living, serving}, timeout=END_S_MAX)
            home.close()
    for task in (living, serving):
        if task.done() and not task.cancelled() and (fault := task.exception()) is not None:
            raise fault
