"""What a slot may be: every rule names its field, and what is stored comes back as it was."""

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_builders import NOON, set_up_home, slot
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.households.models import MayPress, Metering, Slot
from zodra_cloud.households.policy import Surroundings, fault_of
from zodra_cloud.store.engine import Database
from zodra_contract.ids import derived_id

PERSON = derived_id("u", "household", "hh-1")
PRESS = slot("hh-1", "btn-kitchen", "button-1", sku="paper-towels-6")
LEVEL = replace(
    PRESS,
    metering=Metering.LEVEL,
    unit="ml",
    capacity_units=1_000.0,
    reorder_units=200.0,
)
USAGE = replace(LEVEL, metering=Metering.USAGE, unit="pods", units_per_item=40.0)
AROUND = Surroundings(
    devices=frozenset({"btn-kitchen", "remote"}),
    people=frozenset({PERSON}),
    other_metered=None,
    call_off_allowed=False,
)
ALLOWED = replace(AROUND, call_off_allowed=True)

GOOD = [
    pytest.param(PRESS, AROUND, id="a press slot"),
    pytest.param(LEVEL, AROUND, id="a level slot"),
    pytest.param(USAGE, AROUND, id="a usage slot"),
    pytest.param(replace(PRESS, metering=Metering.USAGE), AROUND, id="counted by its own device"),
    pytest.param(
        replace(PRESS, quiet_from=time(22), quiet_to=time(7)), AROUND, id="quiet over midnight"
    ),
    pytest.param(
        replace(PRESS, call_off=True, price_ceiling_minor=1_500), ALLOWED, id="call-off allowed"
    ),
    pytest.param(
        replace(PRESS, may_press=MayPress.CONFIRMED_PERSON, press_devices=("remote",)),
        AROUND,
        id="the press of a person's device",
    ),
]
BAD = [
    (replace(PRESS, currency="euro"), "currency", "three capitals"),
    (replace(PRESS, quantity=0), "quantity", "not from 1 to"),
    (replace(PRESS, staleness_limit_s=0), "staleness_limit_s", "not from 1"),
    (replace(PRESS, cooldown_s=-1), "cooldown_s", "not from 0"),
    (replace(PRESS, price_ceiling_minor=-1), "price_ceiling_minor", "not from 0"),
    (replace(PRESS, spend_cap_minor=10**10), "spend_cap_minor", "not from 0"),
    (replace(PRESS, unit="ml"), "unit", "a press slot counts nothing"),
    (replace(PRESS, reorder_units=5.0), "reorder_units", "a press slot counts nothing"),
    (replace(LEVEL, unit="<b>"), "unit", "no word"),
    (replace(LEVEL, unit=""), "unit", "needs it"),
    (replace(LEVEL, capacity_units=None), "capacity_units", "needs it"),
    (replace(LEVEL, reorder_units=1_000.0), "reorder_units", "not below capacity_units"),
    (replace(USAGE, units_per_item=None), "units_per_item", "needs it"),
    (replace(PRESS, quiet_from=time(22)), "quiet_to", "both or neither"),
    (replace(PRESS, quiet_from=time(7), quiet_to=time(7)), "quiet_to", "never end"),
    (replace(PRESS, confirmers=("u-stranger",)), "confirmers", "has no 'u-stranger'"),
    (replace(PRESS, press_devices=("btn-kitchen",)), "press_devices", "only with may_press"),
    (
        replace(PRESS, may_press=MayPress.CONFIRMED_PERSON, press_devices=("ghost",)),
        "press_devices",
        "has no 'ghost'",
    ),
    (replace(PRESS, call_off=True, price_ceiling_minor=9), "call_off", "this market"),
]


@pytest.mark.parametrize(("good", "around"), GOOD)
def test_a_slot_may_be(good: Slot, around: Surroundings) -> None:
    assert fault_of(good, around) is None


@pytest.mark.parametrize(
    ("bad", "field", "rule"), BAD, ids=[f"{field}: {rule}" for _slot, field, rule in BAD]
)
def test_a_slot_may_not_be(bad: Slot, field: str, rule: str) -> None:
    fault = fault_of(bad, AROUND)
    assert fault is not None
    assert fault.startswith(f"{field}: ")
    assert rule in fault


def test_a_device_counts_one_slot_only() -> None:
    fault = fault_of(LEVEL, replace(AROUND, other_metered="tank"))
    assert fault is not None
    assert fault.startswith("reorder_units: slot 'tank'")


def test_call_off_needs_a_ceiling_even_where_it_is_allowed() -> None:
    assert fault_of(replace(PRESS, call_off=True), ALLOWED) == (
        "call_off: needs a product and a price ceiling"
    )


@given(st.floats(), st.floats(), st.floats())
def test_no_number_makes_the_rules_stumble(low: float, full: float, item: float) -> None:
    odd = replace(USAGE, reorder_units=low, capacity_units=full, units_per_item=item)
    fault = fault_of(odd, AROUND)
    if fault is None:
        assert 0 <= low < full <= 1e9
        assert item > 0


FULL = replace(
    USAGE,
    title="Coffee",
    cooldown_s=3_600,
    spend_cap_minor=5_000,
    quiet_from=time(22, 30),
    quiet_to=time(7),
    may_press=MayPress.CONFIRMED_PERSON,
    press_devices=("trv-living",),
    confirmers=(PERSON,),
)


def test_what_is_bound_comes_back(database: Database) -> None:
    set_up_home(database)
    with database.write() as connection:
        households.bind_slot(connection, FULL, now=NOON)
    with database.read() as connection:
        assert households.slot(connection, "hh-1", "btn-kitchen", "button-1") == FULL
        place = ("hh-1", "btn-kitchen", "button-1")
        assert households.slots_at(connection, [place, ("hh-1", "no", "no")]) == {place: FULL}
        assert households.device_slots(connection, "hh-1", "btn-kitchen") == [FULL]


def test_what_may_not_be_is_not_stored(database: Database) -> None:
    set_up_home(database)
    with database.write() as connection:
        with pytest.raises(BadRequest, match="slot 'button-1' of 'btn-kitchen': quantity: 0"):
            households.bind_slot(connection, replace(PRESS, quantity=0), now=NOON)
        with pytest.raises(BadRequest, match="confirmers: the household has no"):
            households.bind_slot(connection, replace(PRESS, confirmers=("u-x",)), now=NOON)
        with pytest.raises(UnknownThing, match="no device 'ghost'"):
            households.bind_slot(connection, replace(PRESS, device_id="ghost"), now=NOON)
        households.bind_slot(connection, LEVEL, now=NOON)
        with pytest.raises(BadRequest, match="slot 'button-1' of the device counts already"):
            households.bind_slot(connection, replace(LEVEL, slot_key="tank"), now=NOON)
