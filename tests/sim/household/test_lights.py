"""What gateways say about needs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zodra_contract.outcome import SignalState
from zodra_sim.household.lights import STEPS, Lights
from zodra_sim.household.repository import Store

TOPIC = "zodra/gw-1/light/btn-1"
WORD = {
    "device_id": "btn-1",
    "slot_key": "button-1",
    "signal_id": "p_1",
    "state": "kept",
    "reason": "",
    "at": "2026-11-22T06:00:00.000Z",
}


def body(**changes: object) -> bytes:
    return json.dumps(WORD | changes).encode()


@pytest.fixture
def lights(tmp_path: Path) -> Iterator[Lights]:
    store = Store(tmp_path / "home.db")
    yield Lights(store)
    store.close()


def test_a_light_goes_forward_only(lights: Lights) -> None:
    shown = [
        lights.hear(TOPIC, body(state=state))
        for state in ("kept", "asked", "received", "ordered", "ordered", "kept", "delivered")
    ]
    assert [one and one.state for one in shown] == [
        "kept",
        "asked",
        None,
        "ordered",
        None,
        None,
        "delivered",
    ]


def test_the_gateway_is_the_one_of_the_topic(lights: Lights) -> None:
    light = lights.hear(TOPIC, body(gateway_id="another", newer_field=1))
    assert light is not None
    assert light.gateway_id == "gw-1"


def test_every_state_of_the_contract_has_its_place() -> None:
    order = [step for step in STEPS if step in set(SignalState)]
    assert order == [state.value for state in SignalState]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=100), st.just(b"[" * 100_000), st.just(b"{}")))
def test_what_is_no_word_is_counted_and_ignored(lights: Lights, payload: bytes) -> None:
    before = lights.ignored
    assert lights.hear(TOPIC, payload) is None
    assert lights.ignored == before + 1


@pytest.mark.parametrize(
    "changes",
    [{"device_id": "a/b"}, {"state": "<b>"}, {"reason": "x" * 201}, {"slot_key": 7}, {"at": None}],
)
def test_a_word_with_a_wrong_field_is_ignored(lights: Lights, changes: dict[str, object]) -> None:
    assert lights.hear(TOPIC, body(**changes)) is None
