"""The `[radio]` section: adapters, how they listen, and how long they may be silent."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ADAPTERS_MAX: Final = 4

BluetoothAddress = Annotated[
    str, StringConstraints(to_upper=True, pattern=r"^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$")
]
AdapterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,32}$")]
ScanningMode = Literal["auto", "active", "passive"]


class RadioAdapter(BaseModel):
    """One of several adapters."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    name: AdapterName
    """As BlueZ calls it, such as `hci0`."""
    scanning_mode: ScanningMode | None = None
    """Otherwise than `radio.scanning_mode`."""
    canary: BluetoothAddress | None = None
    """Otherwise than `radio.canary`."""
    options: dict[str, str] = Field(default_factory=dict, max_length=16)
    """Beside `radio.options`, for this adapter's own backend."""


class Radio(BaseModel):
    """The Bluetooth side."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    backend: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.]+:[A-Za-z0-9_]+$")] | None = (
        None
    )
    """`package.module:factory` of a bleak backend; BlueZ if not given."""
    options: dict[str, str] = Field(default_factory=dict, max_length=16)
    """Handed to the factory as they are."""
    adapters: Annotated[tuple[RadioAdapter, ...], Field(max_length=ADAPTERS_MAX)] = ()
    """The first that BlueZ has, unless some are named."""
    scanning_mode: ScanningMode = "auto"
    """`auto` chooses by what the devices send: passive if all of them encrypt, or else active
    (docs/radio.md)."""
    canary: BluetoothAddress | None = None
    """Address of a beacon that speaks all the time. With one, silence proves that the radio is
    deaf; without, a quiet home looks the same."""
    silence_s_max: Annotated[float, Field(ge=1, le=3600)] = 60.0
    """Without any advertisement for this long, the adapter's scan is started anew, and what else
    may help is tried. Promise 7 allows 120 s before a deaf radio must be noticed."""
    rung_s: Annotated[float, Field(ge=0.2, le=600)] = 15.0
    """How long each thing that was tried has to prove itself, before the next."""
    connections_max: Annotated[int, Field(ge=1, le=16)] = 5
    """At one time, on one adapter. Further devices wait, and take turns."""
    turn_s: Annotated[float, Field(ge=0.1, le=86_400)] = 60.0
    """How long a device stays connected at least while others wait for a connection."""
    gather_s: Annotated[float, Field(ge=0, le=10)] = 0.2
    """A reading that was heard over the radio waits this long for others, to go up in one message
    with them; 0 sends each at once. A need-moment never waits, nor does a reading from the home's
    broker. With fifty devices that have something new to say each second, their messages took most
    of the processor's time."""
    device_adverts_per_s_max: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """What one device sends beyond this, for longer than ten seconds' worth, is dropped."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        names = [adapter.name for adapter in self.adapters]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"adapters: {name} is named twice")
        return self
