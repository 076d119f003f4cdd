"""Who may see what."""

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_home import Home
from zodra_cloud.consent.service import Purpose
from zodra_cloud.store.engine import Database
from zodra_cloud.web.access import SCOPES, own_form
from zodra_cloud.web.site import PARTS

ROUTES = [route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute)]


def calls(route: APIRoute) -> set[object]:
    found: set[object] = set()
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        found.add(dependant.call)
        waiting += dependant.dependencies
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.methods} {route.path}")
def test_every_route_declares_its_scope(route: APIRoute) -> None:
    assert calls(route) & SCOPES


@pytest.mark.parametrize(
    "route",
    [
        each
        for each in ROUTES
        if "POST" in (each.methods or ()) and each.path not in ("/sign-in", "/language")
    ],
    ids=lambda route: route.path,
)
def test_every_form_of_someone_signed_in_carries_the_token(route: APIRoute) -> None:
    assert own_form in calls(route)


def test_nothing_is_shown_to_somebody_who_is_not_signed_in(stranger: TestClient) -> None:
    for path in ("/", "/operator", "/fragments/home", "/fragments/fleet", "/needs/p_1/why"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path
    for path in ("/events", "/operator/events"):
        assert stranger.get(path).status_code == 401, path


def test_a_household_does_not_see_the_operators_page(resident: TestClient) -> None:
    for path in ("/operator", "/operator/events", "/fragments/fleet"):
        assert resident.get(path).status_code == 403, path


def test_an_operator_does_not_see_a_households_page(operator: TestClient, home: Home) -> None:
    signal_id = home.press()
    assert operator.get("/").headers["location"] == "/operator"
    for path in ("/events", "/fragments/home", f"/needs/{signal_id}/why"):
        assert operator.get(path).status_code == 403, path


def test_another_households_ids_are_not_found(
    resident: TestClient, database: Database, clock: FakeClock
) -> None:
    other = Home(database, clock, household_id="hh-other", gateway_id="gw-other")
    signal_id = other.furnish(Purpose.REPLENISH, Purpose.OFFERS).press()
    token = form_token(resident)
    with database.read() as connection:
        quote = other.open_quote(connection)
    assert resident.get(f"/needs/{signal_id}/why").status_code == 404
    answers = {
        path: resident.post(path, data={"form_token": token, **fields}).status_code
        for path, fields in {
            f"/quotes/{quote.quote_id}/confirm": {
                "snapshot_hash": quote.snapshot_hash,
                "label": "Order with obligation to pay",
                "language": "en",
            },
            f"/quotes/{quote.quote_id}/decline": {},
            f"/quotes/{quote.quote_id}/wanted": {},
            "/offers/f_other/accept": {},
            "/offers/f_other/dismiss": {},
        }.items()
    }
    assert set(answers.values()) == {404}, answers
    with database.read() as connection:
        assert other.open_quote(connection) == quote
    assert other.shop.orders == {}


def test_a_session_that_was_ended_opens_nothing(resident: TestClient) -> None:
    cookie = resident.cookies["zodra_session"]
    resident.post("/sign-out", data={"form_token": form_token(resident)})
    resident.cookies.set("zodra_session", cookie)
    assert resident.get("/").headers["location"] == "/sign-in"


def form_token(client: TestClient) -> str:
    page = client.get("/").text
    return page.split('name="form_token" value="')[1].split('"')[0]
