"""Starts the parts, starts them again when they die, and ends them.

Each part leads its own process group, so that Ctrl-C reaches only this process, and a part's own
children (a broker under its launcher) can be ended with it.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from zodra_sim.clock import Clock

TERM_GRACE_S: Final = 5.0
RESTART_DELAY_S_MIN: Final = 0.2
RESTART_DELAY_S_MAX: Final = 10.0
STEADY_S: Final = 10.0
"""A part that ran this long starts its delays afresh when it dies."""
DEATHS_BEFORE_READY_MAX: Final = 4
"""A part that cannot come up at all will not come up by trying for ever; the demo ends instead."""
LAST_WORDS_BYTES_MAX: Final = 400


class PartFailed(Exception):
    """A part did not come up; the message names it, and where its log is."""


@dataclass(frozen=True, slots=True)
class Listens:
    """Ready when something accepts connections on the port."""

    port: int


@dataclass(frozen=True, slots=True)
class Answers:
    """Ready when the address answers with success."""

    url: str


@dataclass(frozen=True, slots=True)
class Writes:
    """Ready when the file appears or is written again after the start."""

    path: Path


Ready = Listens | Answers | Writes


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the demo, as its own command line."""

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Ready


@dataclass(frozen=True, slots=True)
class Started:
    """The part runs and is ready."""

    part: str
    restarts: int


@dataclass(frozen=True, slots=True)
class Died:
    """The part ended by itself, or was ended by somebody else."""

    part: str
    how: str
    retry_s: float


Happening = Started | Died


@dataclass(slots=True)
class _Run:
    part: Part
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: int = 0
    ever_ready: bool = False


class Supervisor:
    """Keeps the parts running until it is told to stop."""

    def __init__(
        self,
        tell: Callable[[Happening], None],
        pids_file: Path,
        environment: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._pids_file = pids_file
        self._environment = dict(environment)
        self._runs: dict[str, _Run] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self, parts: Iterable[Part], timeout_s: float) -> None:
        """Start parts beside each other, and return when all of them are ready.

        Raises:
            PartFailed: one keeps dying, or is not ready within `timeout_s`.
        """
        fresh = []
        for part in parts:
            run = _Run(part)
            self._runs[part.name] = run
            self._keepers[part.name] = asyncio.create_task(self._keep(run), name=part.name)
            fresh.append(run)
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(self._first_ready(run) for run in fresh))
        except TimeoutError:
            late = next(run.part for run in fresh if not run.ready.is_set())
            raise PartFailed(
                f"{late.name} was not ready after {timeout_s:.0f} s; its log: {late.log}"
            ) from None

    def pid(self, name: str) -> int | None:
        """Tell the process id of a part, or None while it is down."""
        process = self._runs[name].process
        return process.pid if process is not None and process.returncode is None else None

    async def watch(self) -> None:
        """Return never; raise what ended a part's keeper, if anything does.

        Raises:
            PartFailed: a part kept dying before it ever was ready.
        """
        await asyncio.gather(*self._keepers.values())

    async def stop(self, waves: Sequence[Iterable[Part]] = ()) -> None:
        """End every part: SIGTERM, and SIGKILL to one that needs over five seconds.

        Args:
            waves: the parts in groups; one group is ended after the other, the first one first.
                Parts that are in none end last.
        """
        self._stopping = True
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        left = dict(self._runs)
        for wave in waves:
            ending = [left.pop(part.name) for part in wave if part.name in left]
            await asyncio.gather(*(self._end(run) for run in ending))
        await asyncio.gather(*(self._end(run) for run in left.values()))
        self._pids_file.unlink(missing_ok=True)

    async def _first_ready(self, run: _Run) -> None:
        keeper = self._keepers[run.part.name]
        ready = asyncio.create_task(run.ready.wait())
        try:
            await asyncio.wait({ready, keeper}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if keeper.done():
            keeper.result()

    async def _keep(self, run: _Run) -> None:
        while True:
            began_s = self._clock.monotonic()
            # Read before the part exists: a quick one may write before it is first looked at.
            written_ns = _written_ns(run.part.ready)
            process = await self._spawn(run)
            watcher = asyncio.create_task(self._announce_ready(run, written_ns))
            try:
                code = await process.wait()
            finally:
                watcher.cancel()
            run.ready.clear()
            _end_group(process.pid)
            if self._clock.monotonic() - began_s > STEADY_S:
                run.deaths = 0
            run.deaths += 1
            if not run.ever_ready and run.deaths >= DEATHS_BEFORE_READY_MAX:
                raise PartFailed(
                    f"{run.part.name} ended {run.deaths} times before it was ready "
                    f"({describe_exit(code)}): {_last_words(run.part.log)}; its log: {run.part.log}"
                )
            delay_s = min(RESTART_DELAY_S_MAX, RESTART_DELAY_S_MIN * 2 ** (run.deaths - 1))
            self._tell(Died(run.part.name, describe_exit(code), delay_s))
            await asyncio.sleep(delay_s)

    async def _spawn(self, run: _Run) -> asyncio.subprocess.Process:
        with run.part.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *_die_with_us(),
                *run.part.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        run.process = process
        self._note_pids()
        return process

    async def _announce_ready(self, run: _Run, before: int) -> None:
        # Another process becomes ready: there is nothing here to wait on but its answer.
        while not await asyncio.to_thread(_is_ready, run.part.ready, before):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        restarts = run.deaths if run.ever_ready else 0
        run.ever_ready = True
        run.ready.set()
        self._tell(Started(run.part.name, restarts))

    async def _end(self, run: _Run) -> None:
        process = run.process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(TERM_GRACE_S):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        _end_group(process.pid)

    def _note_pids(self) -> None:
        lines = [
            f"{run.process.pid} {name}\n"
            for name, run in self._runs.items()
            if run.process is not None and run.process.returncode is None
        ]
        fresh = self._pids_file.with_name(self._pids_file.name + ".new")
        fresh.write_text("".join(lines), encoding="utf-8")
        fresh.replace(self._pids_file)


def describe_exit(code: int) -> str:
    """Say how a process ended, for example `exit 1` or `SIGKILL`."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def end_leftovers(pids_file: Path, folder: Path) -> list[str]:
    """End the parts that an earlier demo in this folder left running, because it was killed.

    A process is taken for a leftover only if its command line names this folder: its number may
    have gone to somebody else since.
    """
    if not pids_file.exists():
        return []
    ended: list[str] = []
    for line in pids_file.read_text(encoding="utf-8").splitlines():
        pid, _, name = line.partition(" ")
        with contextlib.suppress(psutil.Error, ValueError):
            process = psutil.Process(int(pid))
            if any(str(folder) in word for word in process.cmdline()):
                process.kill()
                _end_group(process.pid)
                process.wait(timeout=TERM_GRACE_S)
                ended.append(name)
    pids_file.unlink(missing_ok=True)
    return ended


def _die_with_us() -> tuple[str, ...]:
    # Were this process killed outright, its parts would keep their ports for ever. util-linux's
    # setpriv asks the kernel to end a part with its parent, then becomes the part: same pid.
    if (setpriv := shutil.which("setpriv")) is None:
        return ()
    return (setpriv, "--pdeathsig", "TERM", "--")


def _end_group(pid: int) -> None:
    """End what a dead part left behind in its own process group, which is ours and numbered so."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _last_words(log: Path) -> str:
    """Give the last line of a log, which mostly says why a part ended."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LAST_WORDS_BYTES_MAX))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")


def _written_ns(ready: Ready) -> int:
    if not isinstance(ready, Writes) or not ready.path.exists():
        return 0
    return ready.path.stat().st_mtime_ns


def _is_ready(ready: Ready, written_before_ns: int) -> bool:
    match ready:
        case Listens(port):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.settimeout(1.0)
                return probe.connect_ex(("127.0.0.1", port)) == 0
        case Answers(url):
            try:
                with urllib.request.urlopen(url, timeout=2.0) as answer:  # noqa: S310 - our own http address
                    status: int = answer.status
                    return 200 <= status < 300
            except (urllib.error.URLError, OSError):
                return False
        case Writes():
            return _written_ns(ready) > written_before_ns
