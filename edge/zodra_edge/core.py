"""The agent's decision about one frame: memory and frame in, new memory and effects out.

The shell executes the effects in the order given. Memory and signals belong to one transaction:
if that fails, the shell keeps the memory it had, so that a repeat of the frame is judged afresh.
"""

from dataclasses import dataclass

from zodra_contract.reading import Reading
from zodra_contract.signal import NeedSignal
from zodra_edge.decode.frame import Frame
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.heard import Heard


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """All that is remembered about one device between frames."""

    def to_json(self) -> str:
        """Write the memory as text for the store."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, text: str) -> "DeviceMemory":
        """Read what `to_json` wrote, by this or an older build."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class KeepSignal:
    """Commit this signal with full sync, in one transaction with the new memory."""

    signal: NeedSignal


@dataclass(frozen=True, slots=True)
class KeepReadings:
    """Put these readings, which may leave the home, in the telemetry outbox."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Remember:
    """Commit the new memory now although no signal opened; without it, within seconds will do."""


@dataclass(frozen=True, slots=True)
class StayedHome:
    """This many readings were used and kept in; only the count is told."""

    count: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Count a refusal."""

    reason: str
    """A `DecodeRefusal` or a `PressRefusal`."""
    detail: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Count something expected that means nothing new, such as a repeat."""

    reason: str
    """A `PressRepeat`."""


@dataclass(frozen=True, slots=True)
class NoteDevice:
    """Show on the status page that the device was heard."""

    device_id: str
    heard: Heard
    battery_percent: float | None
    rssi_dbm: int | None
    online: bool | None
    """What an availability message said; None for any other frame."""


Effect = KeepSignal | KeepReadings | Remember | StayedHome | Refuse | Ignore | NoteDevice


def step(
    memory: DeviceMemory, frame: Frame, profile: DeviceProfile
) -> tuple[DeviceMemory, tuple[Effect, ...]]:
    """Decide what one frame of a known device means.

    Args:
        memory: of this device; start with `DeviceMemory()`.
        frame: as heard.
        profile: of the device that `Roster.find` named for the frame.

    Returns:
        The new memory, to be handed in with the device's next frame, and what to do.
    """
    raise NotImplementedError
