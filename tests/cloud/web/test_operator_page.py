"""The operator's page, through the real application and a real database."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_home import Home
from web_reading import form, text_of
from zodra_cloud.fleet.policy import GatewayState, Verdict
from zodra_cloud.merchants.port import ShopFault, Unknown
from zodra_cloud.store.engine import Database
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.operator import PARTS, bar, verdict_sentence
from zodra_contract.envelope import AdapterHealth

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_new_gateway_is_never_seen(operator: TestClient) -> None:
    page = text_of(operator.get("/operator").text)
    assert "All is well" in page
    assert "gw-demo hh-demo never seen Registered, and never heard." in page


def test_a_gateway_says_how_it_is_with_value_and_limit(
    operator: TestClient, home: Home, clock: FakeClock
) -> None:
    home.health()
    clock.advance(12)
    page = text_of(operator.get("/operator").text)
    assert "online Heard 12 seconds ago; it counts as silent after 3 minutes." in page
    assert "hci0: 212 advertisements a minute · 3 devices nearby are not this home's" in page
    assert "replay 2 unknown device 14" in page
    clock.advance(600)
    page = text_of(operator.get("/operator").text)
    assert "1 gateway needs a look" in page
    assert "silent Nothing heard for 10 minutes; the limit is 3 minutes." in page


@pytest.mark.parametrize(
    ("storage", "used", "said"),
    [
        ("full", 99.9, "disk fails Its disk is full: it keeps no readings, and presses only while"),
        ("read_only", 40.0, "disk fails Its disk takes no writes, so presses are refused"),
        ("io_error", None, "disk fails Its disk fails, so presses may be refused."),
        ("low", 86.2, "look at its disk Its disk is nearly full. Make room before presses"),
        ("salvaged", 40.0, "look at its disk A damaged file was set aside, and what was whole"),
        ("on_fire", 40.0, "look at its disk It says of its storage: on fire. This service does"),
    ],
)
def test_a_disk_in_trouble_is_no_green_light_and_says_what_to_do(
    operator: TestClient, home: Home, storage: str, used: float | None, said: str
) -> None:
    home.health(storage=storage, disk_used_percent=used)
    html = operator.get("/operator").text
    page = text_of(html)
    assert said in page
    assert "1 gateway needs a look" in page
    head = html.partition('id="gateway-gw-demo"')[2].partition('class="gateway-sentence"')[0]
    assert "tone-good" not in head
    sentence = html.partition('class="gateway-sentence"')[2].partition("</p>")[0]
    assert ("in use." in sentence) == (storage in ("full", "low"))


def test_how_the_machine_is_stands_under_each_gateway(operator: TestClient, home: Home) -> None:
    home.health(disk_used_percent=41.7)
    assert "disk in order, 41\xa0% in use · 60 MB of memory" in with_hard_spaces(operator)
    home.health(
        disk_used_percent=41.7,
        clock_error_ms=2_500,
        restarts=1,
        part_restarts=4,
        dropped={"telemetry_age": 1_200, "telemetry_full": 7, "need_luck": 1},
    )
    assert (
        "60 MB of memory · clock off by at most 2 seconds · 1 start after its first · "
        "4 times a part had to be started again · need luck: 1 · "
        "given up as too old: 1,200 readings · given up for lack of room: 7 readings"
    ) in with_hard_spaces(operator)


def with_hard_spaces(operator: TestClient) -> str:
    return text_of(operator.get("/operator").text).replace("41 %", "41\xa0%")


def test_the_oldest_need_without_receipt_grows_older(
    operator: TestClient, home: Home, clock: FakeClock
) -> None:
    home.health(need_depth=3, need_oldest_age_s=240.0)
    clock.advance(60)
    page = text_of(operator.get("/operator").text)
    assert "Oldest need-moment without receipt 5 minutes" in page
    assert "behind Its oldest need-moment has waited 5 minutes; the limit is 1 minute." in page
    assert "Need-moments waiting 3" in page


def test_what_is_refused_is_counted_by_reason(operator: TestClient, home: Home) -> None:
    home.refuse_something()
    page = text_of(operator.get("/operator").text)
    assert "turned away What it sent last was turned away: not readable." in page
    assert "Refused by the cloud not readable 1" in page


def test_the_balance_of_every_household_adds_up(
    operator: TestClient, home: Home, database: Database, clock: FakeClock
) -> None:
    home.press()
    home.need_without_product()
    other = Home(database, clock, household_id="hh-other", gateway_id="gw-other").furnish()
    other.press()
    page = text_of(operator.get("/operator").text)
    assert "hh-demo 2 = 0 + 1 + 1 + 0 + 0 adds up" in page
    assert "hh-other 1 = 0 + 0 + 1 + 0 + 0 adds up" in page


def test_an_order_that_stays_unclear_needs_a_person(
    operator: TestClient, resident: TestClient, home: Home
) -> None:
    home.press()
    home.shop.unclear = Unknown(ShopFault.TIMEOUT)
    address, fields = form(resident.get("/").text, "confirm")
    resident.post(address, data=fields)
    home.work()
    page = text_of(operator.get("/operator").text)
    assert "1 job needs a person" in page
    assert re.search(r"Find out whether the shop has order o_\w+ hh-demo · just now timeout", page)


def test_an_operator_says_that_the_shop_does_not_have_an_order(
    operator: TestClient, resident: TestClient, home: Home, clock: FakeClock
) -> None:
    home.press()
    home.shop.unclear = Unknown(ShopFault.TIMEOUT)
    address, fields = form(resident.get("/").text, "confirm")
    resident.post(address, data=fields)
    for _ in range(30):
        home.work()
        clock.advance(60)
    settle, token = form(operator.get("/operator").text, "settle")
    answer = operator.post(settle, data=token)
    assert answer.headers["location"] == "/operator"
    page = text_of(operator.get("/operator").text)
    assert "Settled: that need ended without an order." in page
    assert "No job is stuck." in page
    operator.post(settle, data=token)
    assert "needs no person" in text_of(operator.get("/operator").text)


def test_a_device_is_made_to_blink(operator: TestClient, home: Home) -> None:
    address, fields = form(operator.get("/operator").text, "identify")
    answer = operator.post(address, data={**fields, "device_id": "btn-kitchen"})
    assert answer.headers["location"] == "/operator"
    assert "Asked. The device blinks" in text_of(operator.get("/operator").text)
    assert operator.post(address, data={**fields, "device_id": "ghost"}).status_code == 404
    unknown = operator.post(
        "/operator/gateways/gw-ghost/identify", data={**fields, "device_id": "btn-kitchen"}
    )
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (
            Verdict(GatewayState.DEAF, "advert_age_s", 300.0, 120.0, NOW, "hci0"),
            "Radio hci0 has heard no device for 5 minutes; the limit is 2 minutes.",
        ),
        (
            Verdict(GatewayState.BEHIND, "telemetry_depth_rows", 12_000.0, 10_000.0, NOW),
            "12,000 readings wait; the limit is 10,000.",
        ),
        (
            Verdict(GatewayState.CLOCK_BAD, "", None, None, NOW),
            "It has not heard the true time since it started.",
        ),
        (
            Verdict(GatewayState.REVOKED, "", None, None, NOW - timedelta(days=2)),
            "Revoked Fri 20 Nov 13:00; whatever it sends is turned away.",
        ),
    ],
    ids=lambda value: value.state if isinstance(value, Verdict) else "",
)
def test_each_state_is_a_sentence(verdict: Verdict, sentence: str) -> None:
    assert verdict_sentence(Speech.of("en"), verdict, NOW) == sentence


@pytest.mark.parametrize(
    "counts", [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 1, 1, 0, 0), (7, 5, 3, 2, 1)]
)
def test_the_bar_is_full_whenever_there_are_needs(counts: tuple[int, ...]) -> None:
    named = {kind: count for (kind, _), count in zip(PARTS, counts, strict=True)}
    parts = bar(Speech.of("en"), named)
    assert sum(part.width for part in parts) == (1_000 if sum(counts) else 0)
    assert [part.x for part in parts] == [sum(p.width for p in parts[:i]) for i in range(5)]


def test_a_radio_says_where_it_stands_how_it_listens_and_what_was_tried(
    operator: TestClient, home: Home
) -> None:
    adapter = AdapterHealth(
        name="hci0",
        last_advert_age_s=90.0,
        adverts_per_min=0.0,
        stage="cycled",
        mode="passive",
        rungs={"open": 1, "restart": 1_200, "power_cycle": 1, "sang_to": 2},
    )
    home.health(adapters=(adapter,))
    page = text_of(operator.get("/operator").text)
    assert "heard nothing; it was switched off and on; only listens" in page
    assert "listened again 1,200, switched off and on 1, sang to 2" in page
