"""Serves an application on loopback from a thread, for browsers and streams."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from zodra_cloud.kit.changes import Changes


def free_socket() -> socket.socket:
    """Bind a port of the system's choice, so that two runs never meet."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@contextmanager
def served(app: FastAPI, bound: socket.socket, changes: Changes) -> Iterator[None]:
    """Serve until the block ends; the streams end first, as in the service."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    )
    # Connections wait from now on, however long the server takes to look.
    bound.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield
    finally:
        changes.close()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop: a stream was left open"
