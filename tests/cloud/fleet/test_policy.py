"""A gateway's state is one word, with the value and the limit that decided it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_builders import NOON
from cloud_messages import health
from zodra_cloud.fleet.policy import (
    BEHIND_AGE_S,
    DEAF_AFTER_S,
    DISK_LOW_PERCENT,
    REFUSING_FOR_S,
    SILENT_AFTER_S,
    GatewayFacts,
    GatewayState,
    judge,
)
from zodra_contract.envelope import AdapterHealth
from zodra_contract.signal import TimeQuality


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


GOOD = GatewayFacts(
    revoked_at=None,
    last_heard_at=ago(5),
    last_accepted_at=ago(5),
    last_refused_at=None,
    refused_reason=None,
    health=health(),
    health_at=ago(5),
)
DEAF = health(
    adapters=(AdapterHealth(name="hci0", last_advert_age_s=DEAF_AFTER_S + 1, adverts_per_min=0.0),)
)
NEVER_HEARD = AdapterHealth(name="hci0", last_advert_age_s=None, adverts_per_min=0.0)

CASES = [
    pytest.param(GOOD, GatewayState.ONLINE, 5.0, SILENT_AFTER_S, id="online"),
    pytest.param(
        replace(GOOD, last_heard_at=None), GatewayState.NEVER_SEEN, None, None, id="never seen"
    ),
    pytest.param(
        replace(GOOD, revoked_at=ago(9), last_heard_at=None),
        GatewayState.REVOKED,
        None,
        None,
        id="revoked before it was seen",
    ),
    pytest.param(
        replace(GOOD, last_heard_at=ago(181), health=DEAF),
        GatewayState.SILENT_SINCE,
        181.0,
        SILENT_AFTER_S,
        id="silent, whatever it said before",
    ),
    pytest.param(
        replace(GOOD, last_refused_at=ago(2), refused_reason="newer_version"),
        GatewayState.REFUSING,
        2.0,
        REFUSING_FOR_S,
        id="the newest was refused",
    ),
    pytest.param(
        replace(GOOD, last_refused_at=ago(30), last_accepted_at=ago(1), refused_reason="malformed"),
        GatewayState.REFUSING,
        30.0,
        REFUSING_FOR_S,
        id="a refusal just now between accepted ones",
    ),
    pytest.param(
        replace(GOOD, last_refused_at=ago(90), last_accepted_at=ago(1)),
        GatewayState.ONLINE,
        5.0,
        SILENT_AFTER_S,
        id="a refusal long ago",
    ),
    pytest.param(
        replace(GOOD, health=DEAF), GatewayState.DEAF, DEAF_AFTER_S + 1, DEAF_AFTER_S, id="deaf"
    ),
    pytest.param(
        replace(GOOD, health=health(adapters=(NEVER_HEARD,), uptime_s=300.0)),
        GatewayState.DEAF,
        300.0,
        DEAF_AFTER_S,
        id="deaf since it started",
    ),
    pytest.param(
        replace(GOOD, health=health(adapters=(NEVER_HEARD,), uptime_s=30.0)),
        GatewayState.ONLINE,
        5.0,
        SILENT_AFTER_S,
        id="just started",
    ),
    *(
        pytest.param(
            replace(GOOD, health=DEAF.model_copy(update={"storage": state})),
            GatewayState.STORAGE_FAILS,
            None,
            DISK_LOW_PERCENT,
            id=f"{state}, and deaf",
        )
        for state in ("full", "read_only", "io_error")
    ),
    *(
        pytest.param(
            replace(GOOD, health=health(storage=state, disk_used_percent=86.0)),
            GatewayState.STORAGE_LOOK,
            86.0,
            DISK_LOW_PERCENT,
            id=f"storage {state}",
        )
        for state in ("low", "salvaged", "a_state_of_next_year")
    ),
    pytest.param(
        replace(GOOD, health=health(storage="low", telemetry_depth=10_001)),
        GatewayState.BEHIND,
        10_001.0,
        10_000.0,
        id="behind, and low on space",
    ),
    pytest.param(
        replace(GOOD, health=health(need_depth=1, need_oldest_age_s=100.0)),
        GatewayState.BEHIND,
        105.0,
        BEHIND_AGE_S,
        id="a need waits too long",
    ),
    pytest.param(
        replace(GOOD, health=health(telemetry_depth=10_001)),
        GatewayState.BEHIND,
        10_001.0,
        10_000.0,
        id="a backlog of readings",
    ),
    pytest.param(
        replace(GOOD, health=health(clock_quality=TimeQuality.UNSYNCED)),
        GatewayState.CLOCK_BAD,
        None,
        None,
        id="without the time",
    ),
]


@pytest.mark.parametrize(("facts", "state", "value", "limit"), CASES)
def test_the_state_and_what_decided_it(
    facts: GatewayFacts, state: GatewayState, value: float | None, limit: float | None
) -> None:
    verdict = judge(facts, NOON)
    assert (verdict.state, verdict.value, verdict.limit) == (state, value, limit)


def test_every_state_can_happen() -> None:
    assert {case.values[1] for case in CASES} == set(GatewayState)


@given(st.floats(0, 10_000), st.floats(0, 10_000), st.floats(0, 10_000))
def test_a_value_beyond_its_limit_is_never_called_online(
    heard: float, need_age: float, advert_age: float
) -> None:
    facts = replace(
        GOOD,
        last_heard_at=ago(heard),
        health_at=ago(heard),
        health=health(
            need_depth=1,
            need_oldest_age_s=need_age,
            adapters=(
                AdapterHealth(name="hci0", last_advert_age_s=advert_age, adverts_per_min=1.0),
            ),
        ),
    )
    fine = heard <= SILENT_AFTER_S and need_age <= BEHIND_AGE_S and advert_age <= DEAF_AFTER_S
    assert (judge(facts, NOON).state is GatewayState.ONLINE) is fine
