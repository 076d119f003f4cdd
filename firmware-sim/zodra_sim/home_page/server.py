"""Serving the home's page on a port that was found free before anything else began."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from zodra_sim.errors import AddressInUse


def listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        AddressInUse: it is another process's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as fault:
        taken.close()
        raise AddressInUse(
            f"control.port = {port} on {host} cannot be opened: {fault.strerror}"
        ) from fault
    return taken


class PageServer(uvicorn.Server):
    """uvicorn without hands on the process's signals: the household decides when it ends."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=16_384,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
