"""A wrong setting stops the start with its name and what is allowed."""

from pathlib import Path

import pytest

from sim.homes import BABY, BUTTON, KEY, STRAP, THERMOSTAT, write_home
from zodra_sim.errors import SettingsError
from zodra_sim.household.settings import ButtonSettings, read


def test_a_whole_home(tmp_path: Path) -> None:
    home = read(write_home(tmp_path, BUTTON, STRAP, THERMOSTAT, BABY, mqtt_port=1883))
    assert home.data_dir == tmp_path / "data"
    assert [one.family for one in home.devices] == [
        "button",
        "wearable",
        "thermostat",
        "baby_monitor",
    ]
    button = home.devices[0]
    assert isinstance(button, ButtonSettings)
    assert button.bind_key is not None
    assert button.bind_key.get_secret_value() == KEY


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    home = read(write_home(tmp_path, BUTTON, THERMOSTAT, mqtt_port=1883))
    shown = repr(home) + str(home.model_dump())
    for secret in ("a-token-for-the-tests", "secret-of-home-devices", repr(KEY)):
        assert secret not in shown


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('home_id = "home-1"', 'home_id = "home.1"', "home_id: .*pattern"),
        ("port = 0", "port = 70000", "air.port: .*65535"),
        ('data_dir = "data"', 'data_dir = "data"\ncolour = "red"', "colour: .*not permitted"),
        ('data_dir = "data"', 'data_dir = "data"\nhour_lasts_s = 0', "hour_lasts_s: .*0.1"),
        ('data_dir = "data"', 'data_dir = "data"\nlanguage = "fr"', "language: .*'en' or 'nl'"),
        ("A4:C1:38:00:00:01", "A4:C1:38", "address: .*such as A4:C1:38:00:00:01"),
        ("A4:C1:38:00:00:01", "DC:1B:EA:C0:00:01", "two devices have the same address"),
        ("port = 0", "port = 0\nneighbour_period_s = -1", "neighbour_period_s: .*equal to 0"),
        ("F4:C1:38:00:00:02", "04:C1:38:00:00:02", "address: .*from C0"),
        ("notify_period_s = 0.1", "notify_period_s = 0", "notify_period_s: .*0.1"),
        ('"strap-1"', '"btn-1"', "two devices have the same device_id"),
        ('family = "button"', 'family = "doorbell"', "devices.0: .*'button'"),
        ('bind_key_file = "key"', 'bind_key_file = "none"', "bind_key_file: .*cannot be read"),
        ('bind_key_file = "key"', 'bind_key_file = "token"', "a bind key is 32 hex digits"),
        ('token_file = "token"', 'token_file = "short"', "at least 16 characters"),
        ('token_file = "token"', 'token_file = "open"', "can be read by other accounts; .*chmod"),
        (
            "[control]",
            '[control]\nhost = "0.0.0.0"',
            "control.host: .*must be 127.0.0.1, ::1 or localhost",
        ),
        ("[air]", "[[air]]", "air: "),
        ("[air]", "[air", "is not TOML"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    config = write_home(tmp_path, BUTTON, STRAP)
    for name, mode in (("short", 0o600), ("open", 0o644)):
        (tmp_path / name).write_text("x" * (5 if name == "short" else 20))
        (tmp_path / name).chmod(mode)
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new, 1))
    with pytest.raises(SettingsError, match=sentence):
        read(config)


def test_mqtt_devices_need_a_broker(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"needs the section \[mqtt\]"):
        read(write_home(tmp_path, THERMOSTAT))


def test_a_home_without_devices_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="devices: "):
        read(write_home(tmp_path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read(tmp_path / "home.toml")
