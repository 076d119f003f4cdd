"""The settings of one simulated home, read once from a TOML file."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from zodra_contract.ids import Id
from zodra_sim.devices import beacon
from zodra_sim.errors import SettingsError

SECRET_CHARS_MIN: Final = 16
SECRET_BYTES_MAX: Final = 4_096
BIND_KEY_BYTES: Final = 16
DEVICES_MAX: Final = 32
STRAP_NAME_BYTES_MAX: Final = 20
"""What an advertisement has left beside flags and two services."""

_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
_BESIDE = "folder"


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text.upper()):
        raise ValueError("must be a Bluetooth address such as A4:C1:38:00:00:01")
    return text.upper()


def _random_static(text: str) -> str:
    if int(_address(text)[:2], 16) < 0xC0:
        raise ValueError("a device one connects to needs an address from C0:... to FF:...")
    return text.upper()


def _loopback(host: str) -> str:
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(
            "must be 127.0.0.1, ::1 or localhost: the home's page is not for a network"
        )
    return host


def _secret(name: object, info: ValidationInfo) -> str:
    """Read the one line of a secret file, named relative to the settings file."""
    folder: Path = info.context[_BESIDE] if info.context else Path()
    path = folder / str(name)
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            raw = file.read(SECRET_BYTES_MAX + 1)
        text = raw.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise ValueError(f"{path} cannot be read: {fault}") from fault
    if mode & 0o077:
        raise ValueError(f"{path} can be read by other accounts; run `chmod 600 {path}`")
    if not text or len(raw) > SECRET_BYTES_MAX:
        raise ValueError(f"{path} must hold one line of at most {SECRET_BYTES_MAX} bytes")
    return text


def _token(name: object, info: ValidationInfo) -> str:
    text = _secret(name, info)
    if len(text) < SECRET_CHARS_MIN:
        raise ValueError(f"the token must have at least {SECRET_CHARS_MIN} characters")
    return text


def _bind_key(name: object, info: ValidationInfo) -> bytes | None:
    if name is None:
        return None
    try:
        key = bytes.fromhex(_secret(name, info))
    except ValueError as fault:
        raise ValueError(f"a bind key is {2 * BIND_KEY_BYTES} hex digits; {fault}") from fault
    if len(key) != BIND_KEY_BYTES:
        raise ValueError(f"a bind key is {2 * BIND_KEY_BYTES} hex digits, not {2 * len(key)}")
    return key


def _beside(path: Path, info: ValidationInfo) -> Path:
    folder: Path = info.context[_BESIDE] if info.context else Path()
    return folder / path


def _fits_advert(name: str) -> str:
    if not 1 <= len(name.encode()) <= STRAP_NAME_BYTES_MAX:
        raise ValueError(f"must be 1 to {STRAP_NAME_BYTES_MAX} bytes long")
    return name


Port = Annotated[int, Field(ge=0, le=65535)]
Percent = Annotated[int, Field(ge=1, le=100)]
Label = Annotated[str, Field(max_length=40)]
PeriodS = Annotated[float, Field(ge=0.1, le=3600)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AirSettings(_Section):
    """Where radios attach by HCI over TCP."""

    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Port
    neighbour_period_s: Annotated[float, Field(ge=0, le=3600)] = 2.0
    """How often the beacon of a neighbour advertises, which no gateway knows; 0 for never."""


class MqttSettings(_Section):
    """The broker of the home."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[SecretStr, BeforeValidator(_secret)] = Field(alias="password_file")


class ControlSettings(_Section):
    """The page and its API."""

    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Port
    token: Annotated[SecretStr, BeforeValidator(_token)] = Field(alias="token_file")


class _Device(_Section):
    device_id: Id
    label: Label = ""
    battery_percent: Percent = 100
    """When the device is new; afterwards it remembers its own."""


class ButtonSettings(_Device):
    """A button that advertises."""

    family: Literal["button"]
    address: Annotated[str, AfterValidator(_address)]
    bind_key: Annotated[SecretBytes | None, BeforeValidator(_bind_key)] = Field(
        default=None, alias="bind_key_file"
    )
    adverts_per_press: Annotated[int, Field(ge=1, le=30)] = 6
    advert_gap_ms: Annotated[int, Field(ge=20, le=1000)] = 100
    rssi_dbm: Annotated[int, Field(ge=-100, le=-20)] = -60


class WearableSettings(_Device):
    """A heart rate strap that one connects to."""

    family: Literal["wearable"]
    address: Annotated[str, AfterValidator(_random_static)]
    name: Annotated[str, AfterValidator(_fits_advert)] = "HR Strap"
    notify_period_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    rssi_dbm: Annotated[int, Field(ge=-100, le=-20)] = -66


class ThermostatSettings(_Device):
    """A radiator thermostat behind Zigbee2MQTT."""

    family: Literal["thermostat"]
    report_period_s: PeriodS = 60.0


class BabyMonitorSettings(_Device):
    """A baby monitor on the home's broker."""

    family: Literal["baby_monitor"]
    report_period_s: PeriodS = 30.0
    pack_units: Annotated[int, Field(ge=1, le=1000)] = 44
    stock_units: Annotated[int, Field(ge=0, le=1000)] | None = None
    """When the monitor is new; a full pack unless said."""


DeviceSettings = Annotated[
    ButtonSettings | WearableSettings | ThermostatSettings | BabyMonitorSettings,
    Field(discriminator="family"),
]


class HomeSettings(_Section):
    """Everything a home needs to start."""

    home_id: Id
    data_dir: Annotated[Path, AfterValidator(_beside)]
    language: Literal["en", "nl"] = "en"
    hour_lasts_s: Annotated[float, Field(ge=0.1, le=3600)] = 3600.0
    """How long a simulated hour lasts."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1
    air: AirSettings
    mqtt: MqttSettings | None = None
    control: ControlSettings
    devices: Annotated[tuple[DeviceSettings, ...], Field(min_length=1, max_length=DEVICES_MAX)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [device.device_id for device in self.devices]
        ble = [one for one in self.devices if isinstance(one, ButtonSettings | WearableSettings)]
        addresses = [beacon.ADDRESS, *(one.address for one in ble)]
        for what, all_of_them in (("device_id", ids), ("address", addresses)):
            if len(set(all_of_them)) != len(all_of_them):
                raise ValueError(f"two devices have the same {what}")
        if self.mqtt is None and len(ble) < len(self.devices):
            raise ValueError("a thermostat or baby monitor needs the section [mqtt]")
        return self


def read(path: Path) -> HomeSettings:
    """Read the settings of a home.

    Raises:
        SettingsError: naming the first setting that is wrong and what is allowed.
    """
    try:
        with path.open("rb") as file:
            found: dict[str, Any] = tomllib.load(file)
        return HomeSettings.model_validate(found, context={_BESIDE: path.resolve().parent})
    except OSError as fault:
        raise SettingsError(f"{path} cannot be read: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{path} is not TOML: {fault}") from fault
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the settings"
        raise SettingsError(f"{path}: {where}: {first['msg']}") from fault
