"""Runs the service in this process until it is told to stop."""

import asyncio
import fcntl
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
import uvicorn

from zodra_cloud.app import Cloud, create_app
from zodra_cloud.errors import AlreadyServing
from zodra_cloud.kit.changes import Changes
from zodra_cloud.settings import Settings

GRACE_S: Final = 2
"""For requests under way; with ingest and jobs stopping beside it, all ends within 3 s."""

_log = structlog.get_logger("zodra_cloud")


class _Server(uvicorn.Server):
    """Ends the live streams at the first signal; they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, changes: Changes) -> None:
        super().__init__(config)
        self._changes = changes

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop.

        Called between any two steps of this thread, and again inside itself by a second signal:
        whatever waits for a lock here may wait for itself, for ever. So the loop does it.
        """
        with suppress(RuntimeError):  # no loop runs yet, so nobody listens
            asyncio.get_running_loop().call_soon_threadsafe(self._changes.close)
        super().handle_exit(sig, frame)


def run(settings: Settings) -> int:
    """Serve; give the exit code.

    Raises:
        AlreadyServing: another process serves from the same data folder.
    """
    died = threading.Event()
    with only_one(settings.data_dir) as instance:
        cloud = Cloud(settings, instance=instance)
        config = uvicorn.Config(
            create_app(cloud),
            host=settings.web.host,
            port=settings.web.port,
            log_config=None,
            # The address of a sign-in page holds its token; our own events say what matters.
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config, cloud.changes)
        threading.excepthook = _thread_died(died)
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises what it caught once more at its end; the end is ours to finish.
            signal.signal(number, _caught_already)
        server.run()
        cloud.close()
    # A thread that died has taken the process with it; a supervisor starts it anew.
    return 1 if died.is_set() or not server.started else 0


def _caught_already(_number: int, _frame: FrameType | None) -> None:
    """Do nothing more."""


def _thread_died(died: threading.Event) -> Callable[[threading.ExceptHookArgs], None]:
    def hook(args: threading.ExceptHookArgs) -> None:
        if died.is_set() or args.exc_type is SystemExit:
            return
        died.set()
        _log.critical(
            "thread_died",
            thread=args.thread.name if args.thread else "",
            fault=args.exc_type.__name__,
        )
        os.kill(os.getpid(), signal.SIGTERM)

    return hook


@contextmanager
def only_one(data_dir: Path) -> Iterator[str]:
    """Hold the folder's lock, and give the name under which this instance leases jobs.

    The name outlives the process, so that a killed one's leases are taken back at the next start,
    and so is its session at the broker. It is nobody else's to know: 64 random bits, 0600.

    Raises:
        AlreadyServing: another process holds the lock.
    """
    lock = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise AlreadyServing(str(data_dir)) from held
        name = data_dir / "instance"
        if not name.exists():
            draft = data_dir / "instance.new"
            draft.touch(mode=0o600)
            draft.write_text(f"cloud-{secrets.token_hex(8)}\n")
            draft.replace(name)
        yield name.read_text().strip()
    finally:
        os.close(lock)
