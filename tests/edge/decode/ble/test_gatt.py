"""Values read over a connection: layouts of the GATT Specification Supplement."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import BABY, BUTTON, WEARABLE, gatt
from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode import Family, decode
from zodra_edge.decode.ble.gatt import READS, parse
from zodra_edge.decode.ble.patterns import PATTERNS, needs_active
from zodra_edge.decode.ble.registry import BUILT_IN
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

SENSOR = replace(WEARABLE, family=Family.SENSOR)


@pytest.mark.parametrize(
    ("characteristic", "value", "kind", "number"),
    [
        ("2a1c", "006c0100ff", "body_temperature_c", 36.4),
        ("2a1c", "01da0300ff", "body_temperature_c", 37.0),
        ("2a1c", "066e0e00fee607080f000000", "body_temperature_c", 36.94),
        ("2a9d", "00c03a", "body_weight_kg", 75.2),
        ("2a9d", "01c040", "body_weight_kg", 75.1875),
        ("2a6e", "0f0a", "room_temperature_c", 25.75),
        ("2a6e", "18fc", "room_temperature_c", -10.0),
        ("2a6f", "8813", "humidity_percent", 50.0),
        ("2a6d", "207d0f00", "pressure_hpa", 1015.072),
        ("00002a19-0000-1000-8000-00805f9b34fb", "57", "battery_percent", 87),
        ("2A19", "64", "battery_percent", 100),
    ],
)
def test_a_value_is_read(characteristic: str, value: str, kind: str, number: float) -> None:
    decoded = decode(gatt(bytes.fromhex(value), characteristic=characteristic), SENSOR)
    assert isinstance(decoded, Decoded)
    (reading,) = decoded.readings
    assert reading.kind.value == kind
    assert reading.value == pytest.approx(number, abs=1e-3)


@pytest.mark.parametrize(
    ("characteristic", "value"),
    [("2a1c", "00ffff7f00"), ("2a9d", "00ffff"), ("2a6e", "0080"), ("2a6f", "ffff")],
)
def test_what_was_not_measured_is_no_reading(characteristic: str, value: str) -> None:
    decoded = decode(gatt(bytes.fromhex(value), characteristic=characteristic), SENSOR)
    assert isinstance(decoded, Decoded)
    assert decoded.readings == ()


def test_the_room_of_a_baby_stays_home() -> None:
    nursery = replace(BABY, address=WEARABLE.address)
    decoded = decode(gatt(b"\x0f\x0a", characteristic="2a6e"), nursery)
    assert isinstance(decoded, Decoded)
    assert [reading.kind for reading in decoded.readings] == [ReadingKind.NURSERY_TEMPERATURE_C]
    assert {ReadingKind.BODY_TEMPERATURE_C, ReadingKind.BODY_WEIGHT_KG} <= STAYS_HOME


@pytest.mark.parametrize("characteristic", ["2a00", "zzzz", "", "2a1", "0000zzzz-0000"])
def test_another_characteristic_is_said(characteristic: str) -> None:
    decoded = decode(gatt(b"\x00", characteristic=characteristic), SENSOR)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.UNKNOWN_FORMAT


def test_a_button_is_not_connected_to() -> None:
    decoded = decode(gatt(b"\x64", characteristic="2a19"), BUTTON)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.UNKNOWN_FORMAT


@given(
    characteristic=st.sampled_from(sorted(READS)) | st.integers(-1, 70_000),
    value=st.binary(max_size=600),
)
def test_any_bytes(characteristic: int, value: bytes) -> None:
    said = parse(characteristic, value)
    if isinstance(said, Undecodable):
        assert said.detail
    else:
        assert len(said.values) <= 1


def test_each_parser_says_what_a_passive_scanner_must_let_through() -> None:
    assert set(PATTERNS) == set(BUILT_IN)
    assert all(PATTERNS.values())


@pytest.mark.parametrize(
    ("profile", "active"),
    [
        (BUTTON, False),
        (replace(BUTTON, bind_key=None), True),
        (SENSOR, False),
        (replace(SENSOR, parser="govee"), True),
        (replace(SENSOR, parser="mat"), True),
        (WEARABLE, False),
    ],
)
def test_who_needs_active_scanning(profile: DeviceProfile, active: bool) -> None:
    assert needs_active(profile) == active
