"""The data folder: private, locked, continued, with ports of its own."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from zodra_sim.demo.folder import HOME_ZONE, Folder, FolderError, awake_zone

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def opened(path: Path, database: str = "sqlite") -> Folder:
    return Folder.open(path, broker="amqtt", database=database, language="en", now=NOW)


def test_a_new_folder_and_its_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    folder = opened(tmp_path / "run")
    secret = folder.secret("x.password")
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_text().strip()) >= 32
    assert folder.secret("x.password").read_text() == secret.read_text()
    folder.close()


def test_the_same_folder_comes_back_with_the_same_addresses(tmp_path: Path) -> None:
    first = opened(tmp_path)
    ports = first.settings.ports
    first.close()
    again = opened(tmp_path)
    assert again.settings.ports == ports
    again.close()


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    first = opened(tmp_path)
    ports = first.settings.ports
    first.close()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", ports.shop))
        squatter.listen()
        again = opened(tmp_path)
    assert again.settings.ports.shop != ports.shop
    assert again.settings.ports.cloud == ports.cloud
    again.close()


def test_two_folders_never_share_a_port(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "a"), opened(tmp_path / "b")
    taken = first.settings.ports.all() + second.settings.ports.all()
    assert len(set(taken)) == len(taken)
    first.close()
    second.close()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    first = opened(tmp_path)
    with pytest.raises(FolderError, match="another demo is running"):
        opened(tmp_path)
    first.close()


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FolderError, match="holds other files"):
        opened(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_keeps_its_database(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(FolderError, match="another database"):
        opened(tmp_path, "postgresql+psycopg://127.0.0.1/x")


def test_damaged_settings_are_named(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "demo.json").write_text("{")
    with pytest.raises(FolderError, match=r"demo\.json cannot be read"):
        opened(tmp_path)


@pytest.mark.parametrize("hour", range(24))
def test_the_household_is_awake_at_every_hour(hour: int) -> None:
    now = NOW.replace(hour=hour) + timedelta(minutes=59)
    zone = awake_zone(now)
    assert 9 <= now.astimezone(ZoneInfo(zone)).hour < 21
    assert zone == HOME_ZONE or not 9 <= now.astimezone(ZoneInfo(HOME_ZONE)).hour < 21
