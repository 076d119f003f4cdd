"""Homie 5: one topic a property, below `homie/5/<device>`; `$description` says what each one is.

The convention: github.com/homieiot/convention. A property that is not retained is an event, such
as a bell; one that is retained is a state, told again at each connection.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import ACTIONS, Facts, below, read_online, read_word
from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.mqtt.reading.names import kind_of
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Press, Undecodable

DESCRIPTION: Final = "$description"
PROPERTIES_MAX: Final = 256

_STATES: Final = {
    "ready": True,
    "sleeping": True,
    "alert": True,
    "disconnected": False,
    "lost": False,
}
_INIT: Final = "init"
_UNITLESS: Final = frozenset({"", "#"})


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    device = profile.topic or ""
    return (f"{device}/$state", f"{device}/{DESCRIPTION}", f"{device}/+/+")


def describe(payload: bytes) -> Mapping[str, Mapping[str, str]] | Undecodable:
    """Read a description.

    Returns:
        By `node/property`: its `unit`, `datatype` and whether it is `retained`, as text.
    """
    body = read_object(payload)
    if isinstance(body, Undecodable):
        return body
    described: dict[str, Mapping[str, str]] = {}
    for node_id, node in _members(body.get("nodes")):
        for property_id, said in _members(node.get("properties")):
            if len(described) >= PROPERTIES_MAX:
                return Undecodable(
                    DecodeRefusal.OVERSIZED, f"more than {PROPERTIES_MAX} properties described"
                )
            described[f"{node_id}/{property_id}"] = {
                "unit": str(said.get("unit", ""))[:16],
                "datatype": str(said.get("datatype", ""))[:16],
                "retained": "false" if said.get("retained") is False else "true",
            }
    return described


def _members(part: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Go through members by name; drafts of the convention had a list, with `id` in each."""
    if isinstance(part, dict):
        yield from ((name, said) for name, said in part.items() if isinstance(said, dict))
    elif isinstance(part, list):
        for said in part:
            if isinstance(said, dict) and isinstance(said.get("id"), str):
                yield said["id"], said


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message; `frame.context` has what was described of its property."""
    rest = below(frame.topic, profile.topic or "")
    if rest is None:
        return FROM_ANOTHER
    if rest == "$state":
        if frame.payload.strip() == _INIT.encode():
            return Decoded(profile.device_id)
        return read_online(frame, profile, _STATES)
    if rest == DESCRIPTION:
        described = describe(frame.payload)
        return described if isinstance(described, Undecodable) else Decoded(profile.device_id)
    if rest.count("/") != 1 or "$" in rest:
        return Decoded(profile.device_id, spoke=False)
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    facts = Facts(frame, profile)
    if profile.family is Family.BUTTON and profile.spoken.part in (None, rest):
        _press(facts, word, frame.context)
    unit = frame.context.get("unit", "")
    facts.take(rest, word, kind_of(rest), "" if unit in _UNITLESS else unit)
    return facts.decoded()


def _press(facts: Facts, word: str, described: Mapping[str, str]) -> None:
    action = ACTIONS.get(word.lower())
    if described.get("retained") == "true":
        if action is not None:
            facts.press(Press(0, action, None, None, word, restarts=True))
        elif described.get("datatype") == "enum":
            facts.mark(0, word[:16])
    elif action is not None:
        facts.press(Press(0, action, None, None))
