"""Changes a settings file as a careful person would: comments stay, and the old one is kept."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from zodra_edge.errors import SettingsFault
from zodra_edge.settings import Settings, load
from zodra_edge.words import say

BACKUP: Final = ".before"
KEY_MODE: Final = 0o600
_HEADER: Final = re.compile(r"^\s*\[")
_DEVICES: Final = re.compile(r"^\s*\[\[\s*devices\s*\]\]\s*(#.*)?$")
_PRACTICE: Final = re.compile(r"^\s*practice\s*=\s*true\s*(#.*)?$")


def entry(values: Mapping[str, str | bool]) -> str:
    """Write one device as the settings have it."""
    lines = ["[[devices]]"]
    for name, value in values.items():
        # A basic string of TOML takes what JSON writes, without the one escape TOML has not.
        said = json.dumps(value) if isinstance(value, bool) else _quoted(value)
        lines.append(f"{name} = {said}")
    return "\n".join(lines) + "\n"


def add_device(config: Path, text: str) -> Settings:
    """Add a device at the end.

    Returns:
        The settings as they are now.

    Raises:
        SettingsFault: they would not be allowed, or cannot be written; then nothing has changed.
    """

    def longer(before: str) -> str:
        return f"{before.rstrip()}\n\n{text}"

    return _change(config, longer)


def arm(config: Path, device_id: str) -> Settings:
    """End the practice of a device.

    Raises:
        SettingsFault: it has none, or the file cannot be changed; then nothing has changed.
    """

    def armed(before: str) -> str:
        wanted = _without_practice(tomllib.loads(before), device_id)
        for after in _each_shorter(before):
            if tomllib.loads(after) == wanted:
                return after
        raise SettingsFault.told(say("practice_by_hand", device_id=device_id, config=config))

    return _change(config, armed)


def write_key(config: Path, device_id: str, key: bytes, owner_of: Path) -> str:
    """Keep a bind key in a new file beside the settings, for the agent's account alone.

    Returns:
        Its name, for the settings.

    Raises:
        SettingsFault: it cannot be written, or is there already.
    """
    path = config.resolve().parent / f"{device_id}.key"
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        if os.geteuid() == 0 and owner_of.exists():
            # A person may pair as root; the agent's own account has to read it.
            held = owner_of.stat()
            os.chown(path, held.st_uid, held.st_gid)
    except OSError as fault:
        said = say("cannot_write_key", path=path, why=fault.strerror)
        raise SettingsFault.told(said) from fault
    return path.name


def _change(config: Path, change: Callable[[str], str]) -> Settings:
    path = config.resolve()
    try:
        with _alone(path):
            before = path.read_text(encoding="utf-8")
            try:
                return _replace(path, change(before))
            except tomllib.TOMLDecodeError as fault:
                raise SettingsFault.told(say("not_toml", path=path, why=fault)) from fault
    except OSError as fault:
        said = say("cannot_change", path=path, why=fault.strerror)
        raise SettingsFault.told(said) from fault


def _replace(path: Path, after: str) -> Settings:
    """Put the new text in place of the old, once it is known to be allowed."""
    held = path.stat()
    made, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        try:
            load(fresh)
        except SettingsFault as fault:
            why = str(fault).replace(str(fresh), str(path))
            raise SettingsFault.told(say("nothing_changed", why=why)) from fault
        fresh.chmod(held.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(fresh, held.st_uid, held.st_gid)
        shutil.copy2(path, path.with_name(path.name + BACKUP))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return load(path)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep out a second command that changes the same file."""
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _each_shorter(text: str) -> Iterator[str]:
    """Take out one line `practice = true` of one device at a time."""
    lines = text.splitlines(keepends=True)
    inside = False
    for at, line in enumerate(lines):
        if _HEADER.match(line):
            inside = _DEVICES.match(line) is not None
        elif inside and _PRACTICE.match(line):
            yield "".join(lines[:at] + lines[at + 1 :])


def _without_practice(raw: dict[str, Any], device_id: str) -> dict[str, Any]:
    known: list[str] = []
    for device in raw.get("devices", ()):
        if isinstance(device, dict) and device.get("device_id") == device_id:
            if device.pop("practice", False) is True:
                return raw
            raise SettingsFault.told(say("armed_already", device_id=device_id))
        known.append(str(device.get("device_id") if isinstance(device, dict) else device))
    names = ", ".join(sorted(known)) or "-"
    raise SettingsFault.told(say("device_unknown", device_id=device_id, known=names))


def _quoted(text: str) -> str:
    if not text.isprintable():
        raise SettingsFault.told(say("not_printable", value=ascii(text)))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
