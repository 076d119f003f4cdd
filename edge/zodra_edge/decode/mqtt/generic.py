"""Anything else that speaks over MQTT, by rules in the settings: where, what, in which unit.

A payload is JSON, or one word or number as text.
"""

import json
import re
from typing import Final

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.filters import matches
from zodra_edge.decode.mqtt.reading.facts import Facts, read_online
from zodra_edge.decode.mqtt.reading.json_text import PAYLOAD_BYTES_MAX, read_object
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Undecodable
from zodra_edge.decode.spoken import Path

TEXT_BYTES_MAX: Final = 256
PATH_STEPS_MAX: Final = 16

_STEP: Final = re.compile(
    r"""\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<index>[0-9]{1,4})\]|\[(?P<q>['"])(?P<key>[^'"]+)(?P=q)\]"""
)


class BadPath(ValueError):
    """A path of the settings says nothing; the message says where it goes wrong."""


def read_path(text: str) -> Path:
    """Read a JSON path: `$`, `$.weight.value`, `$.sensors[0]['room temperature']`.

    Raises:
        BadPath: it is none, or uses what is not supported.
    """
    if not text.startswith("$"):
        raise BadPath(f"{text!r} must begin with $, such as $.temperature")
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise BadPath(
                f"{text!r} cannot be read from character {at + 1}: {text[at : at + 12]!r}; "
                "write .name, [0] or ['a name']"
            )
        steps.append(int(match["index"]) if match["index"] else match["name"] or match["key"])
        at = match.end()
    if len(steps) > PATH_STEPS_MAX:
        raise BadPath(f"{text!r} has more than {PATH_STEPS_MAX} steps")
    return tuple(steps)


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    spoken = profile.spoken
    said = [profile.topic, *(rule.topic for rule in spoken.readings)]
    said += [rule.topic for rule in spoken.presses]
    if spoken.availability is not None:
        said.append(spoken.availability.topic)
    return tuple(dict.fromkeys(topic for topic in said if topic))


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message by the rules that its topic has."""
    spoken = profile.spoken
    if spoken.availability is not None and frame.topic == spoken.availability.topic:
        there = spoken.availability
        words = {there.online.lower(): True, there.offline.lower(): False}
        return read_online(frame, profile, words)
    readings = [r for r in spoken.readings if matches(r.topic or profile.topic or "", frame.topic)]
    presses = [r for r in spoken.presses if matches(r.topic or profile.topic or "", frame.topic)]
    if not readings and not presses:
        return FROM_ANOTHER
    body = _read(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    found = False
    for reading in readings:
        value = _at(body, reading.path)
        found = found or value is not None
        facts.take_by(reading, value)
    for press in presses:
        value = _at(body, press.path)
        found = found or value is not None
        counted = None if press.counter is None else _at(body, press.counter)
        if press.counter is not None and counted is None and value is not None:
            facts.refuse(DecodeRefusal.UNREADABLE_FIELD, "the event comes without its counter")
        else:
            facts.press_by(press, value, counted)
    if not found:
        return Undecodable(
            DecodeRefusal.UNKNOWN_FORMAT, "no rule of the settings finds anything in the message"
        )
    return facts.decoded()


def _read(payload: bytes) -> object:
    """Read JSON, or text that is one word; an object as strictly as any dialect's."""
    if payload.lstrip()[:1] == b"{":
        return read_object(payload)
    if len(payload) > PAYLOAD_BYTES_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(payload)} bytes")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return Undecodable(DecodeRefusal.MALFORMED, "no text in UTF-8")
    if text[:1] == "[":
        inner = read_object(b'{"list":' + payload + b"}")
        return inner if isinstance(inner, Undecodable) else inner["list"]
    if len(text) > TEXT_BYTES_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(payload)} bytes of text")
    if text[:1] == '"':
        try:
            return json.loads(text)
        except ValueError:
            return Undecodable(DecodeRefusal.NOT_JSON, "not JSON text in UTF-8")
    return text


def _at(body: object, path: Path) -> object:
    """Find what a path names; None if it is not there, or is no single value."""
    for step in path:
        if isinstance(step, str):
            body = body.get(step) if isinstance(body, dict) else None
        else:
            body = body[step] if isinstance(body, list) and step < len(body) else None
    return None if isinstance(body, dict | list) else body
