"""The data folder of one demo: its ports, its secrets, and the lock that makes it one demo's own.

Everything a demo writes lies in here, so that two demos never meet and removing the folder removes
the demo.
"""

import base64
import contextlib
import fcntl
import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

BrokerKind = Literal["amqtt", "mosquitto", "nats"]
Language = Literal["nl", "en"]

# Below Linux's range for outgoing connections (32768-60999): a port from inside that range can be
# taken by any connection between the moment it is chosen and the moment the part listens on it.
_PORT_FIRST: Final = 20_000
_PORT_LAST: Final = 29_999
_PORT_TRIES_MAX: Final = 2_000

HOME_ZONE: Final = "Europe/Amsterdam"
_AWAKE_FROM: Final = 9
_AWAKE_TO: Final = 21

SETTINGS_FILE: Final = "demo.json"


class FolderError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class Ports(BaseModel):
    """Where each part listens, on 127.0.0.1."""

    model_config = ConfigDict(frozen=True)

    broker: int
    home_broker: int
    shop: int
    cloud: int
    air: int
    home_page: int

    def all(self) -> tuple[int, ...]:
        """List the ports in the order of the fields."""
        return tuple(getattr(self, name) for name in type(self).model_fields)


class DemoSettings(BaseModel):
    """What was chosen when the folder was made; a later start in the same folder continues it."""

    model_config = ConfigDict(frozen=True)

    layout: Literal[1] = 1
    broker: BrokerKind
    database_url: str
    language: Language
    time_zone: str
    """Of the household, as an IANA name."""
    ports: Ports
    set_up: bool = False
    """True once the cloud knows the household, its gateway, devices and slots."""


@dataclass(slots=True)
class Reservations:
    """Ports that this process has spoken for, so that a demo beside it chooses others.

    An abstract socket is a name in the kernel: no file, and gone when this process is.
    """

    held: list[socket.socket] = field(default_factory=list)

    def take(self, port: int) -> bool:
        """Reserve a port if nothing listens there and no other demo has spoken for it."""
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            mark.bind(f"\0zodra-demo-port-{port}")
        except OSError:
            mark.close()
            return False
        if not _is_free(port):
            mark.close()
            return False
        self.held.append(mark)
        return True

    def choose(self) -> int:
        """Reserve any free port."""
        span = _PORT_LAST - _PORT_FIRST + 1
        for _ in range(_PORT_TRIES_MAX):
            port = _PORT_FIRST + secrets.randbelow(span)
            if self.take(port):
                return port
        raise FolderError(f"no free port found between {_PORT_FIRST} and {_PORT_LAST}")

    def close(self) -> None:
        """Give every port back."""
        for mark in self.held:
            mark.close()
        self.held.clear()


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Folder:
    """A locked data folder."""

    def __init__(self, path: Path, settings: DemoSettings, lock: int, ports: Reservations) -> None:
        self.path = path
        self.settings = settings
        self._lock = lock
        self._ports = ports

    @classmethod
    def open(
        cls, path: Path, *, broker: BrokerKind, database: str, language: Language, now: datetime
    ) -> Self:
        """Make the folder, or continue the demo that it holds.

        Args:
            path: the folder; made with mode 0700 if it is not there.
            broker: which cloud broker to run. A folder that is continued keeps its devices and
                orders, and may change its broker, since no message rests there.
            database: `sqlite`, or the URL of an empty PostgreSQL database. Fixed with the folder.
            language: of the account and the page.
            now: the instant, UTC; decides where a new household lives.

        Raises:
            FolderError: the folder holds something else, is in use, or was made for another
                database.
        """
        path = path.resolve()
        _make_private(path)
        with contextlib.ExitStack() as on_fault:
            lock = _lock(path)
            on_fault.callback(os.close, lock)
            reservations = Reservations()
            on_fault.callback(reservations.close)
            settings = _settings(path, broker, database, language, reservations, now)
            on_fault.pop_all()
        folder = cls(path, settings, lock, reservations)
        folder.save(settings)
        for name in ("secrets", "logs", "config"):
            (path / name).mkdir(mode=0o700, exist_ok=True)
        return folder

    def save(self, settings: DemoSettings) -> None:
        """Keep the settings, in place of the earlier ones."""
        self.settings = settings
        write_private(self.path / SETTINGS_FILE, settings.model_dump_json(indent=2) + "\n")

    def log(self, part: str) -> Path:
        """Name the log file of one part."""
        return self.path / "logs" / f"{part}.log"

    def secret(self, name: str, make: str = "token") -> Path:
        """Give the file of a secret, drawing the secret the first time.

        Args:
            name: file name inside `secrets/`.
            make: `token` (43 characters), `bind_key` (16 bytes as hex) or `webhook` (`whsec_...`).
        """
        path = self.path / "secrets" / name
        if not path.exists():
            write_private(path, _DRAW[make]() + "\n")
        return path

    def close(self) -> None:
        """Give back the ports and the lock."""
        self._ports.close()
        os.close(self._lock)


def awake_zone(now: datetime) -> str:
    """Choose where the household lives: at home, or where it is noon if that is asleep.

    Offers wait during quiet hours, and a demo that shows none at night would look broken.
    """
    if _AWAKE_FROM <= now.astimezone(ZoneInfo(HOME_ZONE)).hour < _AWAKE_TO:
        return HOME_ZONE
    # In these names the sign is reversed: Etc/GMT-3 is three hours ahead of UTC.
    ahead = 12 - now.astimezone(UTC).hour
    return "Etc/GMT" if ahead == 0 else f"Etc/GMT{-ahead:+d}"


def _token() -> str:
    return secrets.token_urlsafe(32)


def _bind_key() -> str:
    return secrets.token_hex(16)


def _webhook() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


_DRAW: Final = {"token": _token, "bind_key": _bind_key, "webhook": _webhook}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def _make_private(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = {entry.name for entry in path.iterdir()}
    except OSError as fault:
        raise FolderError(f"cannot use {path} as data folder: {fault.strerror}") from fault
    if held and SETTINGS_FILE not in held and held != {"demo.lock"}:
        raise FolderError(
            f"{path} holds other files and no demo; choose an empty folder with --data"
        )


def _lock(path: Path) -> int:
    descriptor = os.open(path / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(descriptor)
        raise FolderError(
            f"another demo is running in {path}; end it, or choose another folder with --data"
        ) from fault
    return descriptor


def _settings(
    path: Path,
    broker: BrokerKind,
    database: str,
    language: Language,
    reservations: Reservations,
    now: datetime,
) -> DemoSettings:
    url = f"sqlite:///{path / 'cloud' / 'cloud.db'}" if database == "sqlite" else database
    file = path / SETTINGS_FILE
    if not file.exists():
        ports = Ports(**{name: reservations.choose() for name in Ports.model_fields})
        return DemoSettings(
            broker=broker,
            database_url=url,
            language=language,
            time_zone=awake_zone(now),
            ports=ports,
        )
    try:
        earlier = DemoSettings.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as fault:
        raise FolderError(f"{file} cannot be read: {fault}") from fault
    if earlier.database_url != url:
        raise FolderError(
            f"{path} was made with another database; start it with the same --database, "
            "or choose another folder with --data"
        )
    # The same addresses as last time where they are still free, so that a bookmark works.
    kept = {
        name: port if reservations.take(port) else reservations.choose()
        for name, port in earlier.ports
    }
    update = {"broker": broker, "language": language, "ports": Ports(**kept)}
    return earlier.model_copy(update=update)
