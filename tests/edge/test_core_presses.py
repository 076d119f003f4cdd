"""One step of a button: a press in, one signal with its evidence out, and never two."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge_frames import (
    BUTTON,
    PLAIN_BUTTON,
    ZIGBEE_BUTTON,
    advert,
    bthome,
    bthome_encrypted,
    heard,
    mqtt,
    press,
)
from edge_steps import readings, run, signals
from zodra_contract.ids import press_id
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import SignalKind, TimeQuality
from zodra_edge.core import (
    DeviceMemory,
    Ignore,
    KeepSignal,
    NoteDevice,
    Refuse,
    slot_of,
    step,
)
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.identify import PressMemory, PressRefusal, PressRepeat
from zodra_edge.uplink.compose import date_again


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
