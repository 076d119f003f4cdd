"""What a simulated device writes, the gateway reads: two implementations meet here."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_frames import (
    ADDRESS,
    BABY,
    BTHOME,
    BUTTON,
    KEY,
    THERMOSTAT,
    WEARABLE,
    advert,
    gatt,
    heard,
    mqtt,
)
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import SignalKind
from zodra_edge.core import DeviceMemory, KeepSignal, step
from zodra_edge.decode import decode
from zodra_edge.decode.result import Decoded
from zodra_sim.devices import baby_monitor, button, thermostat, wearable

SERVICE_DATA = 0x16
MAKE = button.ButtonMake(ADDRESS, KEY, buttons=4)


def service_data(advertisement: bytes) -> bytes:
    """Cut BTHome's service data out of advertising data, as a Bluetooth stack does."""
    at = 0
    while at < len(advertisement):
        length, kind = advertisement[at], advertisement[at + 1]
        field = advertisement[at + 2 : at + 1 + length]
        if kind == SERVICE_DATA and field[:2] == bytes.fromhex(BTHOME[4:8])[::-1]:
            return field[2:]
        at += 1 + length
    raise AssertionError("no BTHome service data")


@given(
    counter=st.integers(0, 2**32 - 3),
    packet_id=st.integers(0, 255),
    kind=st.sampled_from(button.PressKind),
    index=st.integers(0, 3),
    sealed=st.booleans(),
)
def test_a_press(
    counter: int, packet_id: int, kind: button.PressKind, index: int, sealed: bool
) -> None:
    make = MAKE if sealed else replace(MAKE, bind_key=None)
    profile = BUTTON if sealed else replace(BUTTON, bind_key=None)
    state, burst = button.press(button.Button(counter, packet_id, 77), make, kind, index)
    decoded = decode(advert(service_data(burst.data)), profile)
    assert isinstance(decoded, Decoded)
    (press,) = decoded.presses
    assert (press.button, press.event, press.packet_id) == (index, kind, state.packet_id)
    assert decoded.counter == (state.counter if sealed else None)
    assert [(r.kind, r.value) for r in decoded.readings] == [(ReadingKind.BATTERY_PERCENT, 77)]


def test_a_hundred_presses_said_six_times_each_are_a_hundred_needs() -> None:
    state, memory = button.Button(), DeviceMemory()
    names: list[str] = []
    for second in range(100):
        state, burst = button.press(state, MAKE, button.PressKind.PRESS)
        for repeat in range(burst.times):
            at = heard(second + repeat * burst.gap_ms / 1000)
            memory, effects = step(memory, advert(service_data(burst.data), at), BUTTON)
            names += [e.signal.signal_id for e in effects if isinstance(e, KeepSignal)]
    assert len(names) == len(set(names)) == 100


@given(
    rate=st.integers(0, 0xFFFF),
    contact=st.booleans(),
    intervals=st.lists(st.floats(0, 63), max_size=12).map(tuple),
)
def test_a_heart_rate(rate: int, contact: bool, intervals: tuple[float, ...]) -> None:
    raw = wearable.encode(wearable.Measurement(rate, contact, intervals))
    decoded = decode(gatt(raw), WEARABLE)
    assert isinstance(decoded, Decoded)
    assert {reading.kind: reading.value for reading in decoded.readings} == {
        ReadingKind.HEART_RATE_BPM: rate,
        ReadingKind.SKIN_CONTACT: contact,
    }


@given(
    temperature=st.floats(-20, 60),
    setpoint=st.floats(5, 32),
    now=st.integers(0, 10),
    on=st.booleans(),
)
def test_a_thermostat(temperature: float, setpoint: float, now: int, on: bool) -> None:
    state = thermostat.Thermostat(temperature, setpoint, heating=on)
    topic = THERMOSTAT.topic or ""
    decoded = decode(mqtt(topic, thermostat.payload(state, now, 80)), THERMOSTAT)
    assert isinstance(decoded, Decoded)
    read = {reading.kind: reading.value for reading in decoded.readings}
    assert read[ReadingKind.ROOM_TEMPERATURE_C] == round(temperature, 2)
    assert read[ReadingKind.SETPOINT_TEMPERATURE_C] == round(setpoint, 1)
    assert read[ReadingKind.HEATING_ON] == on


def test_diapers_run_low_when_the_monitor_says_so_however_often_it_resends() -> None:
    state, memory = baby_monitor.BabyMonitor("mon1"), DeviceMemory()
    needs = []
    for _ in range(40):
        state, event = baby_monitor.press(
            state, baby_monitor.DiaperEvent.CHANGE, 1, "2026-11-22T07:30:00Z"
        )
        for payload in [baby_monitor.event_payload(event)] * 2:
            memory, effects = step(memory, mqtt(BABY.topic or "", payload), BABY)
            needs += [e.signal for e in effects if isinstance(e, KeepSignal)]
    assert memory.supply.remaining == state.stock_units == 4
    (need,) = needs
    assert need.kind == SignalKind.LOW_STOCK
    assert need.evidence["remaining_units"] == 8


@given(now=st.integers(0, 2 * 86_400_000), unit=st.floats(0, 1), crying=st.booleans())
def test_a_nursery_report(now: int, unit: float, crying: bool) -> None:
    state = baby_monitor.cry(baby_monitor.BabyMonitor("mon1"), now, 1000 if crying else 0)
    payload = baby_monitor.report_payload(state, now, "2026-11-22T07:30:00Z", unit)
    decoded = decode(mqtt(BABY.topic or "", payload), BABY)
    assert isinstance(decoded, Decoded)
    kinds = {reading.kind for reading in decoded.readings}
    assert ReadingKind.CRY_CONFIDENCE_PERCENT in kinds
    assert (ReadingKind.BREATHING_RATE_BPM in kinds) != crying
