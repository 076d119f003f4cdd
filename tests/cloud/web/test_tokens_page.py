"""The page on which a household makes access tokens for its own software, and ends them."""

import re

from starlette.testclient import TestClient

from api_home import ApiHome, Caller
from cloud_builders import FakeClock
from web_reading import sign_in
from zodra_cloud.households.models import Role
from zodra_cloud.store.engine import Database


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def signed_in(database: Database, clock: FakeClock) -> tuple[ApiHome, TestClient]:
    home = ApiHome(database, clock)
    return home, sign_in(home, Role.HOUSEHOLD)


def works(home: ApiHome, secret: str) -> bool:
    return Caller(home.surface(), secret, lambda: 1).get("/api/v1/me").status_code == 200


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    database: Database, clock: FakeClock
) -> None:
    home, resident = signed_in(database, clock)
    token = form_token(resident.get("/tokens").text)
    made = resident.post("/tokens", data={"form_token": token, "name": "My <b>script</b>"})
    assert made.status_code == 200
    assert "My &lt;b&gt;script" in made.text
    secret = re.search(r"zpt_[A-Za-z0-9_-]{43}", made.text)
    assert secret is not None
    assert "may read" in made.text
    assert made.headers["cache-control"] == "no-store"
    assert works(home, secret[0])
    again = resident.get("/tokens")
    assert "zpt_" not in again.text
    action = re.search(r'action="(/tokens/t_[^"]+/revoke)"', again.text)
    assert action is not None
    assert resident.post(action[1], data={"form_token": token}).status_code == 303
    assert not works(home, secret[0])
    assert "/revoke" not in resident.get("/tokens").text


def test_a_token_that_acts_says_so(database: Database, clock: FakeClock) -> None:
    _, resident = signed_in(database, clock)
    token = form_token(resident.get("/tokens").text)
    made = resident.post("/tokens", data={"form_token": token, "name": "x", "act": "true"})
    assert "may read, answer, order and change" in made.text
    nameless = resident.post("/tokens", data={"form_token": token, "name": " "})
    assert nameless.status_code == 400


def test_a_token_of_another_household_cannot_be_revoked(
    database: Database, clock: FakeClock
) -> None:
    _, resident = signed_in(database, clock)
    other = ApiHome(database, clock, household_id="hh-other", gateway_id="gw-other")
    secret, made = other.token()
    token = form_token(resident.get("/tokens").text)
    refused = resident.post(f"/tokens/{made.token_id}/revoke", data={"form_token": token})
    assert refused.status_code == 404
    assert works(other, secret)
