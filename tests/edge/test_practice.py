"""A device in practice is seen, and nothing it does counts; a pause lets needs only ask."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from edge_frames import BUTTON, PLAIN_BUTTON, THERMOSTAT, heard, mqtt, press
from edge_steps import run, signals
from zodra_contract.signal import EVIDENCE_ENTRIES_MAX
from zodra_edge.buying import Pause
from zodra_edge.buying.pause import FILE, since
from zodra_edge.core import Ignore, KeepReadings, KeepSignal, Refuse, Rehearsed, Remember, step
from zodra_edge.identify import PressRefusal

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRACTISED = replace(BUTTON, practice=True)


def test_a_press_in_practice_is_shown_and_not_kept() -> None:
    _, effects = run(PRACTISED, *(press(4711, at=heard(n * 0.1)) for n in range(4)))
    shown = [effect.signal for effect in effects if isinstance(effect, Rehearsed)]
    assert [(signal.device_id, signal.slot_key) for signal in shown] == [
        ("btn-kitchen", "button-1")
    ]
    assert not any(isinstance(effect, KeepSignal | KeepReadings) for effect in effects)
    assert sum(isinstance(effect, Remember) for effect in effects) == 1


def test_a_recording_of_a_press_in_practice_is_none_once_the_device_is_armed() -> None:
    memory, _ = run(PRACTISED, press(4711))
    _, again = step(memory, press(4711, at=heard(1.0)), BUTTON)
    assert not any(isinstance(effect, KeepSignal) for effect in again)
    assert any(isinstance(effect, Ignore) for effect in again)
    _, earlier = step(memory, press(4000, at=heard(90.0)), BUTTON)
    assert any(
        isinstance(effect, Refuse) and effect.reason is PressRefusal.REPLAY for effect in earlier
    )
    _, fresh = step(memory, press(4712, at=heard(2.0)), BUTTON)
    assert any(isinstance(effect, KeepSignal) for effect in fresh)


def test_what_adds_up_to_a_need_begins_with_the_arming() -> None:
    practised = replace(THERMOSTAT, practice=True)
    frames = [
        mqtt(
            str(THERMOSTAT.topic),
            {"running_state": "heat", "local_temperature": 20.5},
            at=heard(n * 600.0),
        )
        for n in range(12)
    ]
    memory, effects = run(practised, *frames)
    assert not any(isinstance(effect, KeepSignal | KeepReadings) for effect in effects)
    assert memory.heating.total_s == 0
    _, armed = run(THERMOSTAT, *frames)
    assert any(isinstance(effect, KeepSignal) for effect in armed)


def test_while_buying_is_paused_a_need_only_asks_and_says_why(tmp_path: Path) -> None:
    (signal,) = signals(run(BUTTON, press(4711))[1])
    pause = Pause(tmp_path)
    assert pause.mark(signal) is signal
    assert pause.switch(True, AT)
    assert not pause.switch(True, AT)
    marked = pause.mark(signal)
    assert signal.authenticated
    assert not marked.authenticated
    assert marked.signal_id == signal.signal_id
    assert marked.evidence == {**signal.evidence, "buying_paused": 1}
    crowded = {f"fact_{number}": number for number in range(EVIDENCE_ENTRIES_MAX)}
    full = signal.model_copy(update={"evidence": crowded})
    assert pause.mark(full).evidence["buying_paused"] == 1
    assert len(pause.mark(full).evidence) == EVIDENCE_ENTRIES_MAX
    assert Pause(tmp_path).since == AT
    assert pause.switch(False, AT)
    assert pause.mark(signal) is signal
    assert Pause(tmp_path).since is None


def test_a_damaged_pause_still_pauses(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe nonsense")
    assert since(tmp_path) is not None
    (signal,) = signals(run(PLAIN_BUTTON, press(1))[1]) or signals(run(BUTTON, press(1))[1])
    assert not Pause(tmp_path).mark(signal).authenticated
