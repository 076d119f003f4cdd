"""What decoding can answer. A refusal is a value: no bytes from a home raise anything."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.heard import Heard


class DecodeRefusal(StrEnum):
    """Why a frame says nothing, in order of precedence."""

    UNKNOWN_DEVICE = "unknown_device"
    """The frame is not from the device whose profile was given."""
    OVERSIZED = "oversized"
    UNKNOWN_FORMAT = "unknown_format"
    """Well formed perhaps, but in no format that a device of this family speaks."""
    NOT_RECOGNISED = "not_recognised"
    """No parser knows a device that advertises this."""
    PARSER_FAILED = "parser_failed"
    """A library or a package that reads such devices raised, or answered nonsense."""
    PLAIN_TEXT_REFUSED = "plain_text_refused"
    """A device with a bind key was heard in the clear: spoofed, or reset to factory settings."""
    BIND_KEY_MISSING = "bind_key_missing"
    """Encrypted, and no bind key is configured."""
    WRONG_BIND_KEY = "wrong_bind_key"
    """Decryption failed: another key, or a frame changed on its way."""
    NOT_JSON = "not_json"
    MALFORMED = "malformed"
    RETAINED_ACTION = "retained_action"
    """An action from before the subscription, replayed by the broker: never acted on."""
    UNKNOWN_ACTION = "unknown_action"
    """A button did something that no table knows: no press that is counted, nor the end of one.
    The rest of its message was read."""
    UNREADABLE_FIELD = "unreadable_field"
    """One field of a message is of another type, or beyond its range. The rest was read."""


@dataclass(frozen=True, slots=True)
class Press:
    """One button event inside a frame. Whether it is a new one is for `identify` to say."""

    button: int
    """Index on the device, from 0."""
    event: str
    """What the device said, such as `press` or `long_press`."""
    counter: str | None
    """The device's own encryption counter in decimal; None if it has none."""
    packet_id: int | None
    """A number that repeats of one event share, and the next has not; None if the device sends
    none."""
    event_id: str | None = None
    """What the device itself calls this event, each time that it tells of it; None if it has no
    such name."""
    restarts: bool = False
    """Its names begin again some day, such as a count since it was switched on: only a change of
    the name is an event."""
    twin: bool = False
    """Told a second time in other words, beside a message that tells the same."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the names of a button's events stand, said without that anything happened."""

    button: int
    event_id: str


class DiaperEvent(StrEnum):
    """What a baby monitor can say about its diapers."""

    CHANGE = "change"
    REFILL = "refill"


@dataclass(frozen=True, slots=True)
class DiaperNote:
    """One diaper event. It stays home; only the count that follows from it may leave."""

    event_id: str
    event: DiaperEvent
    units: int
    """How many were used or added."""
    remaining: int | None = None
    """What the monitor itself counts to be left after the event, if it says so."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why one frame, or one part of it, says nothing."""

    reason: DecodeRefusal
    detail: str
    """For a person, without a byte of the payload."""


FROM_ANOTHER: Final = Undecodable(
    DecodeRefusal.UNKNOWN_DEVICE, "from another device than the profile's"
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one frame says."""

    device_id: str
    readings: tuple[Reading, ...] = ()
    presses: tuple[Press, ...] = ()
    authenticated: bool = False
    """The device proved itself by encryption or by its account on the home's broker."""
    counter: int | None = None
    """The frame's encryption counter, also when nothing in it is a press."""
    packet_id: int | None = None
    """The frame's packet id, likewise."""
    diaper: DiaperNote | None = None
    online: bool | None = None
    """What an availability message said; None for any other frame."""
    retained: bool = False
    """State from before the subscription: true once, but says nothing about time passing."""
    happened: Heard | None = None
    """When the presses were, and how surely, if that is another moment than when they were
    heard."""
    refused: tuple[Undecodable, ...] = ()
    """Parts of the frame that say nothing, while the rest was read."""
    marks: tuple[Mark, ...] = ()
    """Where counts stand from which a press is told by their change."""
    kept_home: frozenset[ReadingKind] = frozenset()
    """Kinds that could leave the home, and that the settings keep there."""
    spoke: bool = True
    """Whether the device itself was heard. False for what another behind the same topic says, and
    for requests to it."""
