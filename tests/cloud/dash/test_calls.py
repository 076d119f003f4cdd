"""What devices may not do, and what is said to them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_world import MAKER, NAMESPACE, World, still_world, versions
from zodra_cloud.dash import policy, wire
from zodra_cloud.dash import service as dash
from zodra_cloud.dash.models import DeviceModel, NotificationKind
from zodra_cloud.dash.wire import DeviceStatus, SlotStatus, Verb
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.store.engine import Database


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A refusal reads a token and writes nothing; the way is tried on both databases."""
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def token(world: World) -> str:
    return world.login().access


@pytest.fixture(scope="module")
def still(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, str]]:
    with still_world(sqlite_template, tmp_path_factory.mktemp("still")) as world:
        yield world, world.login().access


VERBS = [
    ("POST", "/replenish/beans", "Replenish", "1.0"),
    ("POST", "/slotStatus/beans", "SlotStatus", "1.0"),
    ("POST", "/deviceStatus", "DeviceStatus", "1.0"),
    ("GET", "/subscriptionInfo", "SubscriptionInfo", "1.0"),
    ("GET", "/getOrderInfo/ze_1", "OrderInfo", "1.0"),
    ("DELETE", "/registration", "Deregister", "2.0"),
    ("DELETE", "/deviceModels/Crema-2/devices/SN+1_a-2/registration", "Deregister", "1.0"),
    ("DELETE", "/testOrders", "CancelTestOrders", "1.0"),
    ("DELETE", "/testOrders/slots/beans", "CancelTestOrders", "1.0"),
]
verbs = pytest.mark.parametrize(
    ("method", "path", "name", "sent"),
    VERBS,
    ids=[f"{each[2]} {each[1].count('/')}" for each in VERBS],
)


@verbs
def test_every_verb_wants_both_headers(
    still: tuple[World, str], method: str, path: str, name: str, sent: str
) -> None:
    world, token = still
    good = versions(name, sent) | {"authorization": f"Bearer {token}"}
    for missing in ("x-amzn-type-version", "x-amzn-accept-type"):
        headers = {each: value for each, value in good.items() if each != missing}
        answer = world.client.request(method, f"/dash{path}", headers=headers)
        assert answer.status_code == 400
        assert f"header {missing} is missing" in answer.json()["message"]
        for wrong in (f"{NAMESPACE}Drs{name}Input@9.0", "DrsReplenishInput@1.0", "", "é"):
            said = [(each.encode(), value.encode()) for each, value in good.items()]
            said = [each for each in said if each[0] != missing.encode()]
            answer = world.client.request(
                method, f"/dash{path}", headers=[*said, (missing.encode(), wrong.encode())]
            )
            assert answer.status_code == 400
            assert f"header {missing} is not one of" in answer.json()["message"]


@verbs
def test_every_verb_wants_a_live_token(
    still: tuple[World, str], method: str, path: str, name: str, sent: str
) -> None:
    world, _token = still
    for said in (None, "Bearer", "Bearer zat_guess", "Basic eDp5", "Bearer " + "z" * 5_000):
        headers = versions(name, sent) | ({} if said is None else {"authorization": said})
        answer = world.client.request(method, f"/dash{path}", headers=headers)
        assert answer.status_code == 400, said
        assert "token" in answer.json()["message"]
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_an_expired_token_opens_no_verb(world: World, token: str) -> None:
    world.clock.advance(3_600)
    assert world.replenish(token).status_code == 400


def test_headers_in_other_capitals_and_the_classic_prefix_are_understood(
    world: World, token: str
) -> None:
    headers = {name.title(): value for name, value in versions("Replenish").items()}
    headers["Authorization"] = f"Bearer Atza|{token}"
    answer = world.client.post("/dash/replenish/beans", headers=headers)
    assert answer.json()["detailCode"] == "STANDARD_ORDER_PLACED"
    assert answer.headers["x-amzn-type-version"] == f"{NAMESPACE}DrsReplenishResult@1.0"


@pytest.mark.parametrize("slot", ["nothing", "x" * 500, "%2e%2e", "a%00b", "BEANS", "%F0%9F%AB%98"])
def test_a_slot_that_the_device_does_not_have(still: tuple[World, str], slot: str) -> None:
    world, token = still
    answer = world.replenish(token, slot)
    assert (answer.status_code, "slot" in answer.json()["message"]) == (400, True)


def test_a_slot_without_a_product_is_not_replenished(still: tuple[World, str]) -> None:
    world, token = still
    answer = world.replenish(token, "water")
    assert answer.status_code == 400
    assert "not subscribed" in answer.json()["message"]


def test_a_token_speaks_for_its_own_household_and_device(world: World, token: str) -> None:
    other = world.login(world.other, device={"serial": "SN-9"}).access
    mine = world.replenish(token).json()["eventInstanceId"]
    assert world.call("GET", f"/getOrderInfo/{mine}", "OrderInfo", token).status_code == 200
    assert world.call("GET", f"/getOrderInfo/{mine}", "OrderInfo", other).status_code == 400
    second = world.login(device={"serial": "SN-10"}).access
    assert world.call("GET", f"/getOrderInfo/{mine}", "OrderInfo", second).status_code == 400
    # The other device's slot of the same name is another slot.
    assert world.replenish(second).json()["detailCode"] == "STANDARD_ORDER_PLACED"


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "a b", "é", "a\tb"])
def test_a_name_of_a_call_that_is_none(still: tuple[World, str], key: str) -> None:
    world, token = still
    said = {**versions("Replenish"), "authorization": f"Bearer {token}", "idempotency-key": key}
    answer = world.client.post(
        "/dash/replenish/beans",
        headers=[(name.encode(), value.encode()) for name, value in said.items()],
    )
    assert (answer.status_code, "Idempotency-Key" in answer.text) == (400, True)


GOOD = '{"remainingQuantityInUnit": 1.5}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("", "body", id="nothing"),
        pytest.param("[]", "body", id="a list"),
        pytest.param("{}", "remainingQuantityInUnit", id="nothing in it"),
        pytest.param('{"remainingQuantityInUnit": "1"}', "remainingQuantityInUnit", id="text"),
        pytest.param('{"remainingQuantityInUnit": -1}', "remainingQuantityInUnit", id="below 0"),
        pytest.param('{"remainingQuantityInUnit": NaN}', "remainingQuantityInUnit", id="NaN"),
        pytest.param('{"remainingQuantityInUnit": 1e99}', "remainingQuantityInUnit", id="1e99"),
        pytest.param(GOOD[:-1] + ', "lastUseDate": "soon"}', "lastUseDate", id="no date"),
        pytest.param(GOOD[:-1] + ', "lastUseDate": 7}', "lastUseDate", id="a number for a date"),
        pytest.param("\xff", "body", id="not UTF-8"),
        pytest.param("[" * 3_000, "body", id="deep"),
        pytest.param(GOOD + " " * 5_000, "over 4096 bytes", id="over 4 KiB"),
    ],
)
def test_a_slots_status_that_is_none(still: tuple[World, str], body: str, said: str) -> None:
    world, token = still
    answer = world.call(
        "POST", "/slotStatus/beans", "SlotStatus", token, content=body.encode("latin-1")
    )
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_body_without_end_is_not_read(still: tuple[World, str]) -> None:
    world, token = still
    answer = world.call("POST", "/slotStatus/beans", "SlotStatus", token, content=b"x" * 100_000)
    assert answer.status_code in (400, 413)


def test_a_date_that_lies_ahead_is_not_believed(still: tuple[World, str]) -> None:
    world, token = still
    ahead = {"mostRecentlyActiveDate": "2030-01-01T00:00:00+01:00"}
    answer = world.call("POST", "/deviceStatus", "DeviceStatus", token, json=ahead)
    assert (answer.status_code, "future" in answer.text) == (400, True)


def test_a_device_that_calls_too_often_is_told_to_wait(database: Database) -> None:
    world = World(database, calls_per_minute=2)
    token = world.login().access
    answers = [world.replenish(token) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "30"
    world.clock.advance(60)
    assert world.replenish(token).status_code == 200


@given(raw=st.binary(max_size=300))
def test_no_body_breaks_the_reader(raw: bytes) -> None:
    for kind in (SlotStatus, DeviceStatus):
        assert isinstance(wire.read_body(kind, raw), kind | str)


@given(text=st.text(max_size=300))
def test_no_scope_data_breaks_the_reader(text: str) -> None:
    assert isinstance(policy.read_scope_data(text), str)


@given(headers=st.dictionaries(st.sampled_from([wire.TYPE_VERSION, wire.ACCEPT_TYPE]), st.text()))
def test_no_header_breaks_the_reader(headers: dict[str, str]) -> None:
    for verb in Verb:
        assert isinstance(wire.read_versions(verb, headers), str)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://maker.example/hooks?x=1", True),
        (None, True),
        ("http://maker.example/hooks", False),
        ("https://127.0.0.1/hooks", False),
        ("https://169.254.169.254/latest", False),
        ("https://u:p@maker.example/", False),
        ("https:///hooks", False),
        ("ftp://maker.example/", False),
        ("https://maker.example/#x", False),
        ("https://maker.example/" + "x" * 500, False),
    ],
)
def test_where_notifications_may_go(
    still: tuple[World, str], url: str | None, allowed: bool
) -> None:
    world, _token = still
    with world.database.write() as connection:
        try:
            dash.set_event_url(connection, MAKER, url, private_allowed=False)
        except BadRequest:
            assert not allowed
        else:
            assert allowed


def test_a_maker_without_an_endpoint_is_told_nothing(world: World, token: str) -> None:
    world.replenish(token)
    world.work()
    with world.database.read() as connection:
        assert dash.notifications(connection, dead_only=False) == []


def test_what_nobody_gave_up_is_not_sent_again(world: World) -> None:
    with world.database.write() as connection, pytest.raises(UnknownThing):
        dash.resend(connection, "zn_nothing", now=world.clock.now())


@pytest.mark.parametrize(
    "changed",
    [
        {"slots": []},
        {"model": "a b"},
        {"name": ""},
        {"surprise": 1},
        {"slots": [{"slot_id": "a", "title": {"en": "A", "nl": "A"}, "products": []}]},
    ],
)
def test_a_model_that_is_none(changed: dict[str, Any]) -> None:
    product = {"sku": "x", "title": {"en": "X", "nl": "X"}}
    slot = {"slot_id": "a", "title": {"en": "A", "nl": "A"}, "products": [product]}
    good = {"model": "M", "name": "M", "slots": [slot]}
    DeviceModel.model_validate(good)
    twice = {**good, "slots": [slot, slot]}
    same = {**good, "slots": [{**slot, "products": [product, product]}]}
    for bad in ({**good, **changed}, twice, same):
        with pytest.raises(ValueError, match=r"."):
            DeviceModel.model_validate(bad)


def test_the_six_notifications_have_their_old_names() -> None:
    assert {kind.value for kind in NotificationKind} == {
        "DeviceRegisteredNotification",
        "SubscriptionChangedNotification",
        "OrderPlacedNotification",
        "OrderCancelledNotification",
        "ItemShippedNotification",
        "DeviceDeregisteredNotification",
    }
