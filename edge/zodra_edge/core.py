"""The agent's decision about one frame: memory and frame in, new memory and effects out.

The shell executes the effects in the order given. A signal and the memory it carries belong to one
transaction. If that fails, the shell goes on with the memory it last committed instead of the one
returned, so that the frame's next repeat is judged afresh.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge.decode import decode
from zodra_edge.decode.frame import BleAdvert, Frame
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, DiaperNote, Press, Undecodable
from zodra_edge.detect import level, runtime, supply, worn
from zodra_edge.detect.elapsed import Elapsed
from zodra_edge.detect.supply import Supply
from zodra_edge.heard import Heard
from zodra_edge.identify import Accepted, PressMemory, PressRefusal, PressRepeat, identify

_TENTH_OF_AN_HOUR_S: Final = 360.0
"""How often the hours worn are reported: a strap reports contact every second."""


class FrameRepeat(StrEnum):
    """Why a frame means nothing new, beside the reasons of `PressRepeat`."""

    RETAINED = "retained"
    """The broker's memory of a state that was read already."""
    COUNTED = "counted"
    """A diaper event that was counted before."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """All that is remembered about one device between frames."""

    press: PressMemory = field(default_factory=PressMemory)
    supply: Supply = field(default_factory=Supply)
    heating: Elapsed = field(default_factory=Elapsed)
    worn: Elapsed = field(default_factory=Elapsed)
    state_boot_id: str = ""
    """The boot in which a state was last read; a retained state counts once a boot."""

    def to_json(self) -> str:
        """Write the memory as text for the store."""
        return _MEMORY.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "DeviceMemory":
        """Read what `to_json` wrote, by this build or another.

        Raises:
            ValueError: the text is damaged. The device must not simply start anew: without its
                counter, old frames would pass for presses.
        """
        return _MEMORY.validate_json(text)


_MEMORY: Final = TypeAdapter(DeviceMemory)


@dataclass(frozen=True, slots=True)
class KeepSignal:
    """Commit this signal with full sync, in one transaction with this memory."""

    signal: NeedSignal
    memory: DeviceMemory
    """Knows this signal and those before it in the step, and none after: a frame with several
    presses stays safe if only some of them could be kept."""


@dataclass(frozen=True, slots=True)
class KeepReadings:
    """Put these readings, which may leave the home, in the telemetry outbox."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Remember:
    """Commit the returned memory now although no signal opened; else within seconds will do."""


@dataclass(frozen=True, slots=True)
class StayedHome:
    """This many readings were used and kept in; only the count is told outside the home."""

    count: int
    readings: tuple[Reading, ...] = field(default=(), compare=False, repr=False)
    """For the home's own screens, if the household wants them there."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Show this need of a device in practice; it is neither kept nor sent."""

    signal: NeedSignal


@dataclass(frozen=True, slots=True)
class Refuse:
    """Count a refusal."""

    reason: DecodeRefusal | PressRefusal
    detail: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Count something expected that means nothing new, such as a repeat."""

    reason: PressRepeat | FrameRepeat


@dataclass(frozen=True, slots=True)
class NoteDevice:
    """Show on the status page that the device was heard."""

    device_id: str
    heard: Heard
    battery_percent: float | None
    rssi_dbm: int | None
    online: bool | None
    """What an availability message said; None for any other frame."""


Effect = (
    KeepSignal | KeepReadings | Remember | StayedHome | Rehearsed | Refuse | Ignore | NoteDevice
)


@dataclass(slots=True)
class _Step:
    """What has been decided so far about one frame."""

    memory: DeviceMemory
    effects: list[Effect] = field(default_factory=list)
    derived: list[Reading] = field(default_factory=list)

    def keep(self, signal: NeedSignal | None) -> None:
        if signal is not None:
            self.effects.append(KeepSignal(signal, self.memory))


def step(
    memory: DeviceMemory, frame: Frame, profile: DeviceProfile
) -> tuple[DeviceMemory, tuple[Effect, ...]]:
    """Decide what one frame of a known device means.

    Args:
        memory: of this device; start with `DeviceMemory()`.
        frame: as heard.
        profile: of the device that the frame is taken to be from.

    Returns:
        The new memory, to be handed in with the device's next frame, and what to do.
    """
    decoded = decode(frame, profile)
    if isinstance(decoded, Undecodable):
        return memory, (Refuse(decoded.reason, decoded.detail),)
    verdict = identify(memory.press, decoded, frame.heard, profile)
    if verdict.refused is not None:
        return memory, (Refuse(verdict.refused, "its counter is below one accepted before"),)
    # Most frames are repeats that change nothing: their memory is the same one, and stays clean.
    is_same = verdict.memory is memory.press
    now = _Step(memory if is_same else replace(memory, press=verdict.memory))
    for accepted in verdict.presses:
        # Told from repeats by when they came, and dated by when they were.
        signal = _press_signal(accepted, decoded, decoded.happened or frame.heard, profile)
        now.effects.append(KeepSignal(signal, replace(memory, press=accepted.memory)))
    now.effects.extend(Ignore(reason) for reason in verdict.ignored)
    now.effects.extend(Refuse(part.reason, part.detail) for part in decoded.refused)
    if not verdict.repeated:
        _read(now, decoded, frame.heard, profile)
    if decoded.spoke:
        now.effects.append(_note(decoded, frame, profile))
    if profile.practice:
        return _rehearse(memory, now)
    return now.memory, tuple(now.effects)


def _rehearse(before: DeviceMemory, now: _Step) -> tuple[DeviceMemory, tuple[Effect, ...]]:
    """Turn what a device in practice would have caused into something to look at.

    Its presses are remembered, so that a recording of one is no press once it is armed; what adds
    up to a need begins with the arming.
    """
    effects: list[Effect] = []
    for effect in now.effects:
        match effect:
            case KeepSignal(signal):
                effects.extend((Rehearsed(signal), Remember()))
            case KeepReadings():
                continue
            case _:
                effects.append(effect)
    return replace(before, press=now.memory.press), tuple(effects)


def slot_of(profile: DeviceProfile, button: int) -> str:
    """Name the slot of one button.

    The first button has the profile's slot. Further ones count on from it, so a device with four
    buttons whose slot is `button-1` also has `button-2` to `button-4`.
    """
    if button == 0:
        return profile.slot_key
    stem, dash, last = profile.slot_key.rpartition("-")
    if dash and last.isascii() and last.isdigit():
        return f"{stem}-{int(last) + button}"
    return f"{profile.slot_key}-{button + 1}"


def _press_signal(
    accepted: Accepted, decoded: Decoded, happened: Heard, profile: DeviceProfile
) -> NeedSignal:
    press = accepted.press
    return NeedSignal(
        signal_id=accepted.signal_id,
        device_id=profile.device_id,
        slot_key=slot_of(profile, press.button),
        kind=SignalKind.PRESS,
        occurred_at=happened.at,
        time=happened.note(),
        evidence=_press_evidence(press),
        authenticated=decoded.authenticated and accepted.proven,
    )


def _press_evidence(press: Press) -> dict[str, int | float | str]:
    evidence: dict[str, int | float | str] = {"event": press.event, "button": press.button}
    if press.counter is not None:
        evidence["counter"] = press.counter
    if press.packet_id is not None:
        evidence["packet_id"] = press.packet_id
    return evidence


def _read(now: _Step, decoded: Decoded, heard: Heard, profile: DeviceProfile) -> None:
    """Use the readings of a frame that is new."""
    if decoded.retained and decoded.readings and now.memory.state_boot_id == heard.boot_id:
        now.effects.append(Ignore(FrameRepeat.RETAINED))
        return
    if decoded.readings and now.memory.state_boot_id != heard.boot_id:
        now.memory = replace(now.memory, state_boot_id=heard.boot_id)
    if decoded.diaper is not None and not _count(now, decoded.diaper, heard, profile):
        now.effects.append(Ignore(FrameRepeat.COUNTED))
        return
    if not decoded.retained:
        _add_time(now, decoded, heard, profile)
    if profile.family is Family.SENSOR:
        _weigh(now, decoded, heard, profile)
    leaving = tuple(r for r in decoded.readings if not _stays_home(r, decoded))
    if leaving or now.derived:
        now.effects.append(KeepReadings((*leaving, *now.derived)))
    if staying := tuple(r for r in decoded.readings if _stays_home(r, decoded)):
        now.effects.append(StayedHome(len(staying), staying))


def _stays_home(reading: Reading, decoded: Decoded) -> bool:
    """Whether a reading may not leave: by what it is, or by the settings."""
    return reading.stays_home or reading.kind in decoded.kept_home


def _count(now: _Step, note: DiaperNote, heard: Heard, profile: DeviceProfile) -> bool:
    """Count one diaper event; False if it was counted before."""
    before = now.memory.supply
    after, signal = supply.detect(before, note, heard, profile)
    if after is before:
        return False
    now.memory = replace(now.memory, supply=after)
    now.keep(signal)
    if signal is None:
        # The monitor will not say it again once its message is acknowledged.
        now.effects.append(Remember())
    left = after.remaining or 0
    now.derived.append(_derived(ReadingKind.REMAINING_UNITS, left, heard, profile))
    return True


def _weigh(now: _Step, decoded: Decoded, heard: Heard, profile: DeviceProfile) -> None:
    for reading in decoded.readings:
        # What a household keeps at home is not told in another unit either.
        if reading.kind is ReadingKind.WEIGHT_KG and not _stays_home(reading, decoded):
            left = level.remaining_units(reading.value, profile.limits)
            if left is not None:
                now.derived.append(_derived(ReadingKind.REMAINING_UNITS, left, heard, profile))


def _add_time(now: _Step, decoded: Decoded, heard: Heard, profile: DeviceProfile) -> None:
    """Let a report of heating or of skin contact move its running total on."""
    said = {reading.kind: reading.value for reading in decoded.readings}
    if profile.family is Family.THERMOSTAT and ReadingKind.HEATING_ON in said:
        heating = said[ReadingKind.HEATING_ON] > 0
        total, signal = runtime.detect(now.memory.heating, heating, heard, profile)
        now.memory = replace(now.memory, heating=total)
        now.keep(signal)
    elif profile.family is Family.WEARABLE and ReadingKind.HEART_RATE_BPM in said:
        # A sensor without a contact bit measures a pulse only on somebody.
        pulse = said[ReadingKind.HEART_RATE_BPM]
        is_worn = said.get(ReadingKind.SKIN_CONTACT, pulse) > 0
        before = now.memory.worn
        total, signal = worn.detect(before, is_worn, heard, profile, decoded.authenticated)
        now.memory = replace(now.memory, worn=total)
        now.keep(signal)
        if total.total_s // _TENTH_OF_AN_HOUR_S != before.total_s // _TENTH_OF_AN_HOUR_S:
            hours = round(total.total_s / 3600, 1)
            now.derived.append(_derived(ReadingKind.WORN_HOURS, hours, heard, profile))


def _derived(kind: ReadingKind, value: float, heard: Heard, profile: DeviceProfile) -> Reading:
    return Reading(device_id=profile.device_id, kind=kind, value=value, observed_at=heard.at)


def _note(decoded: Decoded, frame: Frame, profile: DeviceProfile) -> NoteDevice:
    battery = next(
        (r.value for r in decoded.readings if r.kind is ReadingKind.BATTERY_PERCENT), None
    )
    return NoteDevice(
        device_id=profile.device_id,
        heard=frame.heard,
        battery_percent=battery,
        rssi_dbm=frame.rssi_dbm if isinstance(frame, BleAdvert) else None,
        online=decoded.online,
    )
