"""Rules of the settings: a device that speaks no dialect, and mistakes that stop the start."""

from pathlib import Path

import pytest

from edge_frames import mqtt
from zodra_contract.reading import ReadingKind
from zodra_edge import core
from zodra_edge.decode import decode
from zodra_edge.decode.mqtt.filters import Routes, is_filter, matches
from zodra_edge.decode.mqtt.generic import BadPath, read_path
from zodra_edge.decode.mqtt.registry import KNOWN, Known, recognise, subscriptions
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable
from zodra_edge.decode.spoken import Dialect
from zodra_edge.errors import SettingsFault
from zodra_edge.settings import load

HEAD = """
gateway_id = "gw-1"
household_id = "hh-1"
data_dir = "data"
[cloud]
host = "127.0.0.1"
[home_mqtt]
host = "127.0.0.1"
"""
SCALE = """
[[devices]]
device_id = "scale"
family = "sensor"
slot_key = "dog-food"
dialect = "generic"
topic = "garage/scales/+/state"
[[devices.readings]]
source = "$.weight['in grams']"
kind = "weight_kg"
unit = "g"
[[devices.readings]]
source = "$.air[1]"
kind = "room_temperature_c"
unit = "°F"
goes_up = false
[[devices.readings]]
source = "$"
topic = "garage/scales/7/battery"
kind = "battery_percent"
unit = "fraction"
[devices.availability]
topic = "garage/scales/7/here"
online = "yes"
offline = "no"
"""
BELL = """
[[devices]]
device_id = "bell"
family = "button"
slot_key = "button-1"
dialect = "generic"
topic = "bell/event"
[[devices.presses]]
source = "$.what"
equals = "ring"
counter = "$.n"
"""


def profiles(folder: Path, devices: str) -> tuple[DeviceProfile, ...]:
    (folder / "gateway.toml").write_text(HEAD + devices)
    return load(folder / "gateway.toml").profiles()


def read(profile: DeviceProfile, topic: str, payload: str | bytes) -> Decoded | Undecodable:
    return decode(mqtt(topic, payload), profile)


def test_paths_units_and_topics_of_a_generic_device(tmp_path: Path) -> None:
    (scale,) = profiles(tmp_path, SCALE)
    assert subscriptions(scale) == (
        "garage/scales/+/state",
        "garage/scales/7/battery",
        "garage/scales/7/here",
    )
    said = read(scale, "garage/scales/7/state", '{"weight":{"in grams":"12500"},"air":[0,68]}')
    assert isinstance(said, Decoded)
    assert {r.kind: r.value for r in said.readings} == {
        ReadingKind.WEIGHT_KG: 12.5,
        ReadingKind.ROOM_TEMPERATURE_C: 20.0,
    }
    battery = read(scale, "garage/scales/7/battery", "0.81")
    assert isinstance(battery, Decoded)
    assert [r.value for r in battery.readings] == [81.0]
    gone = read(scale, "garage/scales/7/here", "no")
    assert isinstance(gone, Decoded)
    assert gone.online is False


def test_what_the_settings_keep_home_stays_there(tmp_path: Path) -> None:
    (scale,) = profiles(tmp_path, SCALE)
    frame = mqtt("garage/scales/7/state", '{"weight":{"in grams":1},"air":[0,68]}')
    _, effects = core.step(core.DeviceMemory(), frame, scale)
    kept = [e for e in effects if isinstance(e, core.KeepReadings)]
    assert [r.kind for e in kept for r in e.readings] == [ReadingKind.WEIGHT_KG]
    assert core.StayedHome(1) in effects


def test_a_counted_press(tmp_path: Path) -> None:
    (bell,) = profiles(tmp_path, BELL)
    said = read(bell, "bell/event", '{"what":"ring","n":7}')
    assert isinstance(said, Decoded)
    assert [(p.event, p.event_id, p.restarts) for p in said.presses] == [("press", "7", True)]
    other = read(bell, "bell/event", '{"what":"idle","n":8}')
    assert isinstance(other, Decoded)
    assert [mark.event_id for mark in other.marks] == ["8"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param('{"other": 1}', DecodeRefusal.UNKNOWN_FORMAT, id="nothing of it"),
        pytest.param('{"weight": ', DecodeRefusal.NOT_JSON, id="cut off"),
        pytest.param(b"\xff\xfe", DecodeRefusal.MALFORMED, id="no text"),
        pytest.param("x" * 300, DecodeRefusal.OVERSIZED, id="a long text"),
        pytest.param(
            '{"weight":{"in grams":"much"}}', DecodeRefusal.UNREADABLE_FIELD, id="no number"
        ),
        pytest.param('{"weight":{"in grams":1e30}}', DecodeRefusal.UNREADABLE_FIELD, id="too much"),
    ],
)
def test_a_payload_that_cannot_be_read_says_why(
    tmp_path: Path, payload: str | bytes, reason: DecodeRefusal
) -> None:
    (scale,) = profiles(tmp_path, SCALE)
    said = read(scale, "garage/scales/7/state", payload)
    assert isinstance(said, Undecodable)
    assert said.reason == reason


@pytest.mark.parametrize(
    ("good", "bad", "named"),
    [
        pytest.param('"$.air[1]"', '"air"', "must begin with $", id="no path"),
        pytest.param('"$.air[1]"', '"$.air[x]"', "from character 6: '[x]'", id="bad path"),
        pytest.param('unit = "g"', 'unit = "stone"', "its units: kg, g, lb", id="unknown unit"),
        pytest.param('kind = "weight_kg"', 'kind = "weight"', "readings.0.kind", id="no kind"),
        pytest.param(
            'kind = "weight_kg"\nunit = "g"',
            'kind = "body_weight_kg"\ngoes_up = true',
            "never leaves the home",
            id="of a person",
        ),
        pytest.param('"garage/scales/+/state"', '"garage/sc+/state"', "no MQTT topic", id="filter"),
        pytest.param('dialect = "generic"', "", "add dialect = one of", id="no dialect"),
        pytest.param('dialect = "generic"', 'dialect = "frigate"', "wildcards", id="wildcards"),
        pytest.param('family = "sensor"', 'family = "wearable"', "", id="any family"),
        pytest.param('dialect = "generic"', 'dialect = "x10"', "devices.0.dialect", id="unknown"),
    ],
)
def test_a_mistake_stops_the_start_with_what_to_change(
    tmp_path: Path, good: str, bad: str, named: str
) -> None:
    assert good in SCALE
    text = SCALE.replace(good, bad, 1)
    if not named:
        assert profiles(tmp_path, text)
        return
    with pytest.raises(SettingsFault, match=r"devices\.0") as raised:
        profiles(tmp_path, text)
    assert named in str(raised.value)


@pytest.mark.parametrize(
    ("device", "named"),
    [
        pytest.param('family = "button"\ndialect = "esphome"\ntopic = "esp"', "part", id="which"),
        pytest.param(
            'family = "thermostat"\ndialect = "frigate"\ntopic = "frigate/a"',
            "frigate has no thermostat; it has baby_monitor, sensor",
            id="family",
        ),
        pytest.param(
            'family = "sensor"\ndialect = "generic"\ntopic = "a/b"', "readings", id="no rule"
        ),
        pytest.param('family = "thermostat"\ntopic = "some/where"', "tasmota", id="choices"),
    ],
)
def test_a_device_that_does_not_add_up(tmp_path: Path, device: str, named: str) -> None:
    with pytest.raises(SettingsFault) as raised:
        profiles(tmp_path, f'[[devices]]\ndevice_id = "d"\nslot_key = "s-1"\n{device}\n')
    assert named in str(raised.value)


def test_several_devices_behind_one_topic_are_told_apart_by_their_part(tmp_path: Path) -> None:
    one = '[[devices]]\ndevice_id = "{0}"\nslot_key = "button-1"\nfamily = "button"\n'
    one += 'topic = "shellyblugwg3-34cdb0770c4c"\npart = "bthomedevice:{1}"\n'
    both = profiles(tmp_path, one.format("a", 200) + one.format("b", 201))
    routes = Routes((topic, profile) for profile in both for topic in subscriptions(profile))
    assert routes.of("shellyblugwg3-34cdb0770c4c/events/rpc") == both
    with pytest.raises(SettingsFault, match="topic shellyblugwg3-34cdb0770c4c is used twice"):
        profiles(tmp_path, one.format("a", 200) + one.format("b", 200))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.dialect.value)
def test_the_example_of_a_dialect_is_recognised_as_its_own(known: Known) -> None:
    found = {recognise(known.example, family) for family in known.families}
    if known.recognised is None:
        assert found <= {None, Dialect.ZODRA}
    else:
        assert found == {known.dialect}


@pytest.mark.parametrize(
    ("text", "path"),
    [("$", ()), ("$.a.b-c", ("a", "b-c")), ("$[0]['x y'].z", (0, "x y", "z")), ('$["a"]', ("a",))],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    assert read_path(text) == path


@pytest.mark.parametrize("text", ["", "a", "$a", "$.", "$..a", "$[*]", "$['']", "$" + ".a" * 17])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(BadPath):
        read_path(text)


@pytest.mark.parametrize(
    ("wanted", "topic", "is_meant"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d/c", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("+/b", "a/b", True),
        ("+", "a/b", False),
        ("#", "$SYS/x", False),
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/+", "a/", True),
    ],
)
def test_filters(wanted: str, topic: str, is_meant: bool) -> None:
    assert is_filter(wanted)
    assert matches(wanted, topic) is is_meant


@pytest.mark.parametrize("text", ["", "a+", "a/#/b", "#a", "a/b#", "+a/b", "\x00"])
def test_what_is_no_filter(text: str) -> None:
    assert not is_filter(text)
