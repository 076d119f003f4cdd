"""What a maker is told of, by which name, and that it is told until it takes it."""

import json

import pytest

from dash_reading import heard, kinds, logged_in
from dash_world import MAKER, Endpoint, World
from zodra_cloud.dash import service as dash
from zodra_cloud.dash.policy import RETRIES_S
from zodra_cloud.dash.sealing import Seal
from zodra_cloud.dash.telling import CANNOT_SIGN, MakerTeller
from zodra_cloud.store import jobs


def test_notifications_name_the_household_by_a_pseudonym_of_this_maker_alone(
    world: World, endpoint: Endpoint
) -> None:
    world.login()
    world.login(world.other)
    told = heard(world, endpoint)
    known_as = {each["customerInfo"]["directedCustomerId"] for each in told}
    assert len(known_as) == 2
    written = json.dumps(told)
    for secret in (world.home.household_id, "hh-other", "Europe/Amsterdam", "u_"):
        assert secret not in written
    for each in told:
        assert each["deviceInfo"] == {
            "deviceIdentifier": {"serialNumber": "SN+1_a-2"},
            "productIdentifier": {"modelId": "Crema-2"},
        }
        assert each["notificationInfo"]["lwaClientId"] == "roastery"


def test_picking_and_clearing_products_is_told(
    world: World, endpoint: Endpoint, token: str
) -> None:
    browser = world.browser()
    page = browser.get("/connections").text
    form_token = page.split('name="form_token" value="')[1].split('"')[0]
    device_id = page.split('id="connection-')[1].split('"')[0]
    saved = browser.post(
        f"/connections/{device_id}/products",
        data={"form_token": form_token, "slot-beans": "", "slot-water": "trv-filter"},
    )
    assert saved.headers["location"] == "/connections"
    (told,) = heard(world, endpoint)
    assert told["subscriptionInfo"]["slotsSubscriptionStatus"] == {
        "beans": {"subscribed": False, "productInfoList": []},
        "water": {
            "subscribed": True,
            "productInfoList": [{"asin": "trv-filter", "quantity": 1, "unit": "count"}],
        },
    }
    first = world.call("GET", "/subscriptionInfo", "SubscriptionInfo", token)
    assert first.json() == {"slotsSubscriptionStatus": {"beans": False, "water": True}}
    second = world.call("GET", "/subscriptionInfo", "SubscriptionInfo", token, result="2.0")
    assert second.json() == {
        "slotsSubscriptionStatus": told["subscriptionInfo"]["slotsSubscriptionStatus"]
    }
    assert second.headers["x-amzn-type-version"].endswith("DrsSubscriptionInfoResult@2.0")
    refused = world.replenish(token)
    assert (refused.status_code, "not subscribed" in refused.text) == (400, True)


@pytest.mark.parametrize("form", ["registration", "named", "page"])
def test_who_lets_a_device_go_ends_everything(
    world_on_both: World, endpoint: Endpoint, form: str
) -> None:
    world = world_on_both
    tokens = world.login()
    heard(world, endpoint)
    world.replenish(tokens.access)
    world.work()
    if form == "registration":
        gone = world.call("DELETE", "/registration", "Deregister", tokens.access, sent="2.0")
        assert (gone.status_code, gone.json()) == (200, {})
    elif form == "named":
        path = "/deviceModels/Crema-2/devices/SN+1_a-2/registration"
        gone = world.call("DELETE", path, "Deregister", tokens.access)
        assert gone.status_code == 200, gone.text
    else:
        browser = world.browser()
        page = browser.get("/connections").text
        form_token = page.split('name="form_token" value="')[1].split('"')[0]
        device_id = page.split('id="connection-')[1].split('"')[0]
        browser.post(f"/connections/{device_id}/disconnect", data={"form_token": form_token})
        assert "No connected devices" in browser.get("/connections").text
    assert kinds(heard(world, endpoint)) == ["DeviceDeregisteredNotification"]
    assert world.replenish(tokens.access).status_code == 400
    refreshed = world.exchange(grant_type="refresh_token", refresh_token=tokens.refresh)
    assert refreshed.json()["error"] == "invalid_grant"
    # The quote is the household's; what becomes of it is not the maker's any more.
    world.confirm()
    assert heard(world, endpoint) == []


def test_a_notification_is_tried_again_until_it_is_taken(
    world: World, endpoint: Endpoint, token: str
) -> None:
    endpoint.answers = [500, 302]
    world.call("DELETE", "/registration", "Deregister", token, sent="2.0")
    world.work()
    assert len(endpoint.taken) == 1
    for wait in RETRIES_S[:2]:
        world.clock.advance(wait)
        world.work()
    ids = {headers["webhook-id"] for headers, _body in endpoint.taken}
    bodies = {body for _headers, body in endpoint.taken}
    assert (len(endpoint.taken), len(ids), len(bodies)) == (3, 1, 1)
    last = endpoint.taken[-1:]
    endpoint.taken[:] = last
    assert kinds(heard(world, endpoint)) == ["DeviceDeregisteredNotification"]
    world.clock.advance(86_400)
    assert heard(world, endpoint) == []


@pytest.mark.parametrize("gone", [True, False], ids=["gone for good", "never answers"])
def test_what_is_given_up_waits_for_the_operator(
    world_on_both: World, endpoint: Endpoint, gone: bool
) -> None:
    world = world_on_both
    token = logged_in(world)
    endpoint.taken.clear()
    endpoint.answers = [410] if gone else [503] * (len(RETRIES_S) + 1)
    world.call("DELETE", "/registration", "Deregister", token, sent="2.0")
    world.work()
    for wait in RETRIES_S:
        world.clock.advance(wait)
        world.work()
    assert len(endpoint.taken) == (1 if gone else len(RETRIES_S) + 1)
    with world.database.read() as connection:
        (dead,) = jobs.dead(connection)
        (lost,) = dash.notifications(connection, dead_only=True)
    assert dead.last_error == lost.last_error == ("status_410" if gone else "status_503")
    endpoint.taken.clear()
    with world.database.write() as connection:
        dash.resend(connection, lost.notification_id, now=world.clock.now())
    assert kinds(heard(world, endpoint)) == ["DeviceDeregisteredNotification"]
    with world.database.read() as connection:
        assert (jobs.dead(connection), dash.notifications(connection, dead_only=True)) == ([], [])


def test_a_copy_of_the_database_signs_nothing_and_the_service_goes_on(
    world: World, endpoint: Endpoint
) -> None:
    seal = Seal("a key of the service, long enough!")
    with world.database.write() as connection:
        world.event_secret = dash.renew_event_secret(connection, MAKER, seal)
        stored = dash.maker(connection, MAKER).event_secret
    assert world.event_secret.removeprefix("whsec_") not in stored
    world.login()
    assert heard(world, endpoint) == [], "a teller without the key cannot sign"
    with world.database.read() as connection:
        faults = {each.last_error for each in dash.notifications(connection, dead_only=False)}
    assert faults == {CANNOT_SIGN}
    world.follow(MakerTeller(world.database, world.clock, private_allowed=True, seal=seal))
    world.clock.advance(RETRIES_S[0])
    assert len(heard(world, endpoint)) == 2


@pytest.mark.parametrize(
    ("key", "client_id"), [("another key, just as long as that!", MAKER), (None, MAKER),
                           ("a key of the service, long enough!", "somebody-else")],
)  # fmt: skip
def test_a_sealed_secret_opens_with_its_own_key_and_for_its_own_maker(
    key: str | None, client_id: str
) -> None:
    ours = Seal("a key of the service, long enough!")
    stored = ours.close(MAKER, "whsec_x")
    assert ours.open(MAKER, stored) == "whsec_x"
    assert ours.close(MAKER, "whsec_x") != stored, "each with its own nonce"
    assert Seal(key).open(client_id, stored) is None
    assert ours.open(MAKER, stored[:-8] + "AAAAAAA=") is None
    assert Seal(key).open(MAKER, "whsec_of_before") == "whsec_of_before"
