"""One step: a frame in, memory and effects out, for every family of device."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import (
    BABY,
    BUTTON,
    THERMOSTAT,
    WEARABLE,
    advert,
    gatt,
    heard,
    mqtt,
    press,
)
from edge_steps import readings, run, signals
from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_contract.signal import SignalKind
from zodra_edge.core import (
    DeviceMemory,
    FrameRepeat,
    Ignore,
    KeepSignal,
    NoteDevice,
    Refuse,
    Remember,
    StayedHome,
    step,
)
from zodra_edge.decode.frame import Frame
from zodra_edge.decode.profile import DeviceProfile, Limits
from zodra_edge.decode.result import DecodeRefusal

TOPIC = "zigbee2mqtt/trv-living"


NURSERY = "zodra/home/baby/baby-nursery"


def test_an_undecodable_frame_is_refused_and_changes_nothing() -> None:
    memory, _ = run(BUTTON, press(100))
    after, effects = step(memory, advert(b"\x44\x3a\x01"), BUTTON)
    assert after == memory
    assert [effect.reason for effect in effects if isinstance(effect, Refuse)] == [
        DecodeRefusal.PLAIN_TEXT_REFUSED
    ]


def test_heart_rate_stays_home_and_hours_worn_go_up() -> None:
    # 0.01 h are 36 s; the strap reports every second.
    frames = [gatt(b"\x06\x48", heard(second)) for second in range(0, 40)]
    _, effects = run(WEARABLE, *frames)
    (signal,) = signals(effects)
    assert signal.kind == SignalKind.WORN_OUT
    assert set(signal.evidence) == {"worn_hours", "limit_hours"}
    assert readings(effects) == []
    assert sum(e.count for e in effects if isinstance(e, StayedHome)) == 80


def test_hours_worn_are_told_in_tenths() -> None:
    profile = replace(WEARABLE, limits=Limits(worn_out_h=100))
    frames = [gatt(b"\x06\x48", heard(second)) for second in range(0, 1000, 5)]
    _, effects = run(profile, *frames)
    assert readings(effects) == [(ReadingKind.WORN_HOURS, 0.1), (ReadingKind.WORN_HOURS, 0.2)]


@pytest.mark.parametrize(
    ("value", "worn"),
    [
        pytest.param(b"\x06\x48", True, id="contact"),
        pytest.param(b"\x04\x48", False, id="no contact, whatever the pulse"),
        pytest.param(b"\x00\x48", True, id="no contact bit, a pulse"),
        pytest.param(b"\x00\x00", False, id="no contact bit, no pulse"),
    ],
)
def test_what_counts_as_worn(value: bytes, worn: bool) -> None:
    memory, _ = run(WEARABLE, gatt(value, heard(0)), gatt(value, heard(5)))
    assert memory.worn.total_s == (5 if worn else 0)


def test_a_wearables_battery_goes_up() -> None:
    memory, effects = run(WEARABLE, gatt(b"\x5a", characteristic="2A19"))
    assert readings(effects) == [(ReadingKind.BATTERY_PERCENT, 90)]
    assert memory.worn == DeviceMemory().worn


def test_a_thermostat_adds_up_to_a_service_and_its_readings_go_up() -> None:
    body = {"running_state": "heat", "local_temperature": 20.5, "battery": 80}
    frames = [mqtt(TOPIC, body, heard(n * 600)) for n in range(8)]
    _, effects = run(THERMOSTAT, *frames)
    (signal,) = signals(effects)
    assert signal.kind == SignalKind.SERVICE_DUE
    assert set(readings(effects)) == {
        (ReadingKind.HEATING_ON, 1),
        (ReadingKind.ROOM_TEMPERATURE_C, 20.5),
        (ReadingKind.BATTERY_PERCENT, 80),
    }


def test_a_retained_state_is_read_once_a_boot_and_counts_no_time() -> None:
    kept = mqtt(TOPIC, {"running_state": "heat"}, heard(0), retained=True)
    later = mqtt(TOPIC, {"running_state": "heat"}, heard(600), retained=True)
    live = mqtt(TOPIC, {"running_state": "heat"}, heard(660))
    memory, effects = run(THERMOSTAT, kept, later, live)
    assert effects.count(Ignore(FrameRepeat.RETAINED)) == 1
    assert readings(effects) == [(ReadingKind.HEATING_ON, 1)] * 2
    assert memory.heating.total_s == 0
    rebooted = mqtt(TOPIC, {"running_state": "heat"}, heard(5, boot="boot-2"), retained=True)
    _, effects = run(THERMOSTAT, rebooted, memory=memory)
    assert readings(effects) == [(ReadingKind.HEATING_ON, 1)]


def test_availability_is_noted() -> None:
    _, effects = run(THERMOSTAT, mqtt(f"{TOPIC}/availability", "offline", retained=True))
    (note,) = effects
    assert isinstance(note, NoteDevice)
    assert note.online is False


def test_diapers_are_counted_once_and_what_is_left_goes_up() -> None:
    body: dict[str, object] = {"schema": 1, "event_id": "a", "diaper": {"event": "change"}}
    memory, effects = run(BABY, mqtt(NURSERY, body), mqtt(NURSERY, body, heard(1)))
    assert memory.supply.remaining == 43
    assert readings(effects) == [(ReadingKind.REMAINING_UNITS, 43)]
    assert effects.count(Remember()) == 1
    assert effects.count(Ignore(FrameRepeat.COUNTED)) == 1
    low = {**body, "event_id": "b", "diaper": {"event": "change", "units": 35}}
    memory, effects = run(BABY, mqtt(NURSERY, low), memory=memory)
    (signal,) = signals(effects)
    assert (signal.kind, signal.slot_key) == (SignalKind.LOW_STOCK, "diapers")
    assert isinstance(effects[0], KeepSignal)
    assert effects[0].memory == memory
    assert Remember() not in effects


def test_what_a_nursery_says_stays_home() -> None:
    body: dict[str, object] = {
        "schema": 1,
        "event_id": "a",
        "cry": {"confidence": 0.9},
        "breathing": {"rate_bpm": 38},
        "room": {"temperature_c": 20, "humidity_percent": 48},
        "diaper": {"event": "change", "kind": "dirty"},
        "battery_percent": 50,
    }
    _, effects = run(BABY, mqtt(NURSERY, body))
    assert {kind for kind, _ in readings(effects)} == {
        ReadingKind.REMAINING_UNITS,
        ReadingKind.BATTERY_PERCENT,
    }
    assert StayedHome(5) in effects


FRAMES = st.one_of(
    st.builds(press, st.integers(0, 20), st.integers(0, 8), st.floats(0, 10**5).map(heard)),
    st.builds(gatt, st.binary(max_size=6), st.floats(0, 10**5).map(heard)),
    st.builds(advert, st.binary(max_size=30), st.floats(0, 10**5).map(heard)),
    st.builds(
        mqtt,
        st.sampled_from([TOPIC, NURSERY, f"{TOPIC}/availability"]),
        st.sampled_from(
            [
                '{"running_state":"heat","battery":5}',
                '{"running_state":"idle","local_temperature":"20.1"}',
                '{"schema":1,"event_id":"a","diaper":{"event":"change","units":40}}',
                '{"schema":1,"event_id":"b","diaper":{"event":"refill"},"cry":{"confidence":1}}',
                "online",
                "",
            ]
        ),
        st.floats(0, 10**5).map(heard),
        retained=st.booleans(),
    ),
)


@given(
    frames=st.lists(FRAMES, max_size=30),
    profile=st.sampled_from([BUTTON, WEARABLE, THERMOSTAT, BABY]),
)
def test_whatever_comes_names_are_unique_and_nothing_intimate_leaves(
    frames: list[Frame], profile: DeviceProfile
) -> None:
    memory, effects = run(profile, *frames)
    names = [signal.signal_id for signal in signals(effects)]
    assert len(names) == len(set(names))
    assert not {kind for kind, _ in readings(effects)} & STAYS_HOME
    for signal in signals(effects):
        assert not {"heart_rate", "breathing", "cry"} & set(signal.evidence)
    assert DeviceMemory.from_json(memory.to_json()) == memory
    # Without changing anything, the same frames again bring no press a second time.
    _, again = run(profile, *frames, memory=memory)
    pressed = [s.signal_id for s in signals(again) if s.kind == SignalKind.PRESS]
    assert not set(pressed) & set(names)


def test_memory_of_another_build_is_read_and_damage_is_said() -> None:
    memory, _ = run(BUTTON, press(9))
    newer = json.loads(memory.to_json()) | {"of_a_newer_build": 1}
    del newer["worn"]
    assert DeviceMemory.from_json(json.dumps(newer)) == memory
    for damaged in ("", "{", "[]", '{"press":7}'):
        with pytest.raises(ValueError, match="validation error"):
            DeviceMemory.from_json(damaged)
