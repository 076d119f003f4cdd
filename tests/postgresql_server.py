"""A private PostgreSQL for tests and benchmarks: its own folder, a unix socket, no TCP port."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

# Where nothing has to survive a power cut, a disk that others use too must not set the pace: making
# a database from its template took 270 ms on a busy disk, 50 ms in memory.
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES_MIN = 2 * 1024**3
_LEFT_S = 3_600
_HASTY = (
    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"),
    # Databases that live for a second are not worth cleaning, and logs that nobody replays not
    # worth keeping: they would fill the memory.
    *("-c", "autovacuum=off", "-c", "max_wal_size=128MB", "-c", "min_wal_size=32MB"),
    *("-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "jit=off"),
)

# A test run that is killed cannot stop its server; the kernel then does.
_END_WITH_US = ("setpriv", "--pdeathsig", "INT") if shutil.which("setpriv") else ()


class PostgresqlMissing(Exception):
    """There is no PostgreSQL on this machine; says where it was looked for."""


def find_binaries() -> Path:
    """Find the folder of `initdb` and `postgres`, newest version first."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]),
        reverse=True,
    )
    for found in [*debian, *map(Path, filter(None, [shutil.which("postgres")]))]:
        if (found.parent / "initdb").exists():
            return found.parent
    raise PostgresqlMissing(
        "no PostgreSQL in /usr/lib/postgresql/*/bin or on the PATH; "
        "on Debian or Ubuntu: apt-get install postgresql"
    )


def _roomy(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free >= _MEMORY_BYTES_MIN


def _sweep(folder: Path) -> None:
    """Give back the memory of runs that were killed: an hour old, and their server is gone."""
    for left in folder.glob("zodra-pg-*"):
        try:
            old = time.time() - left.stat().st_mtime > _LEFT_S
            server = int((left / "data/postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            continue
        if old and not Path(f"/proc/{server}").exists():
            shutil.rmtree(left, ignore_errors=True)


class PostgresqlServer:
    """Starts on enter, ends on exit; `url(name)` names one of its databases."""

    def __init__(self, *, durable: bool) -> None:
        self._binaries = find_binaries()
        self._options = [] if durable else _HASTY
        self._process: subprocess.Popen[str] | None = None
        # Short: a socket's path may have 107 bytes, and user postgres must get in.
        place = "/tmp" if durable or not _roomy(_MEMORY) else _MEMORY
        _sweep(Path(place))
        self._folder = Path(tempfile.mkdtemp(prefix="zodra-pg-", dir=place))

    def __enter__(self) -> "PostgresqlServer":
        user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            user = "postgres"
            account = pwd.getpwnam(user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        data = self._folder / "data"
        common: dict[str, Any] = {"user": user, "cwd": self._folder}
        subprocess.run(
            [
                str(self._binaries / "initdb"),
                *("-D", str(data), "-U", "zodra", "--auth=trust", "--encoding=UTF8"),
                *("--locale=C", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **common,
        )
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *_END_WITH_US,
                    str(self._binaries / "postgres"),
                    *("-D", str(data), "-k", str(self._folder), "-c", "listen_addresses="),
                    *("-c", "max_connections=100", *self._options),
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **common,
            )
        self._wait()
        return self

    @property
    def pid(self) -> int:
        """Of the server, whose children do the work."""
        assert self._process is not None
        return self._process.pid

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.send_signal(2)  # SIGINT: "fast shutdown", does not wait for clients
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Give the URL of a database, for `database_url`."""
        return f"postgresql+psycopg://zodra@/{database}?host={self._folder}"

    def create(self, database: str, template: str = "template1") -> str:
        """Create a database and give its URL."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _conninfo(self) -> str:
        return f"host={self._folder} user=zodra dbname=postgres"

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                psycopg.connect(self._conninfo(), connect_timeout=1).close()
                return
            except psycopg.OperationalError:
                try:
                    self._process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
        raise RuntimeError(
            f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}"
        )
