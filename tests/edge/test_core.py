"""One step: a frame in, memory and effects out, for every family of device."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import (
    BABY,
    BUTTON,
    PLAIN_BUTTON,
    THERMOSTAT,
    WEARABLE,
    ZIGBEE_BUTTON,
    advert,
    bthome,
    bthome_encrypted,
    gatt,
    heard,
    mqtt,
    press,
)
from zodra_contract.ids import press_id
from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeQuality
from zodra_edge.core import (
    DeviceMemory,
    Effect,
    FrameRepeat,
    Ignore,
    KeepReadings,
    KeepSignal,
    NoteDevice,
    Refuse,
    Remember,
    StayedHome,
    slot_of,
    step,
)
from zodra_edge.decode.frame import Frame
from zodra_edge.decode.profile import DeviceProfile, Limits
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.identify import PressMemory, PressRefusal, PressRepeat
from zodra_edge.uplink.compose import date_again

TOPIC = "zigbee2mqtt/trv-living"
NURSERY = "zodra/home/baby/baby-nursery"


def run(
    profile: DeviceProfile, *frames: Frame, memory: DeviceMemory | None = None
) -> tuple[DeviceMemory, list[Effect]]:
    """All effects of a row of frames; the memory passes through text between them."""
    now = memory or DeviceMemory()
    effects: list[Effect] = []
    for frame in frames:
        now, more = step(DeviceMemory.from_json(now.to_json()), frame, profile)
        effects += more
    return now, effects


def signals(effects: list[Effect]) -> list[NeedSignal]:
    return [effect.signal for effect in effects if isinstance(effect, KeepSignal)]


def readings(effects: list[Effect]) -> list[tuple[ReadingKind, float]]:
    return [
        (reading.kind, reading.value)
        for effect in effects
        if isinstance(effect, KeepReadings)
        for reading in effect.readings
    ]


def test_a_burst_of_one_press_is_one_signal_with_its_evidence() -> None:
    burst = [press(4711, at=heard(n * 0.1)) for n in range(6)]
    _, effects = run(BUTTON, *burst)
    (signal,) = signals(effects)
    assert signal.signal_id == press_id("btn-kitchen", "enc-1-4711", 0, "press")
    assert (signal.kind, signal.slot_key) == (SignalKind.PRESS, "button-1")
    assert signal.authenticated
    assert signal.evidence == {
        "event": "press",
        "button": 0,
        "counter": "4711",
        "packet_id": 4711 % 256,
    }
    assert signal.time == heard().note()
    assert readings(effects) == [(ReadingKind.BATTERY_PERCENT, 100)]
    assert effects.count(Ignore(PressRepeat.REPEAT)) == 5
    notes = [effect for effect in effects if isinstance(effect, NoteDevice)]
    assert len(notes) == 6
    assert {(note.battery_percent, note.rssi_dbm, note.online) for note in notes} == {
        (100, -61, None)
    }


def test_the_signal_comes_first_with_the_memory_that_knows_it() -> None:
    memory, effects = run(BUTTON, press(7))
    first = effects[0]
    assert isinstance(first, KeepSignal)
    assert first.memory.press == memory.press
    _, again = step(first.memory, press(7), BUTTON)
    assert signals(list(again)) == []


def test_a_frame_that_could_not_be_kept_is_judged_afresh() -> None:
    before = DeviceMemory()
    _, effects = step(before, press(7), BUTTON)
    _, retried = step(before, press(7, at=heard(0.1)), BUTTON)
    assert [s.signal_id for s in signals(list(effects))] == [
        s.signal_id for s in signals(list(retried))
    ]


def test_a_replay_is_refused_and_changes_nothing() -> None:
    memory, _ = run(BUTTON, press(100))
    after, effects = step(memory, press(50, at=heard(60)), BUTTON)
    assert after == memory
    assert [effect.reason for effect in effects if isinstance(effect, Refuse)] == [
        PressRefusal.REPLAY
    ]
    assert len(effects) == 1


def test_a_press_beside_a_battery_that_cannot_be_is_kept_and_the_field_counted() -> None:
    frame = mqtt("zigbee2mqtt/btn-hall", {"action": "single", "battery": 255})
    _, effects = run(ZIGBEE_BUTTON, frame)
    assert len(signals(effects)) == 1
    assert readings(effects) == []
    assert [effect for effect in effects if isinstance(effect, Refuse)] == [
        Refuse(DecodeRefusal.UNREADABLE_FIELD, "battery is no number from 0 to 100")
    ]


BTN_HALL = "zigbee2mqtt/btn-hall"
DAY_MS = 24 * 3_600_000


@pytest.mark.parametrize("waited_ms_max", [0, 7 * DAY_MS])
@pytest.mark.parametrize("last_seen", ["2026-11-20T08:30:00+01:00", 1_795_159_800_000])
def test_a_press_is_dated_by_the_message_that_dates_itself(
    last_seen: str | int, waited_ms_max: int
) -> None:
    at = heard(3 * 86_400)
    body: dict[str, object] = {"action": "single", "last_seen": last_seen}
    _, effects = run(ZIGBEE_BUTTON, mqtt(BTN_HALL, body, at, waited_ms_max=waited_ms_max))
    (signal,) = signals(effects)
    assert signal.occurred_at == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert signal.time.error_ms == at.error_ms
    assert signal.time.monotonic_ms == max(0, at.monotonic_ms - 5 * DAY_MS)


@pytest.mark.parametrize("last_seen", [None, "2031-01-01T00:00:00Z", "1970-01-01T00:00:09Z", "?"])
def test_a_press_that_may_have_waited_and_is_not_dated_says_how_unsure_it_is(
    last_seen: str | None,
) -> None:
    body: dict[str, object] = {"action": "single", "last_seen": last_seen}
    frame = mqtt(BTN_HALL, body, waited_ms_max=2 * DAY_MS)
    (signal,) = signals(run(ZIGBEE_BUTTON, frame)[1])
    assert signal.occurred_at == heard().at
    assert signal.time.error_ms == heard().error_ms + 2 * DAY_MS
    assert date_again(signal, heard(60)) == signal


def test_a_press_that_waited_on_a_gateway_without_the_time_is_not_dated_by_its_arrival() -> None:
    early = replace(heard(), quality=TimeQuality.UNSYNCED, error_ms=UNKNOWN_ERROR_MS)
    frame = mqtt(BTN_HALL, {"action": "single"}, early, waited_ms_max=2 * DAY_MS)
    (signal,) = signals(run(ZIGBEE_BUTTON, frame)[1])
    assert date_again(signal, heard(60)).time.error_ms == UNKNOWN_ERROR_MS


def test_a_live_press_that_is_not_dated_was_when_it_was_heard() -> None:
    (signal,) = signals(run(ZIGBEE_BUTTON, mqtt(BTN_HALL, {"action": "single"}))[1])
    assert (signal.occurred_at, signal.time) == (heard().at, heard().note())


def test_an_action_that_no_table_knows_is_counted_and_the_rest_read() -> None:
    frame = mqtt("zigbee2mqtt/btn-hall", {"action": "emergency", "battery": 80})
    _, effects = run(ZIGBEE_BUTTON, frame)
    assert signals(effects) == []
    assert readings(effects) == [(ReadingKind.BATTERY_PERCENT, 80)]
    assert [effect.reason for effect in effects if isinstance(effect, Refuse)] == [
        DecodeRefusal.UNKNOWN_ACTION
    ]


def test_an_undecodable_frame_is_refused_and_changes_nothing() -> None:
    memory, _ = run(BUTTON, press(100))
    after, effects = step(memory, advert(b"\x44\x3a\x01"), BUTTON)
    assert after == memory
    assert [effect.reason for effect in effects if isinstance(effect, Refuse)] == [
        DecodeRefusal.PLAIN_TEXT_REFUSED
    ]


def test_a_press_after_a_lost_counter_only_asks_until_a_person_raises_the_epoch() -> None:
    lost = DeviceMemory(press=PressMemory(epoch=1, unproven=True))
    # Heard before, and after the loss played back: each once, by the name it always had.
    memory, effects = run(BUTTON, press(50), press(51), press(50), memory=lost)
    asked = signals(effects)
    assert [signal.signal_id for signal in asked] == [
        press_id("btn-kitchen", f"enc-1-{counter}", 0, "press") for counter in (50, 51)
    ]
    assert [signal.authenticated for signal in asked] == [False, False]
    assert DeviceMemory.from_json(memory.to_json()).press.unproven
    _, effects = run(replace(BUTTON, counter_epoch=2), press(52), memory=memory)
    assert [signal.authenticated for signal in signals(effects)] == [True]


def test_a_plain_press_is_not_authenticated() -> None:
    _, effects = run(PLAIN_BUTTON, advert(bthome(b"\x00\x05\x3a\x01")))
    (signal,) = signals(effects)
    assert not signal.authenticated


def test_a_zigbee_button_presses_by_the_account_on_the_home_broker() -> None:
    _, effects = run(ZIGBEE_BUTTON, mqtt("zigbee2mqtt/btn-hall", {"action": "1_single"}))
    (signal,) = signals(effects)
    assert signal.authenticated
    assert signal.slot_key == "button-1"


@pytest.mark.parametrize(
    ("slot_key", "button", "slot"),
    [
        ("button-1", 0, "button-1"),
        ("button-1", 3, "button-4"),
        ("towels", 0, "towels"),
        ("towels", 1, "towels-2"),
        ("towels-x", 2, "towels-x-3"),
        ("a-9", 1, "a-10"),
    ],
)
def test_each_button_has_a_slot(slot_key: str, button: int, slot: str) -> None:
    assert slot_of(replace(BUTTON, slot_key=slot_key), button) == slot


def test_two_buttons_at_once_are_two_signals_and_the_later_memory_knows_both() -> None:
    memory, effects = run(BUTTON, advert(bthome_encrypted(b"\x3a\x01\x3a\x00\x3a\x02", 8)))
    kept = [effect for effect in effects if isinstance(effect, KeepSignal)]
    assert [effect.signal.slot_key for effect in kept] == ["button-1", "button-3"]
    assert kept[1].memory.press == memory.press
    assert kept[0].memory.press != memory.press


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
