"""Low stock: diapers counted down from the pack, change by change."""

from dataclasses import dataclass, replace
from typing import Final

from zodra_contract.ids import derived_id
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import DiaperEvent, DiaperNote
from zodra_edge.heard import Heard

_SEEN_MAX: Final = 64
"""Events remembered to count each once; a monitor resends the last few, not the last day's."""
_REMAINING_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Supply:
    """What is remembered about one slot that is counted down."""

    remaining: int | None = None
    """None until the first event: then one full pack is taken to be there."""
    armed: bool = True
    """False from a raised signal until a refill lifts the slot above its reorder level."""
    seen: tuple[str, ...] = ()
    """Ids of the last events, oldest first."""


def detect(
    state: Supply, note: DiaperNote, heard: Heard, profile: DeviceProfile
) -> tuple[Supply, NeedSignal | None]:
    """Count one event, and say if it brought the slot down to its reorder level.

    An event heard before changes nothing. Below the level the slot stays quiet until it is
    refilled, however many changes follow.

    Args:
        state: of the slot; start with `Supply()`.
        note: a change or a refill.
        heard: when it was heard.
        profile: of the monitor, with `pack_units` and `reorder_units`.
    """
    if note.event_id in state.seen:
        return state, None
    limits = profile.limits
    before = limits.pack_units if state.remaining is None else state.remaining
    change = note.units if note.event is DiaperEvent.REFILL else -note.units
    # The monitor's own count also knows of the events that never arrived: a broker may lose what
    # it sent to a gateway that died before it was read (seen with amqtt).
    counted = before + change if note.remaining is None else note.remaining
    remaining = min(max(counted, 0), _REMAINING_MAX)
    state = replace(state, remaining=remaining, seen=(*state.seen, note.event_id)[-_SEEN_MAX:])
    if note.event is DiaperEvent.REFILL:
        return replace(state, armed=state.armed or remaining > limits.reorder_units), None
    if not state.armed or remaining > limits.reorder_units:
        return state, None
    signal = NeedSignal(
        # Named after the event that crossed the level: a gateway that lost its memory, or a
        # second one, must neither repeat an old name nor invent another.
        signal_id=derived_id("l", profile.device_id, profile.slot_key, note.event_id),
        device_id=profile.device_id,
        slot_key=profile.slot_key,
        kind=SignalKind.LOW_STOCK,
        occurred_at=heard.at,
        time=heard.note(),
        evidence={
            "remaining_units": remaining,
            "reorder_units": limits.reorder_units,
            "pack_units": limits.pack_units,
        },
        authenticated=True,
    )
    return replace(state, armed=False), signal
