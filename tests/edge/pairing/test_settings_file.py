"""A settings file is changed as a careful person would: or not at all."""

import os
import stat
from pathlib import Path

import pytest

from zodra_edge.commands.settings_file import BACKUP, add_device, arm, entry, write_key
from zodra_edge.errors import SettingsFault
from zodra_edge.settings import load

BEFORE = """\
# Our home.
gateway_id = "gw-1"
household_id = "hh-1"
data_dir = "data"  # on the card

[cloud]
host = "cloud.example"
[home_mqtt]
host = "127.0.0.1"

[[devices]]
# By the fridge.
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
topic = "zigbee2mqtt/kitchen"
"""
HALL: dict[str, str | bool] = {
    "device_id": "btn-hall",
    "family": "button",
    "slot_key": "button-1",
    "topic": "zigbee2mqtt/hall",
    "practice": True,
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(BEFORE)
    path.chmod(0o640)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_device_is_added_and_armed_and_comments_stay(config: Path) -> None:
    settings = add_device(config, entry(HALL))
    assert [device.device_id for device in settings.devices] == ["btn-kitchen", "btn-hall"]
    assert settings.devices[1].practice
    text = config.read_text()
    assert text.startswith(BEFORE)
    assert config.with_name(config.name + BACKUP).read_text() == BEFORE
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert names(config.parent) == {"gateway.toml", "gateway.toml.before"}
    assert not arm(config, "btn-hall").devices[1].practice
    assert config.read_text() == text.replace("practice = true\n", "")
    assert config.with_name(config.name + BACKUP).read_text() == text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"device_id": "btn-kitchen"}, "device_id btn-kitchen is used twice"),
        ({"topic": "zigbee2mqtt/kitchen"}, "topic zigbee2mqtt/kitchen is used twice"),
        ({"family": "toaster"}, "family"),
        ({"address": "A4:C1:38:00:00:01"}, "no [radio] section"),
    ],
)
def test_what_is_not_allowed_changes_nothing(
    config: Path, change: dict[str, str | bool], why: str
) -> None:
    with pytest.raises(SettingsFault) as raised:
        add_device(config, entry(HALL | change))
    assert "nothing was changed" in str(raised.value)
    assert why in str(raised.value)
    assert config.read_text() == BEFORE
    assert names(config.parent) == {"gateway.toml"}


def test_devices_written_as_one_value_are_not_added_to(config: Path) -> None:
    text = BEFORE.partition("[[devices]]")[0].replace("[cloud]", "devices = []\n[cloud]", 1)
    config.write_text(text)
    with pytest.raises(SettingsFault):
        add_device(config, entry(HALL))
    assert config.read_text() == text


def test_a_name_cannot_bring_settings_of_its_own(config: Path) -> None:
    odd = 'a"b\\c'
    settings = add_device(config, entry(HALL | {"topic": f"zigbee2mqtt/{odd}"}))
    assert settings.devices[1].topic == f"zigbee2mqtt/{odd}"
    with pytest.raises(SettingsFault, match="cannot be printed"):
        entry(HALL | {"topic": 'x"\npractice = false\n'})


def test_only_the_device_that_is_meant_is_armed(config: Path) -> None:
    add_device(config, entry(HALL))
    add_device(config, entry(HALL | {"device_id": "btn-attic", "topic": "zigbee2mqtt/attic"}))
    assert [device.practice for device in arm(config, "btn-attic").devices] == [False, True, False]
    for device_id, why in (("btn-attic", "armed already"), ("btn-moon", "there is no device")):
        before = config.read_text()
        with pytest.raises(SettingsFault, match=why):
            arm(config, device_id)
        assert config.read_text() == before


def test_a_practice_that_is_no_line_of_its_own_is_left_to_a_person(config: Path) -> None:
    inline = (
        'devices = [{ device_id = "b", family = "button", slot_key = "s", '
        'topic = "zigbee2mqtt/b", practice = true }]\n'
    )
    config.write_text(inline + BEFORE.partition("[[devices]]")[0])
    assert load(config).devices[0].practice
    with pytest.raises(SettingsFault, match="by hand"):
        arm(config, "b")


def test_a_link_to_the_settings_stays_one(config: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    add_device(link, entry(HALL))
    assert link.is_symlink()
    assert len(load(config).devices) == 2


def test_a_key_is_for_one_account_and_never_overwritten(config: Path) -> None:
    name = write_key(config, "btn-hall", bytes(16), config.parent / "data")
    path = config.parent / name
    assert path.read_text() == "00" * 16 + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == os.getuid()
    with pytest.raises(SettingsFault, match="File exists"):
        write_key(config, "btn-hall", bytes(range(16)), config.parent / "data")
    assert path.read_text() == "00" * 16 + "\n"
