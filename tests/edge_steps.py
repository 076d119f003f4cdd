"""Runs frames through the core, and picks from its effects what a test looks at."""

from zodra_contract.reading import ReadingKind
from zodra_contract.signal import NeedSignal
from zodra_edge.core import (
    DeviceMemory,
    Effect,
    KeepReadings,
    KeepSignal,
    step,
)
from zodra_edge.decode.frame import Frame
from zodra_edge.decode.profile import DeviceProfile


def run(
    profile: DeviceProfile, *frames: Frame, memory: DeviceMemory | None = None
) -> tuple[DeviceMemory, list[Effect]]:
    """All effects of a row of frames; the memory passes through text between them."""
    now = memory or DeviceMemory()
    effects: list[Effect] = []
    for frame in frames:
        now, more = step(DeviceMemory.from_json(now.to_json()), frame, profile)
        effects += more
    return now, effects


def signals(effects: list[Effect]) -> list[NeedSignal]:
    return [effect.signal for effect in effects if isinstance(effect, KeepSignal)]


def readings(effects: list[Effect]) -> list[tuple[ReadingKind, float]]:
    return [
        (reading.kind, reading.value)
        for effect in effects
        if isinstance(effect, KeepReadings)
        for reading in effect.readings
    ]
