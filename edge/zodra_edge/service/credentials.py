"""Reads the secrets that the settings name: files, or credentials that systemd hands over."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from zodra_edge.errors import SettingsFault

BIND_KEY_BYTES: Final = (16, 12)
SECRET_BYTES_MAX: Final = 4096
FOLDER: Final = "credentials"
"""Beside the settings: from there systemd takes them, and there a person's own commands look."""
PREFIX: Final = "zodra_"
"""systemd puts its own name of a folder, and this character, before the name of each file in it."""
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_SECRETS: Final = ("password", "bind_key")


def take_secrets(raw: dict[str, Any], folder: Path) -> None:
    """Put the secrets themselves where settings name the files that hold them.

    Args:
        raw: the settings as written.
        folder: where they are; the files are named from there.

    Raises:
        SettingsFault: a secret is written in the settings, or cannot be read.
    """
    for name in ("cloud", "home_mqtt"):
        part = raw.get(name)
        if isinstance(part, dict):
            _refuse_inline(part, name, "password")
            if (named := _named(part, name, "password", folder)) is not None:
                part["password"] = _secret(*named)
            if part.get("ca_file"):
                part["ca_file"] = folder / str(part["ca_file"])
            else:
                part.pop("ca_file", None)
    devices = raw.get("devices")
    for place, device in enumerate(devices if isinstance(devices, list) else ()):
        if isinstance(device, dict):
            where = f"devices.{place}"
            _refuse_inline(device, where, "bind_key")
            if (named := _named(device, where, "bind_key", folder)) is not None:
                device["bind_key"] = _bind_key(*named)


def secret_files(path: Path) -> tuple[Path, ...]:
    """Name the files that hold the secrets of a settings file; none if it cannot be read."""
    folder = path.resolve().parent
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        named = [
            found[0]
            for part in _parts(raw)
            for name in _SECRETS
            if (found := _named(part, "settings", name, folder)) is not None
        ]
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, SettingsFault):
        return ()
    return tuple(dict.fromkeys(named))


def _parts(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    devices = raw.get("devices")
    listed = devices if isinstance(devices, list) else ()
    for part in (raw.get("cloud"), raw.get("home_mqtt"), *listed):
        if isinstance(part, dict):
            yield part


def _named(part: dict[str, Any], where: str, name: str, folder: Path) -> tuple[Path, str] | None:
    """Say where a secret lies and which setting said so, and take that out of the settings."""
    file, credential = part.pop(f"{name}_file", ""), part.pop(f"{name}_credential", "")
    if file and credential:
        raise SettingsFault(f"{where}: give either {name}_file or {name}_credential")
    if credential:
        said = f"{where}.{name}_credential"
        return credential_file(credential, said, folder), said
    return (folder / str(file), f"{where}.{name}_file") if file else None


def credential_file(name: object, where: str, beside: Path) -> Path:
    """Say where a credential lies.

    Args:
        name: as the settings say it.
        where: the setting, for the sentence.
        beside: the folder of the settings.

    Raises:
        SettingsFault: that is not the name of a file.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsFault(
            f"{where}: expected the name of a file in {beside / FOLDER}, of letters, digits, "
            "'.', '_' and '-'"
        )
    if handed := os.environ.get("CREDENTIALS_DIRECTORY"):
        for known in (name, PREFIX + name):
            if _is_there(path := Path(handed) / known):
                return path
    return beside / FOLDER / name


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A folder that was handed to another account is not ours to look into.
        return False


def _refuse_inline(part: dict[str, Any], where: str, name: str) -> None:
    if name in part:
        raise SettingsFault(
            f"{where}.{name} must not be written in the settings; "
            f"put it in a file of mode 0600 and name that as {name}_file"
        )


def _secret(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(SECRET_BYTES_MAX)
        return raw.decode().strip()
    except OSError as fault:
        raise SettingsFault(f"{where}: cannot read {path}: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise SettingsFault(f"{where}: {path} is not UTF-8 text") from fault


def _bind_key(path: Path, where: str) -> bytes:
    text = _secret(path, where)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) not in BIND_KEY_BYTES:
        raise SettingsFault(f"{where}: expected 32 hexadecimal digits in the file, or 24")
    return key
