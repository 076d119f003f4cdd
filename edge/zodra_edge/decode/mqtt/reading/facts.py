"""What one message says, collected: readings, presses, and the parts that cannot be read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.json_text import as_number
from zodra_edge.decode.mqtt.reading.moments import happened, observed_at
from zodra_edge.decode.mqtt.reading.units import conversion, is_yes_or_no, limits
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, Mark, Press, Undecodable
from zodra_edge.decode.spoken import PressRule, ReadingRule

WORD_BYTES_MAX: Final = 64
"""A payload that is one word or one number is no longer."""
EVENT_ID_MAX: Final = 48
"""A device's own name of an event is a part of the press's, and that is kept."""
_DETAIL_NAME_MAX: Final = 40

_YES: Final = frozenset({"on", "true", "yes", "1", "open", "opened", "detected", "wet", "occupied"})
_NO: Final = frozenset({"off", "false", "no", "0", "closed", "close", "clear", "dry", "unoccupied"})

_NURSERY: Final = {
    ReadingKind.ROOM_TEMPERATURE_C: ReadingKind.NURSERY_TEMPERATURE_C,
    ReadingKind.HUMIDITY_PERCENT: ReadingKind.NURSERY_HUMIDITY_PERCENT,
}
_OF_THE_WEARER: Final = {
    ReadingKind.ROOM_TEMPERATURE_C: ReadingKind.BODY_TEMPERATURE_C,
    ReadingKind.WEIGHT_KG: ReadingKind.BODY_WEIGHT_KG,
}
_NOT_THERE: Final = frozenset({"", "nan", "none", "null", "unknown", "unavailable", "n/a"})
"""What senders write for a value that they do not have."""

ACTIONS: Final = {
    "single": "press",
    "press": "press",
    "pressed": "press",
    "click": "press",
    "single_click": "press",
    "single_press": "press",
    "single_push": "press",
    "short_press": "press",
    "push": "press",
    "toggle": "press",
    "double": "double_press",
    "double_click": "double_press",
    "double_press": "double_press",
    "double_push": "double_press",
    "triple": "triple_press",
    "triple_click": "triple_press",
    "triple_press": "triple_press",
    "triple_push": "triple_press",
    "long": "long_press",
    "hold": "long_press",
    "long_click": "long_press",
    "long_press": "long_press",
    "long_push": "long_press",
}
"""What devices call what a person did, and what it is called here."""


def below(topic: str, base: str) -> str | None:
    """Say what of a topic is below another: empty for the topic itself, None if it is elsewhere."""
    if topic == base:
        return ""
    return topic[len(base) + 1 :] if topic.startswith(base + "/") else None


def read_word(payload: bytes) -> str | Undecodable:
    """Read a payload that is one word or number, without the space around it."""
    if len(payload) > WORD_BYTES_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(payload)} bytes, where a word belongs")
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        return Undecodable(DecodeRefusal.MALFORMED, "no text in UTF-8")


def read_online(
    frame: MqttMessage, profile: DeviceProfile, words: Mapping[str, bool]
) -> Decoded | Undecodable:
    """Read an availability message that is one word; the words in lower case."""
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    online = words.get(word.lower())
    if online is None:
        return Undecodable(DecodeRefusal.MALFORMED, "availability is neither online nor offline")
    return Decoded(profile.device_id, authenticated=True, online=online, retained=frame.retained)


def as_yes_or_no(value: object) -> float | None:
    """Read a yes or no: a JSON boolean, a word for it, 1 or 0."""
    if isinstance(value, bool):
        return float(value)
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word in _YES or word in _NO:
        return float(word in _YES)
    number = as_number(value, 0.0, 1.0)
    return number if number in (0.0, 1.0) else None


def as_text(value: object) -> str:
    """Write a JSON value as the settings would."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.strip() if isinstance(value, str) else str(value)


class Facts:
    """Collects what is found in one message."""

    def __init__(self, frame: MqttMessage, profile: DeviceProfile) -> None:
        """Begin with nothing."""
        self._frame = frame
        self._profile = profile
        self._values: dict[ReadingKind, float] = {}
        self._dated: dict[ReadingKind, datetime] = {}
        self._kept_home: set[ReadingKind] = set()
        self._presses: list[Press] = []
        self._marks: list[Mark] = []
        self.refused: list[Undecodable] = []

    def take(
        self,
        name: str,
        value: object,
        kind: ReadingKind | None,
        unit: str = "",
        scale: float = 1.0,
        *,
        happens: bool = True,
    ) -> None:
        """Take one value under the name that the device gives it.

        The settings' rules for this name go before what the dialect knows. The first value of a
        kind stays: a device with two thermometers is told apart by its settings.

        Args:
            name: as the settings would name it.
            value: of any type.
            kind: that the dialect takes it for; None if it knows none.
            unit: as the device writes it; empty for the kind's own.
            scale: what a number is multiplied with, where a dialect has a unit of its own.
            happens: false for a message that tells what is, and not what happened just now.
        """
        spoken = self._profile.spoken
        for press in spoken.presses:
            if press.source == name:
                self.press_by(press, value, happens=happens)
        rule = spoken.rule(name)
        if rule is not None:
            self.take_by(rule, value)
            return
        if kind is None or value is None:
            return
        kind = _for_family(kind, self._profile.family)
        if kind in self._values:
            return
        by = conversion(kind, unit)
        if by is None:
            self.refuse(DecodeRefusal.UNREADABLE_FIELD, f"{_short(name)} has an unknown unit")
            return
        self._put(name, value, kind, by[0] * scale, by[1])

    def take_by(self, rule: ReadingRule, value: object) -> None:
        """Take one value by a rule of the settings."""
        if value is None or rule.kind in self._values:
            return
        if not rule.goes_up:
            self._kept_home.add(rule.kind)
        self._put(rule.source, value, rule.kind, rule.factor, rule.offset)

    def press_by(
        self, rule: PressRule, value: object, counted: object = None, *, happens: bool = True
    ) -> None:
        """Take a press by a rule of the settings.

        Args:
            rule: as the settings say.
            value: that the device sent; None if it sent none.
            counted: the device's own number of the event, if the rule names one.
            happens: false where only the state of a count or of a switch is told.
        """
        if value is None:
            return
        word = as_text(value)
        event_id = as_text(counted) if counted is not None else word if rule.is_state else None
        if event_id is not None and len(event_id) > EVENT_ID_MAX:
            self.refuse(DecodeRefusal.UNREADABLE_FIELD, f"{_short(rule.source)} is too long")
        elif word == rule.equals and happens:
            self.press(
                Press(rule.button, rule.event, None, None, event_id, restarts=event_id is not None)
            )
        elif event_id is not None:
            self.mark(rule.button, event_id)

    def date(self, kind: ReadingKind, at: datetime) -> None:
        """Say when a value was, if not when the message was."""
        self._dated[kind] = at

    def _put(
        self, name: str, value: object, kind: ReadingKind, factor: float, offset: float
    ) -> None:
        if isinstance(value, str):
            value = value.strip()
            if value.lower() in _NOT_THERE:
                return
        lowest, highest = limits(kind)
        if is_yes_or_no(kind):
            number = as_yes_or_no(value)
        else:
            number = as_number(value, -1e12, 1e12)
            if number is not None:
                number = round(number * factor + offset, 6)
        if number is None or not lowest <= number <= highest:
            self.refuse(
                DecodeRefusal.UNREADABLE_FIELD,
                f"{_short(name)} is no {kind} from {lowest:g} to {highest:g}",
            )
            return
        self._values[kind] = number

    def has(self, kind: ReadingKind) -> bool:
        """Whether a value of this kind was taken."""
        return _for_family(kind, self._profile.family) in self._values

    def press(self, press: Press) -> None:
        """Take a press; another family than a button has none."""
        if self._profile.family is Family.BUTTON:
            self._presses.append(press)

    def mark(self, button: int, event_id: str) -> None:
        """Note where a button's count stands."""
        if self._profile.family is Family.BUTTON:
            self._marks.append(Mark(button, event_id))

    def unknown_action(self) -> None:
        """Refuse an action; another family than a button has none."""
        if self._profile.family is Family.BUTTON:
            self.refuse(DecodeRefusal.UNKNOWN_ACTION, "action is a word that no table knows")

    def refuse(self, reason: DecodeRefusal, detail: str) -> None:
        """Refuse one part of the message."""
        self.refused.append(Undecodable(reason, detail))

    def decoded(
        self,
        said_at: datetime | None = None,
        *,
        authenticated: bool = True,
        online: bool | None = None,
    ) -> Decoded | Undecodable:
        """Say what was found.

        A retained action is none, but the count in it tells later ones from it.

        Args:
            said_at: when the device says that it was.
            authenticated: whether the device proved itself; one that a gateway relays from an open
                broadcast did not.
            online: what the message says about that.
        """
        presses, marks = tuple(self._presses), tuple(self._marks)
        if presses and self._frame.retained:
            self.refuse(DecodeRefusal.RETAINED_ACTION, "an action the broker had kept")
            marks += tuple(
                Mark(press.button, press.event_id)
                for press in presses
                if press.restarts and press.event_id is not None
            )
            presses = ()
        if len(self.refused) == 1 and not (self._values or presses or marks or online is not None):
            return self.refused[0]
        found = self._values or presses or marks or self.refused or online is not None
        at = observed_at(said_at, self._frame)
        return Decoded(
            device_id=self._profile.device_id,
            readings=tuple(
                Reading(
                    device_id=self._profile.device_id,
                    kind=kind,
                    value=value,
                    observed_at=self._dated.get(kind, at),
                )
                for kind, value in self._values.items()
            ),
            presses=presses,
            authenticated=authenticated,
            packet_id=next((p.packet_id for p in presses if p.packet_id is not None), None),
            online=online,
            retained=self._frame.retained,
            happened=happened(
                said_at, self._frame, told_again=any(press.restarts for press in presses)
            )
            if presses
            else None,
            refused=tuple(self.refused),
            marks=marks,
            kept_home=frozenset(self._kept_home),
            # Of several behind one topic, who says nothing of itself may be another.
            spoke=bool(found) or self._profile.spoken.part is None,
        )


def _for_family(kind: ReadingKind, family: Family) -> ReadingKind:
    if family is Family.BABY_MONITOR:
        return _NURSERY.get(kind, kind)
    if family is Family.WEARABLE:
        return _OF_THE_WEARER.get(kind, kind)
    return kind


def _short(name: str) -> str:
    """Name a field in a refusal; a sender chooses its names, and may put anything in one."""
    return name if len(name) <= _DETAIL_NAME_MAX and name.isprintable() else "a field"
