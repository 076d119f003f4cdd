"""Rules for a device of the home's broker as the settings write them; checked at the start."""

from collections.abc import Iterable
from typing import Annotated, Final, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode.mqtt.filters import has_wildcard, is_filter
from zodra_edge.decode.mqtt.generic import BadPath, read_path
from zodra_edge.decode.mqtt.reading.units import conversion, units_of
from zodra_edge.decode.mqtt.registry import KNOWN, known, recognise
from zodra_edge.decode.profile import Family
from zodra_edge.decode.spoken import (
    UNSAID,
    Availability,
    Dialect,
    Path,
    PressRule,
    ReadingRule,
    Spoken,
)

RULES_MAX: Final = 32
"""A device."""

Topic = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    source: Source
    """What the device calls it: for the generic dialect a JSON path, such as `$.weight.value`, or
    `$` for the whole; else the name that the dialect gives it, which docs/devices.md says."""
    topic: Topic | None = None
    """Where it is told, of several topics of a generic device; a filter."""

    @model_validator(mode="after")
    def _names_topics(self) -> Self:
        if self.topic is not None and not is_filter(self.topic):
            raise ValueError(f"topic {self.topic!r} is no MQTT topic filter")
        return self


class DeviceReading(_Rule):
    """Which word of a device is which reading."""

    kind: ReadingKind
    unit: str = ""
    """That the device uses; that of the kind if not given."""
    goes_up: bool | None = None
    """Whether it may leave the home. What tells about a person never does; anything else does if
    not said otherwise."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if conversion(self.kind, self.unit) is None:
            units = ", ".join(units_of(self.kind)) or "none"
            raise ValueError(f"unit {self.unit!r} cannot become {self.kind}; its units: {units}")
        if self.goes_up and self.kind in STAYS_HOME:
            raise ValueError(f"{self.kind} never leaves the home, so goes_up cannot be true")
        return self

    def rule(self, path: Path) -> ReadingRule:
        """Make the plain value that the pure rooms use."""
        factor, offset = conversion(self.kind, self.unit) or (1.0, 0.0)
        return ReadingRule(
            source=self.source,
            kind=self.kind,
            path=path,
            factor=factor,
            offset=offset,
            goes_up=self.goes_up is not False and self.kind not in STAYS_HOME,
            topic=self.topic,
        )


class DevicePress(_Rule):
    """Which word of a device is a press."""

    equals: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """The value that is a press, as text; `true` for a JSON true."""
    event: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,31}$")] = "press"
    button: Annotated[int, Field(ge=0, le=255)] = 0
    is_state: bool = False
    """It is told again while it lasts, or at each connection: only its begin is a press."""
    counter: Source | None = None
    """Where the device's own number of the event is, as a JSON path; it tells a new press from one
    told again better than time does."""


class DeviceAvailability(BaseModel):
    """Where and how a generic device says that it is there."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    topic: Annotated[str, StringConstraints(pattern=r"^[^+#\x00]{1,256}$")]
    online: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "online"
    offline: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "offline"


class _Device(Protocol):
    """A device as the settings have it."""

    @property
    def device_id(self) -> str: ...
    @property
    def family(self) -> Family: ...
    @property
    def address(self) -> str | None: ...
    @property
    def topic(self) -> str | None: ...
    @property
    def dialect(self) -> Dialect | None: ...
    @property
    def part(self) -> str | None: ...
    @property
    def readings(self) -> tuple[DeviceReading, ...]: ...
    @property
    def presses(self) -> tuple[DevicePress, ...]: ...
    @property
    def availability(self) -> DeviceAvailability | None: ...


def spoken_of(device: _Device) -> Spoken:
    """Make the plain value that the pure rooms use.

    Raises:
        ValueError: it does not add up; the message says what to change.
    """
    if device.topic is None:
        return UNSAID
    dialect = device.dialect or _recognised(device.topic, device.family)
    _check(device, device.topic, dialect)
    generic = dialect is Dialect.GENERIC
    there = device.availability
    return Spoken(
        dialect=dialect,
        part=device.part,
        readings=tuple(r.rule(_path(r.source, "readings", generic)) for r in device.readings),
        presses=tuple(_press(press, generic) for press in device.presses),
        availability=None if there is None else Availability(**there.model_dump()),
    )


def _recognised(topic: str, family: Family) -> Dialect:
    dialect = recognise(topic, family)
    if dialect is None:
        choices = ", ".join(k.dialect for k in KNOWN if family in k.families)
        raise ValueError(
            f"topic {topic!r} does not show how the device speaks; add dialect = one of {choices}"
        )
    return dialect


def _check(device: _Device, topic: str, dialect: Dialect) -> None:
    says = known(dialect)
    if device.family not in says.families:
        families = ", ".join(sorted(says.families))
        raise ValueError(f"{dialect} has no {device.family}; it has {families}")
    if device.family in says.needs_part and device.part is None:
        raise ValueError(f"a {device.family} that speaks {dialect} needs part, the name of it")
    if not is_filter(topic):
        raise ValueError(f"topic {topic!r} is no MQTT topic filter")
    if dialect is Dialect.GENERIC:
        if not device.readings and not device.presses:
            raise ValueError("a generic device needs [[devices.readings]] or presses")
    elif has_wildcard(topic) and dialect is not Dialect.THEENGS:
        raise ValueError(f"topic {topic!r}: only a generic device may have wildcards")
    elif device.availability is not None:
        raise ValueError(f"{dialect} has an availability of its own; leave availability out")
    if device.presses and device.family is not Family.BUTTON:
        raise ValueError(f"a {device.family} has no presses")


def _press(press: DevicePress, generic: bool) -> PressRule:
    counter = None if press.counter is None else _path(press.counter, "counter", True)
    return PressRule(
        source=press.source,
        equals=press.equals,
        path=_path(press.source, "presses", generic),
        event=press.event,
        button=press.button,
        is_state=press.is_state,
        counter=counter,
        topic=press.topic,
    )


def used_twice(devices: Iterable[_Device]) -> str:
    """Name what two devices of the settings share and must not; empty if there is nothing.

    Several may be behind one topic, each a part of its own.
    """
    seen: set[tuple[str, str, str | None]] = set()
    for device in devices:
        for name, value, part in (
            ("device_id", device.device_id, None),
            ("address", device.address, None),
            ("topic", device.topic, device.part),
        ):
            if value is not None and (name, value, part) in seen:
                return f"{name} {value}"
            seen.add((name, value or "", part))
    return ""


def _path(source: str, where: str, generic: bool) -> Path:
    if not generic:
        return ()
    try:
        return read_path(source)
    except BadPath as fault:
        raise ValueError(f"{where}: path {fault}") from fault
