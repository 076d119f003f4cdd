"""The question that a household is asked, and everything that never becomes one."""

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from dash_world import MAKER, REDIRECT, World, verifier
from web_reading import text_of
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.errors import AlreadyThere, BadRequest
from zodra_cloud.households.models import Role
from zodra_cloud.oauth import policy
from zodra_cloud.oauth import service as oauth
from zodra_cloud.store.engine import Database


def address(world: World, **changed: Any) -> str:
    _drawn, challenge = verifier()
    return f"/oauth/authorize?{urlencode(world.query(challenge, **changed))}"


def fields(page: str, **more: str) -> dict[str, str]:
    return {"form_token": page.split('name="form_token" value="')[1].split('"')[0], **more}


def test_the_household_reads_what_it_agrees_to(world: World) -> None:
    browser = world.browser()
    where = address(world)
    asked = browser.get(where)
    read = text_of(asked.text)
    assert "Connect Crema coffee machine?" in read
    assert "The Roastery asks to connect this device to your home." in read
    assert "nothing is ordered without your yes" in read
    assert "It does not hear your name or your address." in read
    assert "checked" not in asked.text
    switched = browser.post("/language", data=fields(asked.text, language="nl", back=where))
    assert switched.headers["location"] == where
    read = text_of(browser.get(where).text)
    assert "Crema coffee machine verbinden?" in read
    assert "Bonen" in read


def test_the_answer_may_lead_to_the_maker_and_to_nobody_else(world: World) -> None:
    policy = world.browser().get(address(world)).headers["content-security-policy"]
    assert "form-action 'self' https://roastery.example;" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_no_is_access_denied_and_leaves_nothing(world: World) -> None:
    browser = world.browser()
    where = address(world)
    answer = browser.post(where, data=fields(browser.get(where).text, answer="no"))
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(f"{REDIRECT}?")
    assert (found["error"], found["state"]) == (["access_denied"], ['x"y/z'])
    assert "No connected devices" in browser.get("/connections").text


def test_a_yes_alone_connects_nothing_before_the_device_redeems_it(world: World) -> None:
    drawn, challenge = verifier()
    code = world.code(challenge)
    browser = world.browser()
    assert "No connected devices" in browser.get("/connections").text
    sent = {"grant_type": "authorization_code", "redirect_uri": REDIRECT}
    assert world.exchange(**sent, code=code, code_verifier=drawn).status_code == 200
    assert "Crema coffee machine" in browser.get("/connections").text
    with world.database.read() as connection:
        assert consent.live_grant(connection, world.home.household_id, Purpose.REPLENISH)


def test_what_was_picked_before_is_preset_at_the_next_login(world: World) -> None:
    world.login()
    page = world.browser().get(address(world)).text
    assert 'value="paper-towels-6" required checked' in page


def test_somebody_who_is_not_signed_in_comes_back_after_signing_in(world: World) -> None:
    where = address(world)
    browser = TestClient(world.client.app, follow_redirects=False)
    assert browser.get(where).headers["location"] == "/sign-in"
    signed_in = browser.post("/sign-in", data={"token": world.home.link()})
    assert signed_in.headers["location"].startswith("/oauth/authorize?")
    landed = browser.get(signed_in.headers["location"])
    assert (landed.status_code, "The Roastery" in landed.text) == (200, True)
    assert "zodra_next" not in browser.cookies


@pytest.mark.parametrize(
    "planted",
    ["https://evil.example/", "//evil.example", "/oauth/authorizeX?", "/operator", "x" * 4_000],
)
def test_nobody_is_led_elsewhere_after_signing_in(still: World, planted: str) -> None:
    browser = TestClient(still.client.app, follow_redirects=False)
    browser.cookies.set("zodra_next", planted)
    signed_in = browser.post("/sign-in", data={"token": still.home.link()})
    assert signed_in.headers["location"] == "/"


def test_an_operator_connects_nothing(world: World) -> None:
    browser = TestClient(world.client.app, follow_redirects=False)
    browser.post("/sign-in", data={"token": world.home.link(Role.OPERATOR)})
    assert browser.get(address(world)).status_code == 403


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        pytest.param({"code_challenge": None}, "invalid_request", id="no challenge"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain"),
        pytest.param({"code_challenge_method": None}, "invalid_request", id="no method"),
        pytest.param({"code_challenge": "short"}, "invalid_request", id="short challenge"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit"),
        pytest.param({"scope": "profile"}, "invalid_scope", id="another scope"),
        pytest.param({"scope": "dash:replenish profile"}, "invalid_scope", id="more scope"),
        pytest.param({"scope": None}, "invalid_scope", id="no scope"),
        pytest.param({"scope_data": None}, "invalid_request", id="no scope data"),
        pytest.param({"scope_data": "{"}, "invalid_request", id="scope data that is no JSON"),
        pytest.param({"scope_data": "[]"}, "invalid_request", id="scope data that is a list"),
        pytest.param({"scope_data": '"' * 2_001}, "invalid_request", id="long scope data"),
        pytest.param({"device": {"serial": "a b"}}, "invalid_request", id="serial with a space"),
        pytest.param({"device": {"serial": "x" * 65}}, "invalid_request", id="long serial"),
        pytest.param({"device": {"serial": ""}}, "invalid_request", id="no serial"),
        pytest.param({"device": {"device_model": "Nothing"}}, "invalid_request", id="no model"),
        pytest.param({"device": {"device_model": "Crema-3"}}, "invalid_request", id="not live"),
        pytest.param(
            {"device": {"device_model": "Crema-3", "should_include_non_live": True}},
            "invalid_request",
            id="non-live in production",
        ),
        pytest.param(
            {"device": {"should_include_non_live": True}},
            "invalid_request",
            id="non-live asked for in production",
        ),
        pytest.param({"device": {"is_test_device": "true"}}, "invalid_request", id="no boolean"),
        pytest.param({"device": {"surprise": 1}}, "invalid_request", id="an unknown field"),
    ],
)
def test_a_faulty_request_goes_back_with_its_error(
    still: World, still_browser: TestClient, changed: dict[str, Any], error: str
) -> None:
    answer = still_browser.get(address(still, **changed))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{REDIRECT}?")
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (found["error"], found["state"]) == ([error], ['x"y/z'])
    assert "code" not in found


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"redirect_uri": REDIRECT + "/"}, id="one character more"),
        pytest.param({"redirect_uri": REDIRECT + "?a=1"}, id="with a query"),
        pytest.param({"redirect_uri": REDIRECT.upper()}, id="in capitals"),
        pytest.param({"redirect_uri": "https://evil.example/"}, id="another host"),
        pytest.param({"redirect_uri": "https://roastery.example@evil.example/"}, id="disguised"),
        pytest.param({"redirect_uri": "javascript:alert(1)"}, id="a script"),
        pytest.param({"redirect_uri": 'https://x.example/"'}, id="with a quote"),
        pytest.param({"redirect_uri": None}, id="none of two"),
        pytest.param({"client_id": "stranger"}, id="no such client"),
        pytest.param({"client_id": None}, id="no client"),
        pytest.param({"client_id": "a\nb"}, id="a client with a line break"),
        pytest.param({"response_type": 'co"de'}, id="a quoted response type"),
    ],
)
def test_nobody_is_redirected_to_an_address_that_is_not_the_clients(
    still: World, still_browser: TestClient, changed: dict[str, Any]
) -> None:
    answer = still_browser.get(address(still, **changed))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "This login is not valid" in answer.text


def test_a_parameter_that_is_there_twice_is_refused(world: World) -> None:
    answer = world.browser().get(address(world) + "&scope=dash:replenish")
    assert answer.status_code == 400


def test_non_live_models_are_for_trials(bare: Database) -> None:
    world = World(bare, production=False)
    device = {"device_model": "Crema-3", "should_include_non_live": True}
    assert world.browser().get(address(world, device=device)).status_code == 200


def test_what_is_decided_is_checked_once_more(world: World) -> None:
    browser = world.browser()
    page = browser.get(address(world)).text
    yes = fields(page, answer="connect", **{"slot-beans": "", "slot-water": ""})
    forged = browser.post(address(world, redirect_uri="https://evil.example/"), data=yes)
    assert (forged.status_code, "location" in forged.headers) == (400, False)
    plain = browser.post(address(world, code_challenge_method="plain"), data=yes)
    assert "error=invalid_request" in plain.headers["location"]
    foreign = browser.post(address(world), data=yes, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    untold = browser.post(address(world), data={**yes, "form_token": "x"})
    assert untold.status_code == 403


def test_a_product_that_the_slot_does_not_have_is_refused(world: World) -> None:
    browser = world.browser()
    where = address(world)
    yes = fields(browser.get(where).text, answer="connect")
    answer = browser.post(where, data={**yes, "slot-beans": "trv-filter"})
    assert answer.status_code == 400


def test_another_households_device_is_not_found(world: World) -> None:
    world.login(world.other)
    other = world.browser(world.other)
    device_id = other.get("/connections").text.split('id="connection-')[1].split('"')[0]
    mine = world.browser()
    token = fields(mine.get(address(world)).text)
    for what in ("products", "disconnect"):
        answer = mine.post(f"/connections/{device_id}/{what}", data=token)
        assert answer.status_code == 404
    assert "Crema" in other.get("/connections").text


def test_the_old_address_of_the_login_works_too(world: World) -> None:
    where = address(world).replace("/oauth/authorize", "/ap/oa")
    asked = world.browser().get(where)
    assert asked.status_code == 200
    assert 'action="/oauth/authorize?' in asked.text


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("https://maker.example/cb", True),
        ("https://maker.example:8443/cb?x=1", True),
        ("http://127.0.0.1:9000/cb", True),
        ("http://localhost/cb", True),
        ("com.maker.app:/cb", True),
        ("http://maker.example/cb", False),
        ("https://maker.example/cb#x", False),
        ("https://u:p@maker.example/", False),
        ("https://*.maker.example/", False),
        ("javascript:alert(1)", False),
        ("myapp:/cb", False),
        ("https:///cb", False),
        ("https://[::1", False),
        ("https://maker.example/ cb", False),
        ("https://é.example/", False),
        ("https://maker.example/" + "x" * 500, False),
        ("", False),
    ],
)
def test_which_addresses_can_be_registered(uri: str, allowed: bool) -> None:
    assert (policy.redirect_fault(uri) is None) == allowed


@pytest.mark.parametrize(
    "facts",
    [
        {"client_id": "a b"},
        {"client_id": "a\n"},
        {"name": " "},
        {"name": "x" * 81},
        {"name": "a\x00"},
        {"redirect_uris": ()},
        {"redirect_uris": ("https://x.example/",) * 11},
        {"redirect_uris": ("ftp://x.example/",)},
    ],
)
def test_a_faulty_client_is_not_registered(still: World, facts: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "name": "X",
        "redirect_uris": (REDIRECT,),
        "secret_required": False,
        **facts,
    }
    client_id = given.pop("client_id", "x")
    with still.database.write() as connection, pytest.raises(BadRequest):
        oauth.add_client(connection, client_id, **given, now=still.clock.now())


def test_a_client_is_registered_once(world: World) -> None:
    with world.database.write() as connection, pytest.raises(AlreadyThere):
        oauth.add_client(
            connection,
            MAKER,
            name="X",
            redirect_uris=(REDIRECT,),
            secret_required=False,
            now=world.clock.now(),
        )


def test_the_state_comes_back_as_it_was_sent(world: World) -> None:
    odd = 'é "\\ \n&=#%' + json.dumps({"a": 1})
    browser = world.browser()
    where = address(world, state=odd)
    answer = browser.post(where, data=fields(browser.get(where).text, answer="no"))
    assert parse_qs(urlsplit(answer.headers["location"]).query)["state"] == [odd]
    assert quote("\n") in answer.headers["location"]
