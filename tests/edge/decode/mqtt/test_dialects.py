"""Published messages of each dialect come out as the right readings and presses."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from edge_frames import heard, mqtt
from zodra_edge.decode import decode
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.filters import matches
from zodra_edge.decode.mqtt.registry import subscriptions
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, Undecodable
from zodra_edge.decode.spoken import Dialect, Spoken

FOLDER = Path(__file__).parents[3] / "fixtures" / "vectors" / "mqtt"
HELD_BACK = FOLDER.with_name("mqtt_held_back")
"""Published messages that no code had seen before it was first tried on them. Of each round came
out right at first sight, the code mended after each: 41 of 45, 20 of 21, 35 of 38, 33 of 35, 35 of
38, 30 of 30."""
DIALECTS = sorted(set(Dialect) - {Dialect.GENERIC, Dialect.ZIGBEE2MQTT})
"""Zigbee2MQTT has its own table, and the generic one has no payload of its own."""


def cases(folder: Path) -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['id']}")
        for path in sorted(folder.glob("*.json"))
        for case in json.loads(path.read_text())
    ]


def profile_of(case: dict[str, Any]) -> DeviceProfile:
    dialect = case.get("dialect")
    return DeviceProfile(
        "device",
        Family(case["family"]),
        "slot-1",
        topic=case["topic"],
        spoken=Spoken(dialect=Dialect(dialect) if dialect else None, part=case.get("part")),
    )


def frame_of(case: dict[str, Any]) -> MqttMessage:
    payload = case["payload"].encode()
    if "base64" in case:
        payload = base64.b64decode(case["base64"])
    return MqttMessage(
        "home",
        case["on"],
        payload,
        case.get("retained", False),
        heard(),
        context=case.get("context", {}),
    )


def problem(case: dict[str, Any], decoded: Decoded | Undecodable) -> str:
    """Say how what was decoded differs from what the case expects; empty if it does not."""
    if "refused" in case:
        if isinstance(decoded, Undecodable) and decoded.detail:
            return "" if decoded.reason == case["refused"] else f"refused: {decoded}"
        return f"not refused: {decoded}"
    if isinstance(decoded, Undecodable):
        return f"refused: {decoded}"
    said = {
        "readings": {r.kind.value: round(r.value, 4) for r in decoded.readings},
        "presses": [[press.button, press.event] for press in decoded.presses],
        "marks": [[mark.button, mark.event_id] for mark in decoded.marks],
        "event_ids": [press.event_id for press in decoded.presses if press.event_id],
        "refused_parts": [part.reason.value for part in decoded.refused],
        "online": decoded.online,
        "packet_id": decoded.packet_id,
    }
    expected: dict[str, Any] = {
        name: case.get(name, [] if isinstance(value, list) else None)
        for name, value in said.items()
    }
    expected["readings"] = {name: round(value, 4) for name, value in case["readings"].items()}
    return "" if said == expected else f"{said}, and not {expected}"


@pytest.mark.parametrize("case", cases(FOLDER))
def test_a_published_message(case: dict[str, Any]) -> None:
    decoded = decode(frame_of(case), profile_of(case))
    assert problem(case, decoded) == ""
    if isinstance(decoded, Decoded) and decoded.presses:
        assert decoded.authenticated is case.get("authenticated", True)


@pytest.mark.parametrize("case", cases(HELD_BACK))
def test_a_message_that_was_held_back(case: dict[str, Any]) -> None:
    assert problem(case, decode(frame_of(case), profile_of(case))) == ""


@pytest.mark.parametrize("case", cases(FOLDER))
def test_what_is_read_is_also_subscribed_to(case: dict[str, Any]) -> None:
    if case.get("refused") == "unknown_device" or case["on"].endswith("/set"):
        return
    wanted = subscriptions(profile_of(case))
    assert any(matches(topic, case["on"]) for topic in wanted)


def test_a_count_that_changed_while_nobody_listened_is_as_unsure_as_that() -> None:
    topic = "shellies/shellyix3-A4CF12F474C7"
    profile = DeviceProfile("i3", Family.BUTTON, "slot-1", topic=topic)
    told = '{"event":"S","event_cnt":22}'
    first = decode(mqtt(f"{topic}/input_event/0", told, unheard_ms_max=3_600_000), profile)
    later = decode(mqtt(f"{topic}/input_event/0", told), profile)
    assert isinstance(first, Decoded)
    assert first.happened is not None
    assert first.happened.error_ms > 3_600_000
    assert isinstance(later, Decoded)
    assert later.happened is None


def test_what_another_behind_the_same_topic_says_is_no_word_of_this_one() -> None:
    case = next(
        case
        for case in json.loads((FOLDER / "shelly.json").read_text())
        if case["id"] == "another BLU device of the same gateway"
    )
    said = decode(frame_of(case), profile_of(case))
    assert isinstance(said, Decoded)
    assert not said.spoke


def test_every_dialect_has_a_published_message() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == DIALECTS
