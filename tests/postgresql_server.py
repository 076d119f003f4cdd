"""A private PostgreSQL for tests and benchmarks: its own folder, a unix socket, no TCP port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

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


class PostgresqlServer:
    """Starts on enter, ends on exit; `url(name)` names one of its databases."""

    def __init__(self, *, durable: bool) -> None:
        self._binaries = find_binaries()
        self._options = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
        self._process: subprocess.Popen[str] | None = None
        # /tmp and short: a socket's path may have 107 bytes, and user postgres must get in.
        self._folder = Path(tempfile.mkdtemp(prefix="zodra-pg-", dir="/tmp"))

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
