"""Devices and messages of every MQTT dialect, for tests that try any of them."""

import json
from pathlib import Path
from typing import Any, Final

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.mqtt.registry import Known, subscriptions
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable
from zodra_edge.decode.spoken import Dialect, PressRule, ReadingRule, Spoken

VECTORS: Final = Path(__file__).parent / "fixtures" / "vectors"
WORDS: Final = sorted(
    {
        word
        for path in VECTORS.glob("mqtt/*.json")
        for case in json.loads(path.read_text())
        for word in (*case["on"].split("/"), *case["payload"].split('"'))
        if word
    }
)
RULES: Final = Spoken(
    dialect=Dialect.GENERIC,
    readings=(
        ReadingRule("$.a", ReadingKind.WEIGHT_KG, ("a",), 0.001),
        ReadingRule("$[0]", ReadingKind.MOTION, (0,)),
        ReadingRule("$", ReadingKind.ROOM_TEMPERATURE_C, ()),
    ),
    presses=(
        PressRule("$.b", "true", ("b",), counter=("n",)),
        PressRule("$", "on", (), is_state=True),
    ),
)


def devices(known: Known) -> list[DeviceProfile]:
    spoken = RULES if known.dialect is Dialect.GENERIC else Spoken(dialect=known.dialect)
    return [
        DeviceProfile("device", family, "slot-1", topic=known.example, spoken=spoken)
        for family in sorted(known.families)
    ]


def check(decoded: Decoded | Undecodable) -> bool:
    """See that an answer is a proper one; True if something was read."""
    if isinstance(decoded, Undecodable):
        assert isinstance(decoded.reason, DecodeRefusal)
        assert 0 < len(decoded.detail) <= 200
        return False
    kinds = [reading.kind for reading in decoded.readings]
    assert len(kinds) == len(set(kinds))
    assert all(len(press.event_id or "") <= 64 for press in decoded.presses)
    return True


def topics(profile: DeviceProfile, words: list[str]) -> list[str]:
    """Make topics that a device's subscriptions mean, with any words in place of wildcards."""
    made = []
    for wanted in subscriptions(profile):
        rest = iter(words * 8)
        made.append("/".join(next(rest) if w in ("+", "#") else w for w in wanted.split("/")))
    return made


def cases_of(dialect: Dialect) -> list[dict[str, Any]]:
    """Find the published messages of a dialect; one in bytes has them as `base64`."""
    if dialect is Dialect.ZIGBEE2MQTT:
        cases = json.loads((VECTORS / "zigbee2mqtt.json").read_text())
        return [{**case, "on": "zigbee2mqtt/trv-living"} for case in cases]
    path = VECTORS / "mqtt" / f"{dialect}.json"
    if not path.exists():
        return [{"on": "garage/scales/1/state", "payload": '{"a": 1, "b": true, "n": 4}'}]
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found
