"""Which press is this: the same press gets the same name from every gateway and after a restart.

With an encryption counter the device names its presses itself: strictly increasing, kept on disk,
no exceptions for low numbers (a captured frame with a counter below 100 is a replay like any
other). After a battery change, when a device counts from the start again, a person says so
(`zodra-edge device relearn`, or a raised `counter_epoch` in its settings): its next frame within a
bounded time sets the counter, once. Nobody can tell that frame from a recording, so its press only
asks.

Without a counter nothing is proven: a packet id or the event itself, within a window of time, is
told from its own repeats as well as it can be, and the press is marked as not authenticated.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from zodra_contract.ids import SignalId, press_id
from zodra_edge.decode.profile import DeviceProfile, Limits
from zodra_edge.decode.result import Decoded, Press
from zodra_edge.heard import Heard

RELEARN_S_MAX: Final = 3_600.0
"""A window in which a recording would be believed is not left open over night."""
_RECENT_MAX: Final = 16
"""Presses without counter that are remembered, one per button and event; oldest forgotten."""


class PressRefusal(StrEnum):
    """Why a frame is refused although it decodes."""

    REPLAY = "replay"
    """Its counter is below one already accepted: recorded earlier, and played back."""


class PressRepeat(StrEnum):
    """Why a frame or a press means nothing new."""

    REPEAT = "repeat"
    """The same frame again: a device sends each event several times."""
    BOUNCE = "bounce"
    """The same event again, too soon for a device that does not number its events."""
    FIRST_COUNT = "first_count"
    """The first that was heard of a count which its device tells again and again: nobody knows when
    it last went up."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The last time one kind of press was heard from a device without counter."""

    button: int
    event: str
    packet_id: int | None
    at: datetime
    monotonic_ms: int
    boot_id: str
    window: int
    """Number of the time window in its name; never used twice for the same kind of press."""
    twin: bool = False
    """Heard only in its other words so far."""


@dataclass(frozen=True, slots=True)
class Told:
    """The last name that a device gave to an event of one button, where its names begin again."""

    button: int
    event_id: str
    pressed: str = ""
    """The last of those names that was a press."""
    window: int = 0
    """Number of the time window in that press's name."""


@dataclass(frozen=True, slots=True)
class PressMemory:
    """What identification remembers about one device."""

    epoch: int = 0
    """The `counter_epoch` that `counter` belongs to."""
    counter: int | None = None
    """The highest that was accepted."""
    done: tuple[int, ...] = ()
    """Buttons whose press at that counter is kept. A frame with two presses may be kept in two
    steps, and what was not kept is taken up by the frame's next repeat."""
    packet: tuple[int, int, str] | None = None
    """Packet id, monotonic time and boot of the last frame that had one."""
    recent: tuple[Recent, ...] = ()
    """Oldest first."""
    told: tuple[Told, ...] = ()
    """One a button."""
    names: tuple[str, ...] = ()
    """The device's own names of its last events, where no name comes twice; oldest first."""
    learned: int = 0
    """How often the counter was learned anew within `epoch`; a part of each name, since the device
    gives its old numbers out again."""
    taught: int | None = None
    """The counter that was learned last; its press only asks."""
    relearn: tuple[int, str] | None = None
    """Until when, by the monotonic clock of which boot, the next frame sets the counter."""
    unproven: bool = False
    """The counter was lost with a damaged store, so nobody can tell a new frame from one recorded
    long ago. Presses then only ask, until a person has it learned anew. A recording of a press
    that reached the cloud has that press's own name, and so is no second one."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A press that was not there before."""

    signal_id: SignalId
    press: Press
    memory: PressMemory
    """To be stored with it: knows this press and those before it, and none after."""
    proven: bool = True
    """Whether its counter shows that it is no recording."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is new in one frame."""

    memory: PressMemory
    presses: tuple[Accepted, ...] = ()
    refused: PressRefusal | None = None
    ignored: tuple[PressRepeat, ...] = ()
    repeated: bool = False
    """The whole frame was heard before; its readings are not new either."""


def open_relearn(memory: PressMemory, now: Heard, within_s: float) -> PressMemory:
    """Let the next authenticated frame set the counter once, because a person says so.

    Args:
        memory: of the device.
        now: the window begins; it does not outlive this boot.
        within_s: how long it is open; at most `RELEARN_S_MAX`.
    """
    open_ms = int(min(max(0.0, within_s), RELEARN_S_MAX) * 1000)
    return replace(memory, relearn=(now.monotonic_ms + open_ms, now.boot_id))


def identify(
    memory: PressMemory, decoded: Decoded, heard: Heard, profile: DeviceProfile
) -> Verdict:
    """Tell new presses from repeats, bounces and replays.

    Args:
        memory: of this device; start with `PressMemory()`.
        decoded: what the frame said.
        heard: when it was heard.
        profile: of the device.
    """
    if decoded.counter is not None:
        return _by_counter(memory, decoded, decoded.counter, heard, profile)
    return _by_time(memory, decoded, heard, profile)


def _by_counter(
    memory: PressMemory, decoded: Decoded, counter: int, heard: Heard, profile: DeviceProfile
) -> Verdict:
    if profile.counter_epoch > memory.epoch:
        memory = PressMemory(epoch=profile.counter_epoch)
    if _learns(memory, decoded, counter, heard):
        memory = PressMemory(memory.epoch, learned=memory.learned + 1, taught=counter)
    if memory.counter is not None and counter < memory.counter:
        return Verdict(memory, refused=PressRefusal.REPLAY)
    if counter != memory.counter:
        again = _is_same_packet(memory, decoded, heard, profile.limits)
        memory = replace(
            memory,
            counter=counter,
            done=tuple(press.button for press in decoded.presses) if again else (),
            packet=_packet(decoded, heard),
            # It counts on from where it was, so there is nothing to learn.
            relearn=None,
        )
        if again:
            return Verdict(memory, ignored=(PressRepeat.REPEAT,), repeated=True)
        repeated = False
    else:
        repeated = True
    accepted: list[Accepted] = []
    for press in decoded.presses:
        if press.button in memory.done:
            continue
        memory = replace(memory, done=(*memory.done, press.button))
        proven = not memory.unproven and counter != memory.taught
        name = _counted(memory, counter)
        accepted.append(Accepted(_name(profile, name, press), press, memory, proven))
    ignored = (PressRepeat.REPEAT,) if repeated and not accepted else ()
    return Verdict(memory, tuple(accepted), ignored=ignored, repeated=repeated)


def _learns(memory: PressMemory, decoded: Decoded, counter: int, heard: Heard) -> bool:
    if memory.relearn is None or not decoded.authenticated:
        return False
    until_ms, boot_id = memory.relearn
    if heard.boot_id != boot_id or heard.monotonic_ms > until_ms:
        return False
    if memory.unproven:
        return counter != memory.counter
    return memory.counter is not None and counter < memory.counter


def _counted(memory: PressMemory, counter: int) -> str:
    epoch = f"{memory.epoch}.{memory.learned}" if memory.learned else str(memory.epoch)
    return f"enc-{epoch}-{counter}"


def _is_same_packet(memory: PressMemory, decoded: Decoded, heard: Heard, limits: Limits) -> bool:
    """Whether a frame is one of the same burst: some firmware encrypts each repeat anew."""
    if memory.packet is None or decoded.packet_id is None:
        return False
    packet_id, monotonic_ms, boot_id = memory.packet
    since_ms = heard.monotonic_ms - monotonic_ms
    return (
        packet_id == decoded.packet_id
        and boot_id == heard.boot_id
        and since_ms < limits.bounce_window_s * 1000
    )


def _packet(decoded: Decoded, heard: Heard) -> tuple[int, int, str] | None:
    if decoded.packet_id is None:
        return None
    return decoded.packet_id, heard.monotonic_ms, heard.boot_id


def _by_time(
    memory: PressMemory, decoded: Decoded, heard: Heard, profile: DeviceProfile
) -> Verdict:
    again = not decoded.presses and _is_same_packet(memory, decoded, heard, profile.limits)
    if decoded.packet_id is not None:
        memory = replace(memory, packet=_packet(decoded, heard))
    if again:
        return Verdict(memory, ignored=(PressRepeat.REPEAT,), repeated=True)
    for mark in decoded.marks:
        told = _told(memory, mark.button) or Told(mark.button, mark.event_id)
        memory = _tell(memory, replace(told, event_id=mark.event_id))
    accepted: list[Accepted] = []
    ignored: list[PressRepeat] = []
    for press in decoded.presses:
        if press.event_id is None:
            memory, name = _by_window(memory, press, heard, profile)
        elif press.restarts:
            memory, name = _by_change(memory, press, press.event_id, heard, profile)
        else:
            memory, name = _by_own_name(memory, press.event_id)
        if isinstance(name, PressRepeat):
            ignored.append(name)
        else:
            accepted.append(Accepted(_name(profile, name, press), press, memory))
    repeated = bool(ignored) and not accepted
    return Verdict(memory, tuple(accepted), ignored=tuple(ignored), repeated=repeated)


def _by_window(
    memory: PressMemory, press: Press, heard: Heard, profile: DeviceProfile
) -> tuple[PressMemory, str | PressRepeat]:
    """Name a press by its packet id, if it has one, and by the window of time that it fell in."""
    last = next(
        (r for r in memory.recent if r.button == press.button and r.event == press.event), None
    )
    numbered = press.packet_id is not None
    is_twin = last is not None and (press.twin or last.twin)
    window_s = profile.limits.bounce_window_s
    if numbered and not is_twin:
        window_s = profile.limits.repeat_window_s
    same = last is not None and (last.packet_id == press.packet_id or is_twin)
    if last is not None and same and _since_s(last, heard) < window_s:
        # Measured from when it was last heard: a long burst stays one press.
        packet_id = last.packet_id if press.packet_id is None else press.packet_id
        again = _recent(press, heard, last.window)
        # Its other words are taken once: the next press may follow as soon.
        again = replace(again, packet_id=packet_id, twin=False)
        return _remember(memory, again), PressRepeat.REPEAT if numbered else PressRepeat.BOUNCE
    if numbered:
        window_s = profile.limits.repeat_window_s
    window = int(heard.at.timestamp() // window_s)
    if last is not None:
        # A wall clock that was set back must not give a new press an old press's name.
        window = max(window, last.window + 1) if same else window
    name = f"at-{window}" if press.packet_id is None else f"pid-{press.packet_id}-{window}"
    return _remember(memory, _recent(press, heard, window)), name


def _by_change(
    memory: PressMemory, press: Press, event_id: str, heard: Heard, profile: DeviceProfile
) -> tuple[PressMemory, str | PressRepeat]:
    """Name a press by a count that changed, and by the window of time that it did so in.

    A device tells the same count again when it connects, however much later that is.
    """
    told = _told(memory, press.button)
    if told is None:
        return _tell(memory, Told(press.button, event_id)), PressRepeat.FIRST_COUNT
    if told.event_id == event_id:
        return memory, PressRepeat.REPEAT
    window = int(heard.at.timestamp() // profile.limits.repeat_window_s)
    if told.pressed == event_id:
        # Off and on again within the window, or a clock that was set back.
        window = max(window, told.window + 1)
    memory = _tell(memory, Told(press.button, event_id, event_id, window))
    return memory, f"cnt-{event_id}-{window}"


def _by_own_name(memory: PressMemory, event_id: str) -> tuple[PressMemory, str | PressRepeat]:
    """Name a press as its device does, which gives no name twice."""
    if event_id in memory.names:
        return memory, PressRepeat.REPEAT
    names = (*memory.names, event_id)[-_RECENT_MAX:]
    return replace(memory, names=names), f"own-{event_id}"


def _told(memory: PressMemory, button: int) -> Told | None:
    return next((told for told in memory.told if told.button == button), None)


def _tell(memory: PressMemory, latest: Told) -> PressMemory:
    others = tuple(told for told in memory.told if told.button != latest.button)
    return replace(memory, told=(*others, latest)[-_RECENT_MAX:])


def _recent(press: Press, heard: Heard, window: int) -> Recent:
    return Recent(
        button=press.button,
        event=press.event,
        packet_id=press.packet_id,
        at=heard.at,
        monotonic_ms=heard.monotonic_ms,
        boot_id=heard.boot_id,
        window=window,
        twin=press.twin,
    )


def _remember(memory: PressMemory, latest: Recent) -> PressMemory:
    others = tuple(r for r in memory.recent if (r.button, r.event) != (latest.button, latest.event))
    return replace(memory, recent=(*others, latest)[-_RECENT_MAX:])


def _since_s(last: Recent, heard: Heard) -> float:
    if last.boot_id == heard.boot_id:
        return (heard.monotonic_ms - last.monotonic_ms) / 1000
    return abs((heard.at - last.at).total_seconds())


def _name(profile: DeviceProfile, counter: str, press: Press) -> SignalId:
    return press_id(profile.device_id, counter, press.button, press.event)
