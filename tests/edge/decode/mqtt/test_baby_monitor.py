"""The baby monitor's messages, as docs/baby-monitor.md promises them."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_frames import AT, BABY, mqtt
from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode import decode
from zodra_edge.decode.result import (
    Decoded,
    DecodeRefusal,
    DiaperEvent,
    DiaperNote,
    Undecodable,
)

TOPIC = "zodra/home/baby/baby-nursery"
PAGE = Path(__file__).parents[4] / "docs" / "baby-monitor.md"


def read(body: dict[str, object], *, retained: bool = False) -> Decoded | Undecodable:
    return decode(mqtt(TOPIC, {"schema": 1, **body}, retained=retained), BABY)


def test_every_field_is_read() -> None:
    decoded = read(
        {
            "event_id": "mon1-1",
            "observed_at": "2026-11-22T08:29:00+01:00",
            "cry": {"confidence": 0.93},
            "breathing": {"rate_bpm": 38},
            "room": {"temperature_c": 20.5, "humidity_percent": 48},
            "diaper": {"event": "change", "kind": "wet"},
            "battery_percent": 81,
            "of_a_newer_schema": {"unknown": True},
        }
    )
    assert isinstance(decoded, Decoded)
    assert {reading.kind: reading.value for reading in decoded.readings} == {
        ReadingKind.CRY_CONFIDENCE_PERCENT: 93,
        ReadingKind.BREATHING_RATE_BPM: 38,
        ReadingKind.NURSERY_TEMPERATURE_C: 20.5,
        ReadingKind.NURSERY_HUMIDITY_PERCENT: 48,
        ReadingKind.DIAPER_CHANGE: 1,
        ReadingKind.BATTERY_PERCENT: 81,
    }
    assert {reading.observed_at for reading in decoded.readings} == {
        datetime(2026, 11, 22, 7, 29, tzinfo=UTC)
    }
    assert decoded.diaper == DiaperNote("mon1-1", DiaperEvent.CHANGE, 1)
    assert decoded.authenticated


def test_all_but_the_battery_stays_home() -> None:
    decoded = read({"cry": {"confidence": 1}, "room": {"temperature_c": 20}, "battery_percent": 5})
    assert isinstance(decoded, Decoded)
    leaving = [reading.kind for reading in decoded.readings if reading.kind not in STAYS_HOME]
    assert leaving == [ReadingKind.BATTERY_PERCENT]


def test_the_examples_of_the_page_are_read() -> None:
    examples = re.findall(r"```json\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        assert isinstance(decode(mqtt(TOPIC, example), BABY), Decoded)


@pytest.mark.parametrize(
    ("diaper", "units"),
    [
        ({"event": "change"}, 1),
        ({"event": "change", "kind": "both", "units": 2}, 2),
        ({"event": "refill"}, 44),
        ({"event": "refill", "units": 10}, 10),
    ],
)
def test_units_left_out_are_the_usual(diaper: dict[str, object], units: int) -> None:
    decoded = read({"event_id": "e", "diaper": diaper})
    assert isinstance(decoded, Decoded)
    assert decoded.diaper is not None
    assert decoded.diaper.units == units


def test_a_monitor_ahead_of_time_is_not_believed() -> None:
    decoded = read({"observed_at": "2031-01-01T00:00:00Z", "battery_percent": 5})
    assert isinstance(decoded, Decoded)
    assert decoded.readings[0].observed_at == AT


@pytest.mark.parametrize(
    "body",
    [
        {"cry": {"confidence": 1.01}},
        {"cry": {"confidence": "0.5"}},
        {"cry": {"confidence": True}},
        {"cry": []},
        {"breathing": {"rate_bpm": -1}},
        {"room": {"temperature_c": [20]}},
        {"battery_percent": 101},
        {"event_id": "e", "diaper": {"event": "lost"}},
        {"event_id": "e", "diaper": {"event": "change", "kind": "blue"}},
        {"event_id": "e", "diaper": {"event": "change", "units": 0}},
        {"event_id": "e", "diaper": {"event": "change", "units": 1.5}},
        {"event_id": "e", "diaper": {}},
        {"event_id": "with space", "diaper": {"event": "change"}},
        {"event_id": 7, "diaper": {"event": "change"}},
        {"diaper": {"event": "change"}},
        {"observed_at": 5},
        {"observed_at": "5"},
        {"observed_at": "2026-11-22T07:30:00"},
        {"observed_at": "2026-13-22T07:30:00Z"},
        {"observed_at": "0001-01-01T00:00:00+14:00"},
        {"schema": None},
        {"schema": True},
        {"schema": "1"},
    ],
    ids=str,
)
def test_a_field_of_another_type_or_range_refuses_the_message(body: dict[str, object]) -> None:
    decoded = read(body)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.MALFORMED
    assert decoded.detail.startswith(
        next(name for name in reversed(body) if name != "event_id")
    ) or ("event_id" in decoded.detail)


def test_another_schema_is_said() -> None:
    decoded = read({"schema": 2})
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.UNKNOWN_FORMAT


def test_what_the_monitor_counts_to_be_left_is_read() -> None:
    body = {"event": "change", "remaining_units": 12}
    decoded = read({"event_id": "e", "diaper": body})
    assert isinstance(decoded, Decoded)
    assert decoded.diaper == DiaperNote("e", DiaperEvent.CHANGE, 1, remaining=12)


def test_a_retained_diaper_event_never_acts() -> None:
    decoded = read({"event_id": "e", "diaper": {"event": "change"}}, retained=True)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.RETAINED_ACTION


def test_a_retained_state_is_read() -> None:
    decoded = read({"battery_percent": 7}, retained=True)
    assert isinstance(decoded, Decoded)
    assert decoded.retained
