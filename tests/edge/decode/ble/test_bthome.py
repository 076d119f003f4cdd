"""BTHome: what is written is read, and bthome-ble agrees wherever both read."""

import logging
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from bthome_ble.const import MEAS_TYPES
from habluetooth import BluetoothServiceInfoBleak
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import ADDRESS, BTHOME, BUTTON, KEY, PLAIN_BUTTON, advert, bthome, bthome_encrypted
from zodra_contract.reading import ReadingKind
from zodra_edge.decode import decode
from zodra_edge.decode.ble.bthome_objects import LENGTHS, MEASURES, Length
from zodra_edge.decode.result import Decoded, DecodeRefusal, Press, Undecodable

EVENTS = {
    1: "press",
    2: "double_press",
    3: "triple_press",
    4: "long_press",
    5: "long_double_press",
    6: "long_triple_press",
}
FIXED = {
    object_id: meaning.data_length
    for object_id, meaning in MEAS_TYPES.items()
    if meaning.data_format not in ("raw", "string", "command")
}
OBJECTS = st.sampled_from(sorted(FIXED)).flatmap(
    lambda object_id: st.binary(min_size=FIXED[object_id], max_size=FIXED[object_id]).map(
        lambda data: bytes([object_id]) + data
    )
)


@given(
    packet_id=st.integers(0, 255),
    battery=st.integers(0, 100),
    events=st.lists(st.sampled_from([0, *EVENTS]), min_size=1, max_size=4),
    counter=st.integers(0, 2**32 - 1),
)
def test_what_a_button_writes_is_read(
    packet_id: int, battery: int, events: list[int], counter: int
) -> None:
    payload = bytes([0, packet_id, 1, battery]) + b"".join(bytes([0x3A, e]) for e in events)
    for frame, profile, count in (
        (bthome(payload), PLAIN_BUTTON, None),
        (bthome_encrypted(payload, counter), BUTTON, counter),
    ):
        decoded = decode(advert(frame), profile)
        assert isinstance(decoded, Decoded)
        assert decoded.presses == tuple(
            Press(index, EVENTS[event], None if count is None else str(count), packet_id)
            for index, event in enumerate(events)
            if event
        )
        assert [(r.kind, r.value) for r in decoded.readings] == [
            (ReadingKind.BATTERY_PERCENT, battery)
        ]
        assert (decoded.counter, decoded.packet_id) == (count, packet_id)
        assert decoded.authenticated == (count is not None)


@given(
    payload=st.binary(min_size=1, max_size=20),
    counter=st.integers(0, 2**32 - 1),
    at=st.integers(1, 1000),
    bit=st.integers(0, 7),
)
def test_one_changed_bit_fails(payload: bytes, counter: int, at: int, bit: int) -> None:
    frame = bytearray(bthome_encrypted(payload, counter))
    frame[1 + at % (len(frame) - 1)] ^= 1 << bit
    decoded = decode(advert(bytes(frame)), BUTTON)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.WRONG_BIND_KEY


def reference(data: bytes, key: bytes | None) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What bthome-ble reads, with a fresh parser."""
    logging.getLogger("bthome_ble").disabled = True
    parser = BTHomeBluetoothDeviceData(bindkey=key)
    update = parser.update(
        BluetoothServiceInfoBleak(
            name="test",
            address=ADDRESS,
            rssi=-60,
            manufacturer_data={},
            service_data={BTHOME: data},
            service_uuids=[],
            source="",
            device=BLEDevice(ADDRESS, None, {}),
            advertisement=None,
            connectable=False,
            time=0,
            tx_power=None,
        )
    )
    values = {key.key: value.native_value for key, value in update.entity_values.items()}
    events = [(key.key, event.event_type) for key, event in update.events.items()]
    return values, events


@given(objects=st.lists(OBJECTS, min_size=1, max_size=5), encrypted=st.booleans())
def test_the_library_reads_the_same(objects: list[bytes], encrypted: bool) -> None:
    payload = b"".join(objects)
    if encrypted and len(payload) < 2:
        return
    frame = bthome_encrypted(payload, 4711) if encrypted else bthome(payload)
    decoded = decode(advert(frame), BUTTON if encrypted else PLAIN_BUTTON)
    assert isinstance(decoded, Decoded)
    values, events = reference(frame, KEY if encrypted else None)
    read = {reading.kind: reading.value for reading in decoded.readings}
    for name, kind, highest in (
        ("battery", ReadingKind.BATTERY_PERCENT, 100),
        ("humidity", ReadingKind.HUMIDITY_PERCENT, 100),
        ("temperature", ReadingKind.ROOM_TEMPERATURE_C, 125),
    ):
        several = [v for key, v in values.items() if key == name or key.startswith(f"{name}_")]
        fitting = [value for value in several if -60 <= value <= highest]
        assert (read.get(kind) in fitting) if fitting else kind not in read
    pressed = [press.event for press in decoded.presses]
    theirs = [event for key, event in events if key.startswith("button")]
    # A hold ends in a long press, which is the one that counts.
    assert [e for e in theirs if e not in {"hold_press", "hold_release"}] == pressed


@pytest.mark.parametrize("tail", [b"\xfe\x01", b"\x7f"])
@pytest.mark.parametrize("encrypted", [True, False])
def test_newer_objects_end_a_frame_without_refusing_it(tail: bytes, encrypted: bool) -> None:
    payload = b"\x01\x64\x3a\x01" + tail
    frame = advert(bthome_encrypted(payload, 1) if encrypted else bthome(payload))
    decoded = decode(frame, BUTTON if encrypted else PLAIN_BUTTON)
    assert isinstance(decoded, Decoded)
    assert len(decoded.presses) == 1
    assert [reading.value for reading in decoded.readings] == [100]


def test_a_plain_frame_with_nothing_known_in_it_is_refused() -> None:
    decoded = decode(advert(bthome(b"\xfe\x01")), PLAIN_BUTTON)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.MALFORMED


def test_a_frame_reads_the_same_however_often_it_is_read() -> None:
    frames = [advert(bthome_encrypted(b"\x00\x05\x3a\x01", n)) for n in (200, 50, 50, 3)]
    first = [decode(frame, BUTTON) for frame in frames]
    assert [decode(frame, BUTTON) for frame in reversed(frames)] == first[::-1]
    assert all(isinstance(decoded, Decoded) and decoded.presses for decoded in first)


def test_the_table_of_objects_is_the_librarys() -> None:
    says_so = {"raw": Length.BYTES, "string": Length.BYTES, "command": Length.COMMAND}
    assert {
        object_id: says_so.get(meaning.data_format, meaning.data_length)
        for object_id, meaning in MEAS_TYPES.items()
    } == LENGTHS


FACTORS = {"lb": 0.45359237, "mL": 0.001, "m": 1000}


def test_what_is_read_has_the_factor_and_the_sign_of_the_librarys() -> None:
    for object_id, measure in MEASURES.items():
        theirs = MEAS_TYPES[object_id]
        assert (theirs.data_format == "signed_integer") == measure.signed
        # A binary sensor has no unit, and is 0 or 1.
        unit = getattr(theirs.meas_format, "native_unit_of_measurement", None)
        unit = str(getattr(unit, "value", unit))
        assert measure.factor == pytest.approx(theirs.factor * FACTORS.get(unit, 1))


def test_every_measurement_that_has_a_kind_of_ours_is_read() -> None:
    named = {
        (type(meaning.meas_format), getattr(meaning.meas_format, "device_class", ""))
        for object_id, meaning in MEAS_TYPES.items()
        if object_id in MEASURES
    }
    left_out = {
        object_id
        for object_id, meaning in MEAS_TYPES.items()
        if object_id not in MEASURES
        and (type(meaning.meas_format), getattr(meaning.meas_format, "device_class", "")) in named
    }
    assert left_out == set()
