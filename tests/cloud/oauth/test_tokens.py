"""Codes and tokens: what they open, what ends them, and what a thief gets."""

import threading
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.testclient import TestClient

from dash_world import MAKER, REDIRECT, World, verifier
from zodra_cloud.oauth import policy
from zodra_cloud.oauth import service as oauth
from zodra_cloud.store.engine import Database


def refused(answer: Any, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def works(world: World, access: str) -> bool:
    answer = world.call("GET", "/subscriptionInfo", "SubscriptionInfo", access)
    assert answer.status_code in (200, 400)
    return bool(answer.status_code == 200)


def redeem(world: World, given: str, drawn: str | None, **changed: Any) -> Any:
    sent = {
        "grant_type": "authorization_code",
        "code": given,
        "redirect_uri": REDIRECT,
        "code_verifier": drawn,
    }
    return world.exchange(**(sent | changed))


class Session:
    """Sends what authlib's client prepares."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: Any) -> Any:
        _uri, said, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._client.post(url, content=body, headers=said)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic"])
def test_a_foreign_client_goes_the_whole_way(world_on_both: World, method: str) -> None:
    world = world_on_both
    client = OAuth2Client(
        Session(world.client),
        client_id=MAKER,
        client_secret=None if method == "none" else world.secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope="dash:replenish",
        redirect_uri=REDIRECT,
        code_challenge_method="S256",
    )
    drawn, _challenge = verifier()
    address, state = client.create_authorization_url(
        "/oauth/authorize",
        code_verifier=drawn,
        scope_data='{"dash:replenish":{"device_model":"Crema-2","serial":"S1"}}',
    )
    browser = world.browser()
    page = browser.get(address)
    assert page.status_code == 200, page.text
    form_token = page.text.split('name="form_token" value="')[1].split('"')[0]
    yes = {"form_token": form_token, "answer": "connect", "slot-beans": "", "slot-water": ""}
    landed = browser.post(address, data=yes).headers["location"]
    assert landed.startswith(f"{REDIRECT}?")
    assert parse_qs(urlsplit(landed).query)["state"] == [state]
    token = client.fetch_token(
        "/oauth/token", authorization_response=landed, state=state, code_verifier=drawn
    )
    assert (token["token_type"], token["expires_in"]) == ("bearer", 3600)
    assert works(world, token["access_token"])
    fresh = client.refresh_token("/oauth/token", refresh_token=token["refresh_token"])
    assert works(world, fresh["access_token"])
    client.revoke_token("/oauth/revoke", token=fresh["refresh_token"])
    assert not works(world, fresh["access_token"])
    assert not works(world, token["access_token"])


def test_the_metadata_says_where_everything_is(world: World) -> None:
    said = world.client.get("/.well-known/oauth-authorization-server").json()
    assert said["issuer"] == "http://testserver"
    assert said["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint"):
        assert world.client.post(urlsplit(said[name]).path).status_code != 404


def test_tokens_say_what_they_are_and_only_their_hashes_are_stored(world: World) -> None:
    tokens = world.login()
    assert tokens.access.startswith("zat_")
    assert tokens.refresh.startswith("zrt_")
    with world.database.read() as connection:
        for table in ("oauth_clients", "oauth_codes", "oauth_tokens", "oauth_grants"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                for secret in (tokens.access, tokens.refresh, world.secret):
                    assert secret not in repr(row)


def test_a_code_counts_once_and_a_replay_ends_what_came_of_it(world_on_both: World) -> None:
    world = world_on_both
    drawn, challenge = verifier()
    code = world.code(challenge)
    tokens = redeem(world, code, drawn).json()
    assert works(world, tokens["access_token"])
    refused(redeem(world, code, drawn), "invalid_grant")
    assert not works(world, tokens["access_token"])
    refused(
        world.exchange(grant_type="refresh_token", refresh_token=tokens["refresh_token"]),
        "invalid_grant",
    )


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        pytest.param({"code_verifier": "x" * 43}, "invalid_grant", id="wrong verifier"),
        pytest.param({"code_verifier": None}, "invalid_request", id="no verifier"),
        pytest.param({"code_verifier": "short"}, "invalid_request", id="short verifier"),
        pytest.param({"code_verifier": "é" * 50}, "invalid_request", id="verifier not ASCII"),
        pytest.param({"redirect_uri": REDIRECT + "/"}, "invalid_grant", id="wrong redirect"),
        pytest.param({"redirect_uri": None}, "invalid_grant", id="no redirect"),
        pytest.param({"code": "zac_nothing"}, "invalid_grant", id="no such code"),
        pytest.param({"code": "z" * 10_000}, "invalid_grant", id="a code of 10 kB"),
        pytest.param({"code": None}, "invalid_request", id="no code"),
        pytest.param({"client_id": "stranger"}, "invalid_client", id="no such client"),
        pytest.param({"client_id": None}, "invalid_client", id="no client"),
        pytest.param({"client_secret": "guessed"}, "invalid_client", id="wrong secret"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="password"),
        pytest.param({"grant_type": None}, "invalid_request", id="no grant type"),
        pytest.param({"grant_type": 'a"b'}, "invalid_request", id="quoted grant type"),
    ],
)
def test_a_code_is_not_redeemed(
    still: World, waiting: tuple[str, str], changed: dict[str, Any], error: str
) -> None:
    drawn, code = waiting
    answer = redeem(still, code, drawn, **changed)
    refused(answer, error, answer.status_code if error == "invalid_client" else 400)
    assert answer.status_code in (400, 401)


def test_whoever_guessed_wrong_has_used_nothing_up(world: World) -> None:
    drawn, challenge = verifier()
    code = world.code(challenge)
    for wrong in ("x" * 43, challenge, drawn[:-1]):
        refused(redeem(world, code, wrong), "invalid_grant")
    assert redeem(world, code, drawn).status_code == 200


@pytest.fixture(scope="module")
def waiting(still: World) -> tuple[str, str]:
    """A verifier and the code that waits for it."""
    drawn, challenge = verifier()
    return drawn, still.code(challenge)


def test_the_code_itself_is_no_verifier(world: World) -> None:
    _drawn, challenge = verifier()
    refused(redeem(world, world.code(challenge), challenge), "invalid_grant")


def test_a_code_lives_minutes(world: World) -> None:
    drawn, challenge = verifier()
    code = world.code(challenge)
    world.clock.advance(301)
    refused(redeem(world, code, drawn), "invalid_grant")


def test_a_code_of_another_client_is_none(world: World) -> None:
    with world.database.write() as connection:
        oauth.add_client(
            connection,
            "other",
            name="Other",
            redirect_uris=(REDIRECT,),
            secret_required=False,
            now=world.clock.now(),
        )
    drawn, challenge = verifier()
    code = world.code(challenge)
    refused(redeem(world, code, drawn, client_id="other"), "invalid_grant")
    assert redeem(world, code, drawn).status_code == 200


def test_an_access_token_lives_an_hour(world: World) -> None:
    tokens = world.login()
    world.clock.advance(3_599)
    assert works(world, tokens.access)
    world.clock.advance(1)
    assert not works(world, tokens.access)
    fresh = world.exchange(grant_type="refresh_token", refresh_token=tokens.refresh)
    assert works(world, fresh.json()["access_token"])


def test_a_reused_refresh_token_ends_the_family(world_on_both: World) -> None:
    world = world_on_both
    first = world.login()
    second = world.exchange(grant_type="refresh_token", refresh_token=first.refresh).json()
    third = world.exchange(grant_type="refresh_token", refresh_token=second["refresh_token"]).json()
    refused(
        world.exchange(grant_type="refresh_token", refresh_token=first.refresh), "invalid_grant"
    )
    assert not works(world, third["access_token"])
    refused(
        world.exchange(grant_type="refresh_token", refresh_token=third["refresh_token"]),
        "invalid_grant",
    )


def test_an_exchange_whose_answer_was_lost_may_be_repeated(world_on_both: World) -> None:
    world = world_on_both
    first = world.login()
    lost = world.exchange(grant_type="refresh_token", refresh_token=first.refresh).json()
    world.clock.advance(90)
    again = world.exchange(grant_type="refresh_token", refresh_token=first.refresh).json()
    assert works(world, again["access_token"])
    assert not works(world, lost["access_token"])
    # Whoever holds what the lost answer carried is not the device.
    refused(
        world.exchange(grant_type="refresh_token", refresh_token=lost["refresh_token"]),
        "invalid_grant",
    )
    assert not works(world, again["access_token"])


def test_an_old_refresh_token_is_no_repeat(world: World) -> None:
    first = world.login()
    world.exchange(grant_type="refresh_token", refresh_token=first.refresh)
    world.clock.advance(121)
    refused(
        world.exchange(grant_type="refresh_token", refresh_token=first.refresh), "invalid_grant"
    )


def test_two_exchanges_at_once_leave_one_live_pair(world_on_both: World) -> None:
    world = world_on_both
    tokens = world.login()
    answers: list[Any] = []
    gate = threading.Barrier(4)

    def exchange() -> None:
        gate.wait()
        answers.append(world.exchange(grant_type="refresh_token", refresh_token=tokens.refresh))

    threads = [threading.Thread(target=exchange) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = [each.json()["access_token"] for each in answers if each.status_code == 200]
    assert sum(works(world, each) for each in given) == 1


def test_two_redemptions_at_once_register_once(world_on_both: World) -> None:
    world = world_on_both
    drawn, challenge = verifier()
    code = world.code(challenge)
    statuses: list[int] = []
    gate = threading.Barrier(4)

    def exchange() -> None:
        gate.wait()
        statuses.append(redeem(world, code, drawn).status_code)

    threads = [threading.Thread(target=exchange) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 400, 400, 400]


def test_a_refresh_token_opens_no_call_and_an_access_token_refreshes_nothing(
    world: World,
) -> None:
    tokens = world.login()
    assert not works(world, tokens.refresh)
    refused(
        world.exchange(grant_type="refresh_token", refresh_token=tokens.access), "invalid_grant"
    )


def test_a_new_login_of_the_same_device_ends_the_old_tokens(world: World) -> None:
    first = world.login()
    second = world.login()
    assert not works(world, first.access)
    assert works(world, second.access)


def test_a_client_that_was_shut_out_opens_nothing(world: World) -> None:
    tokens = world.login()
    with world.database.write() as connection:
        oauth.revoke_client(connection, MAKER, world.clock.now())
    assert not works(world, tokens.access)
    answer = world.exchange(grant_type="refresh_token", refresh_token=tokens.refresh)
    assert answer.json()["error"] == "invalid_client"


def test_a_confidential_client_needs_its_secret_everywhere(bare: Database) -> None:
    world = World(bare, secret_required=True)
    drawn, challenge = verifier()
    code = world.code(challenge)
    refused(redeem(world, code, drawn), "invalid_client", 401)
    tokens = redeem(world, code, drawn, client_secret=world.secret).json()
    assert works(world, tokens["access_token"])
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refused(world.exchange(**refresh), "invalid_client", 401)
    assert world.exchange(**refresh, client_secret=world.secret).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"grant_type=a&grant_type=b", {}, id="a parameter twice"),
        pytest.param(b"{}", {"content-type": "application/json"}, id="JSON"),
        pytest.param(b"\xff\xfe=1", {}, id="not UTF-8"),
        pytest.param(b"a=1&" * 100, {}, id="too many fields"),
        pytest.param(b"a=" + b"x" * 20_000, {}, id="20 kB"),
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"%%%", {}, id="no form"),
    ],
)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_what_is_no_form_is_an_invalid_request(
    still: World, path: str, body: bytes, headers: dict[str, str]
) -> None:
    said = {"content-type": "application/x-www-form-urlencoded"} | headers
    answer = still.client.post(path, content=body, headers=said)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_request", "invalid_client")


def test_whoever_asks_too_often_is_told_to_wait(bare: Database) -> None:
    world = World(bare, token_requests_per_minute=2)
    guess = {"grant_type": "refresh_token", "refresh_token": "guess"}
    for _ in range(2):
        refused(world.exchange(**guess), "invalid_grant")
    slower = world.exchange(**guess)
    refused(slower, "temporarily_unavailable", 429)
    assert slower.headers["retry-after"] == "30"
    world.clock.advance(60)
    refused(world.exchange(**guess), "invalid_grant")


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ", "Basic !!!", "Basic /////w==", "basic é", "Basic Og==", "Bearer", "\t"],
)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_credentials_that_are_none(still: World, path: str, header: str) -> None:
    sent = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    answer = still.client.post(path, data=sent, headers=[(b"authorization", header.encode())])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@given(header=st.text(max_size=40) | st.text("Basic =+/aZ", max_size=20).map("Basic {}".format))
def test_what_passes_for_credentials_breaks_nothing(header: str) -> None:
    if policy.may_be_credentials(header):
        extract_basic_authorization({"Authorization": header})


def test_revoking_what_is_no_token_is_done_already(world: World) -> None:
    answer = world.client.post("/oauth/revoke", data={"client_id": MAKER, "token": "nothing"})
    assert (answer.status_code, answer.json()) == (200, {})


def test_another_clients_token_is_not_revoked(world: World) -> None:
    tokens = world.login()
    with world.database.write() as connection:
        oauth.add_client(
            connection,
            "other",
            name="Other",
            redirect_uris=(REDIRECT,),
            secret_required=False,
            now=world.clock.now(),
        )
    sent = {"client_id": "other", "token": tokens.refresh}
    refused(world.client.post("/oauth/revoke", data=sent), "invalid_grant")
    assert works(world, tokens.access)
