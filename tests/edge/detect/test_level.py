"""A weight as units of a slot, and how it leaves the home."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import ADDRESS, advert
from edge_steps import readings
from zodra_contract.reading import ReadingKind
from zodra_edge.core import DeviceMemory, step
from zodra_edge.decode.profile import DeviceProfile, Family, Limits
from zodra_edge.detect.level import remaining_units

SCALE = DeviceProfile("mat", Family.SENSOR, "tins", address=ADDRESS)
TINS = Limits(unit_kg=0.4, empty_kg=1.2)
FIVE_KG = bytes.fromhex("4006f401")
"""BTHome v2, mass in hundredths of a kilogram."""


@pytest.mark.parametrize(
    ("weight_kg", "left"), [(5.2, 10.0), (1.2, 0.0), (1.3, 0.25), (0.4, 0.0), (1e9, 100_000.0)]
)
def test_a_weight_is_so_many_units(weight_kg: float, left: float) -> None:
    assert remaining_units(weight_kg, TINS) == left
    assert remaining_units(weight_kg, Limits()) is None


@given(
    st.floats(-1e6, 1e6),
    st.floats(0, 1e4),
    st.floats(1e-6, 1e4),
)
def test_never_less_than_nothing(weight_kg: float, empty_kg: float, unit_kg: float) -> None:
    left = remaining_units(weight_kg, Limits(unit_kg=unit_kg, empty_kg=empty_kg))
    assert left is not None
    assert 0 <= left <= 100_000


def test_a_scale_tells_both_and_opens_no_need() -> None:
    _, effects = step(DeviceMemory(), advert(FIVE_KG), replace(SCALE, limits=TINS))
    assert readings([*effects]) == [
        (ReadingKind.WEIGHT_KG, 5.0),
        (ReadingKind.REMAINING_UNITS, 9.5),
    ]


def test_without_a_unit_only_the_weight_is_told() -> None:
    _, effects = step(DeviceMemory(), advert(FIVE_KG), SCALE)
    assert readings([*effects]) == [(ReadingKind.WEIGHT_KG, 5.0)]


def test_a_person_is_not_counted() -> None:
    worn = replace(SCALE, family=Family.WEARABLE, limits=TINS)
    _, effects = step(DeviceMemory(), advert(FIVE_KG), worn)
    assert readings([*effects]) == []
