"""The gateway's settings, read once from one TOML file into one frozen value.

A bad value stops the start with its name and what is allowed. Secrets are never written in the
file itself: it names files that hold them, relative to its own folder.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from zodra_contract.envelope import TELEMETRY_ROWS_MAX
from zodra_contract.ids import DeviceId, GatewayId, HouseholdId, SlotKey
from zodra_edge.decode.mqtt import rules
from zodra_edge.decode.profile import DeviceProfile, Family, Limits
from zodra_edge.decode.spoken import Dialect
from zodra_edge.errors import SettingsFault, Unclaimed
from zodra_edge.home_assistant.options import HomeAssistantOptions
from zodra_edge.link import BACKOFF_S_MAX, KEEPALIVE_S
from zodra_edge.service.credentials import take_secrets
from zodra_edge.settings.radio import AdapterName, BluetoothAddress, Radio, RadioAdapter
from zodra_edge.words import say

DEVICES_MAX: Final = 512
RUNTIME_DIR: Final = "/run/zodra"

Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, Field(min_length=1, max_length=253)]

__all__ = [
    "BluetoothAddress",
    "Radio",
    "RadioAdapter",
    "Settings",
    "changed_besides_devices",
    "load",
]


class _Part(BaseModel):
    # Only the whole is ever read: validators of its parts, beside those within it, would be 0.6 MB.
    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")


class Cloud(_Part):
    """The broker where the cloud listens."""

    host: Host
    port: Port = 1883
    username: str | None = None
    """The broker's name for this gateway; its `gateway_id` unless said otherwise."""
    password: SecretStr | None = None
    """From `password_file`, or `password_credential` for one that systemd hands over."""
    tls: bool = False
    ca_file: Path | None = None
    """Certificates to trust; the system's own if not given."""


class HomeMqtt(_Part):
    """The home's own broker."""

    host: Host
    port: Port = 1883
    username: str | None = None
    password: SecretStr | None = None
    """From `password_file`, or `password_credential` for one that systemd hands over."""
    message_bytes_max: Annotated[int, Field(ge=256, le=1024 * 1024)] = 64 * 1024
    """A larger payload is refused before it is parsed."""
    device_messages_per_s_max: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """What one device sends beyond this, for longer than ten seconds' worth, is dropped."""


class Device(_Part):
    """One device of the home."""

    device_id: DeviceId
    family: Family
    slot_key: SlotKey
    address: BluetoothAddress | None = None
    adapter: AdapterName | None = None
    """The only one of `radio.adapters` that hears it and connects to it; any of them if not
    given. For a device that two hear and one hears well."""
    bind_key: SecretBytes | None = None
    """From `bind_key_file` or `bind_key_credential`: 32 hexadecimal digits; 24 for older devices of
    Xiaomi."""
    # Not `\w`: all letters of Unicode, 64 times over, are 5 MB in the validator.
    parser: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] | None = None
    """Who reads its advertisements (docs/devices.md); whoever recognises them if not given."""
    connect: bool | None = None
    """Whether it is read over a connection rather than by what it advertises, such as a health
    thermometer, a weight scale or a room sensor; a wearable is, unless this says otherwise."""
    topic: rules.Topic | None = None
    """On the home's broker; docs/devices.md says which for each dialect."""
    dialect: Dialect | None = None
    """How it speaks there; recognised by the topic if not given."""
    part: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """Which of several devices or values behind the topic it is, such as `bthomedevice:200`."""
    readings: Annotated[tuple[rules.DeviceReading, ...], Field(max_length=rules.RULES_MAX)] = ()
    presses: Annotated[tuple[rules.DevicePress, ...], Field(max_length=rules.RULES_MAX)] = ()
    availability: rules.DeviceAvailability | None = None
    worn_out_h: Annotated[float, Field(gt=0, le=100_000)] = 400.0
    service_due_h: Annotated[float, Field(gt=0, le=100_000)] = 1500.0
    pack_units: Annotated[int, Field(ge=1, le=100_000)] = 44
    reorder_units: Annotated[int, Field(ge=0, le=100_000)] = 8
    unit_kg: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """What one unit of the slot weighs, for a scale: what it shows is then told as units left, too,
    and the cloud foresees when more are needed."""
    empty_kg: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """What the scale shows when no unit is left: the jar, the crate."""
    counter_epoch: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    practice: bool = False
    """Shown when it is heard, and nothing else: no need and no reading of it is kept or sent."""

    @model_validator(mode="after")
    def _has_a_way_in(self) -> Self:
        if self.family in (Family.THERMOSTAT, Family.BABY_MONITOR) and self.topic is None:
            raise ValueError(f"a {self.family} needs a topic on the home's broker")
        if self.address is None and self.topic is None:
            raise ValueError(f"a {self.family} needs an address, or a topic on the home's broker")
        if self.adapter is not None and self.address is None:
            raise ValueError(f"adapter is {self.adapter}, but it has no address to be heard by")
        if self.reorder_units >= self.pack_units:
            raise ValueError("reorder_units must be below pack_units")
        rules.spoken_of(self)
        return self

    @property
    def _connects(self) -> bool:
        asked = self.family is Family.WEARABLE if self.connect is None else self.connect
        return asked and self.address is not None

    def profile(self) -> DeviceProfile:
        """Make the plain value that the pure rooms use."""
        return DeviceProfile(
            device_id=self.device_id,
            family=self.family,
            slot_key=self.slot_key,
            address=self.address,
            adapter=self.adapter,
            bind_key=self.bind_key.get_secret_value() if self.bind_key else None,
            topic=self.topic,
            parser=self.parser,
            spoken=rules.spoken_of(self),
            connects=self._connects,
            limits=Limits(
                worn_out_h=self.worn_out_h,
                service_due_h=self.service_due_h,
                pack_units=self.pack_units,
                reorder_units=self.reorder_units,
                unit_kg=self.unit_kg,
                empty_kg=self.empty_kg,
                # A bridge on the home's broker tells less often than a strap by itself.
                contact_gap_s_max=10.0 if self.address else 90.0,
            ),
            counter_epoch=self.counter_epoch,
            practice=self.practice,
        )


class Frames(_Part):
    """The queue between the transports and the one consumer."""

    queue_max: Annotated[int, Field(ge=16, le=1_000_000)] = 2_000
    """When full, an advertisement is dropped and counted; the home's broker is made to wait. A
    third of a second at the highest rate measured here."""


class OutboxLimits(_Part):
    """How much is kept."""

    need_rows_max: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """When full, a new need-moment is refused visibly. 20,000 are 400 a day for seven weeks."""
    telemetry_rows_max: Annotated[int, Field(ge=100, le=50_000_000)] = 1_000_000
    """When full, the oldest reading is dropped and counted; about 100 bytes each."""
    quarantine_rows_max: Annotated[int, Field(ge=10, le=1_000_000)] = 10_000
    need_bytes_max: Annotated[int, Field(ge=2**20, le=2**32)] = 64 * 2**20
    """Soft limit of the file with the need-moments; close to it a new one is refused visibly."""
    telemetry_bytes_max: Annotated[int, Field(ge=2**20, le=2**40)] = 256 * 2**20
    """Soft limit of the file with the readings; close to it the oldest are dropped and counted."""
    telemetry_age_s_max: Annotated[float, Field(ge=60, le=10 * 365 * 86_400)] = 7 * 86_400.0
    """An older reading is dropped and counted, by a trusted clock. Need-moments never are."""
    reserve_bytes: Annotated[int, Field(ge=2**18, le=2**30)] = 8 * 2**20
    """Held back on the disk, and given up when it is full: room for the need-moments of weeks.
    Without it no reading is kept."""
    linger_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    """A reading is sent at once, and written to the disk when its receipt takes longer than this;
    so long a detector's memory waits, too. What is younger than twice this, and not at the cloud
    yet, is lost with the power. One commit costs a card 8 kB, however few readings are in it. 0
    writes each reading before it is sent. Never for a need-moment."""
    linger_rows_max: Annotated[int, Field(ge=1, le=10_000)] = 500


class Uplink(_Part):
    """The conversation with the cloud."""

    health_period_s: Annotated[float, Field(ge=1, le=300)] = 60.0
    """The cloud hears of each problem at once, and this often when there is nothing new. It takes a
    gateway for silent after 180 s."""
    backoff_s_max: Annotated[float, Field(ge=0.1, le=3600)] = BACKOFF_S_MAX
    receipt_timeout_s: Annotated[float, Field(ge=0.2, le=600)] = 10.0
    """Rows without a receipt after this long are sent again."""
    need_batches_max: Annotated[int, Field(ge=1, le=64)] = 4
    """Batches that may be under way without a receipt."""
    telemetry_batches_max: Annotated[int, Field(ge=1, le=64)] = 2
    telemetry_rows_max: Annotated[int, Field(ge=1, le=TELEMETRY_ROWS_MAX)] = 500
    drain_rows_per_s_max: Annotated[int, Field(ge=10, le=1_000_000)] = 20_000
    """How fast readings go up that waited for a connection. A full outbox of a million is gone in
    50 s so, and a fleet that comes back at once does not bury its cloud. Neither fresh readings nor
    need-moments are held back."""
    keepalive_s: Annotated[int, Field(ge=1, le=600)] = KEEPALIVE_S
    """Without a word from the broker for this long it is asked whether it is there; without an
    answer after half as long again, the connection is made anew."""


class NetworkTime(_Part):
    """Who is asked for the time when the cloud has not told it; only `doctor` asks."""

    host: Host
    """A time server that speaks SNTP, such as the home's router."""
    port: Port = 123


class Metrics(_Part):
    """Figures for Prometheus, at `/metrics`. Off unless this section is there."""

    port: Port | None = None
    """On 127.0.0.1 only: whoever is to read it from outside goes through a proxy that asks who is
    there."""
    socket: Path | None = None
    """A Unix socket instead, for the gateway's own account only; its path may have 107 bytes."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.port is None) == (self.socket is None):
            raise ValueError("give either a port or a socket")
        return self


class Settings(_Part):
    """Everything that can be set."""

    gateway_id: GatewayId
    household_id: HouseholdId
    data_dir: Path
    runtime_dir: Path | None = None
    """Where the status goes, which is written every few seconds: best a folder in memory, since it
    wears out a card. Unless it is given, the first of `$RUNTIME_DIRECTORY` and `/run/zodra` that
    can be written to, or else `data_dir`. `zodra-edge status` finds it in any case."""
    cloud: Cloud
    home_mqtt: HomeMqtt | None = None
    home_assistant: HomeAssistantOptions = HomeAssistantOptions()
    radio: Radio | None = None
    devices: Annotated[tuple[Device, ...], Field(max_length=DEVICES_MAX)] = ()
    frames: Frames = Frames()
    outbox: OutboxLimits = OutboxLimits()
    uplink: Uplink = Uplink()
    network_time: NetworkTime | None = None
    metrics: Metrics | None = None
    memory_bytes_max: Annotated[int, Field(ge=16 * 2**20, le=2**40)] = 192 * 2**20
    """What the agent may hold. Above it readings are refused and counted; presses never are."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if twice := rules.used_twice(self.devices):
            raise ValueError(f"devices: {twice} is used twice")
        if self.home_mqtt is None and any(device.topic for device in self.devices):
            raise ValueError("a device has a topic, but there is no [home_mqtt] section")
        if self.home_mqtt is None and self.home_assistant.enabled:
            raise ValueError("home_assistant is enabled, but there is no [home_mqtt] section")
        if self.radio is None and any(device.address for device in self.devices):
            raise ValueError("a device has an address, but there is no [radio] section")
        named = [adapter.name for adapter in self.radio.adapters] if self.radio else []
        for device in self.devices:
            if device.adapter not in (None, *named):
                raise ValueError(
                    f"devices: {device.device_id} has adapter {device.adapter}, which is none of "
                    f"[[radio.adapters]]: {', '.join(named) or 'none is named there'}"
                )
        return self

    def profiles(self) -> tuple[DeviceProfile, ...]:
        """Make the plain values that the pure rooms use."""
        return tuple(device.profile() for device in self.devices)


def changed_besides_devices(before: Settings, after: Settings) -> tuple[str, ...]:
    """Name the settings that differ, other than the devices."""
    return tuple(
        name
        for name in sorted(Settings.model_fields)
        if name != "devices" and getattr(before, name) != getattr(after, name)
    )


def load(path: Path) -> Settings:
    """Read the settings and the secrets they name.

    Raises:
        Unclaimed: nobody has said yet whose gateway this is.
        SettingsFault: a file cannot be read, or a value is not allowed; the message names it.
    """
    folder = path.resolve().parent
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        said = say("settings_unreadable", path=path, why=fault.strerror)
        raise SettingsFault.told(said) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsFault.told(say("settings_not_toml", path=path, why=fault)) from fault
    if raw.keys().isdisjoint(("gateway_id", "household_id", "cloud")):
        raise Unclaimed(path)
    take_secrets(raw, folder)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as fault:
        raise SettingsFault(f"{path}: {_sentence(fault)}") from fault
    changed: dict[str, Any] = {"data_dir": folder / settings.data_dir}
    runtime_dir = settings.runtime_dir
    changed["runtime_dir"] = folder / runtime_dir if runtime_dir else _runtime_dir()
    if settings.metrics is not None and settings.metrics.socket is not None:
        socket = folder / settings.metrics.socket
        changed["metrics"] = settings.metrics.model_copy(update={"socket": socket})
    return settings.model_copy(update=changed)


def _runtime_dir() -> Path | None:
    """Name the folder in memory that the system keeps for this service, if it does."""
    # systemd gives a list with colons where a unit asks for several folders.
    named = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    for place in (named, RUNTIME_DIR):
        if place and Path(place).is_dir() and os.access(place, os.W_OK):
            return Path(place)
    return None


_PLAINLY: Final = {
    "extra_forbidden": "there is no such setting",
    "missing": "must be given",
    "model_type": "must be a section of settings",
}
"""Where pydantic's words are those of a programmer."""


def _sentence(fault: ValidationError) -> str:
    lines = [
        f"{'.'.join(str(part) for part in error['loc']) or 'settings'}: "
        f"{_PLAINLY.get(error['type'], error['msg'])}"
        for error in fault.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "; ".join(lines[:5])
