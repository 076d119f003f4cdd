"""The pages of subscriptions: joining under the words of the law, changing, and leaving."""

import re
from datetime import timedelta

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_full import KITCHEN, FullHome
from web_reading import form, sign_in, text_of
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households.models import Role
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import desk
from zodra_cloud.subscriptions.policy.sizes import Size
from zodra_cloud.subscriptions.service import Status

START = f"/slots/{KITCHEN[0]}/{KITCHEN[1]}/subscribe"

LADDER = (
    Size("4", "paper-towels-6", {"": "Size 4"}, 44, 6.0, None),
    Size("5", "size-5", {"": "Size 5", "nl": "Maat 5"}, 38, 5.0, 300),
)


@pytest.fixture
def home(database: Database, clock: FakeClock) -> FullHome:
    made = FullHome(database, clock).furnish(Purpose.REPLENISH)
    made.bind(title="Paper towels")
    return made


@pytest.fixture
def resident(home: FullHome) -> TestClient:
    return sign_in(home, Role.HOUSEHOLD)


def fill(client: TestClient, address: str, action: str, **typed: str) -> tuple[str, dict[str, str]]:
    where, fields = form(client.get(address).text, action)
    return where, {**fields, "every": "weeks", **typed}


def test_a_subscription_is_joined_with_everything_shown_beside_the_control(
    home: FullHome, resident: TestClient
) -> None:
    action, fields = fill(resident, START, "/subscribe", count="2", every="weeks")
    answer = resident.post(action, data=fields)
    address = answer.headers["location"]
    assert "We ask the shop what it costs, every 2 weeks." in text_of(resident.get(address).text)
    home.work()
    page = resident.get(address).text
    said = text_of(page)
    for told in (
        "Each time Paper towels",
        "How often every 2 weeks",
        "First delivery ordered on",
        "Shipping each time €2.95",
        "If the price changes Above €10.44 in all you are asked first.",
        "Until you cancel; there is no first term.",
        "On any day, here on this page, without notice.",
        "You may withdraw within 14 days of joining, without giving a reason.",
        "They stay; no forecast moves them.",
        "Corner Shop B.V.",
        "€10.44",
        "includes €1.81 VAT and all shipping",
    ):
        assert told in said, told
    where, yes = form(page, "/join")
    assert yes["label"] == "Order with obligation to pay"
    assert re.search(r'<button[^>]*value="([^"]+)">\1</button>', page)
    assert resident.post(where, data=yes).headers["location"] == address
    name = address.rpartition("/")[2]
    assert home.seen(name).status is Status.ACTIVE
    resident.post(where, data=yes)
    assert "The next delivery is ordered on" in text_of(resident.get("/subscriptions").text)


def test_asking_twice_with_one_form_asks_once(home: FullHome, resident: TestClient) -> None:
    action, fields = fill(resident, START, "/subscribe")
    first = resident.post(action, data=fields).headers["location"]
    assert resident.post(action, data=fields).headers["location"] == first


@pytest.mark.parametrize(
    ("typed", "field", "rule"),
    [
        ({"count": "two"}, "count", "It has to be at least three days and at most a year."),
        ({"count": "1", "every": "days"}, "count", "It has to be at least three days"),
        ({"quantity": "0"}, "quantity", "The number has to be from 1 to 99."),
        ({"first_on": "2020-01-01"}, "first_on", "Choose a day after today."),
        ({"first_on": "soon"}, "first_on", "Choose a day after today."),
        ({"ceiling": "-4"}, "ceiling", "The amount has to be above zero"),
        ({"ceiling": "1e9"}, "ceiling", "The amount has to be above zero"),
    ],
    ids=lambda each: str(each)[:24],
)
def test_a_wrong_field_is_named_and_what_was_typed_stays(
    resident: TestClient, typed: dict[str, str], field: str, rule: str
) -> None:
    action, fields = fill(resident, START, "/subscribe", quantity="3")
    answer = resident.post(action, data={**fields, **typed})
    assert answer.status_code == 422
    blamed = re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text)
    assert blamed
    assert rule in text_of(answer.text)
    for name, value in typed.items():
        if name != "every":
            assert f'name="{name}" value="{value}"' in answer.text
    assert "quantity" in typed or 'name="quantity" value="3"' in answer.text


def test_from_a_quote_the_same_product_is_asked(home: FullHome, resident: TestClient) -> None:
    home.press()
    link = re.search(r'href="(/slots/[^"]+/subscribe\?quote=[^"]+)"', resident.get("/").text)
    assert link
    page = resident.get(link[1].replace("&amp;", "&"))
    assert "Paper towels, 6 rolls" in text_of(page.text)
    assert resident.get(link[1].replace("btn-kitchen", "trv-living")).status_code == 404


def test_deliveries_are_skipped_moved_and_made_after_all(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    name = home.subscribe()
    address = f"/subscriptions/{name}"
    first = home.seen(name).upcoming[0]
    send(resident, address, "/skip")
    assert home.seen(name).upcoming[0].skipped
    send(resident, address, "/unskip")
    assert not home.seen(name).upcoming[0].skipped
    later = first.on + timedelta(days=7)
    send(resident, address, "/move", on=later.isoformat())
    assert home.seen(name).upcoming[0].on == later
    assert "You chose this day." in text_of(resident.get(address).text)
    wrong = send(resident, address, "/move", on="2020-01-01")
    assert wrong.status_code == 422
    assert "Choose a day after today." in text_of(wrong.text)
    assert 'value="2020-01-01"' in wrong.text


def test_it_is_paused_and_goes_on(home: FullHome, resident: TestClient) -> None:
    name = home.subscribe()
    address = f"/subscriptions/{name}"
    send(resident, address, "/pause")
    assert home.seen(name).status is Status.PAUSED
    assert "Paused until you say so." in text_of(resident.get(address).text)
    send(resident, address, "/resume")
    assert home.seen(name).status is Status.ACTIVE


def test_number_pace_forecast_and_product_are_changed(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    home.order()
    home.bind(("baby-nursery", "diapers"), title="Diapers")
    name = home.subscribe()
    address = f"/subscriptions/{name}"
    send(resident, address, "/quantity", quantity="2")
    assert home.seen(name).upcoming[-1].item.quantity == 2
    send(resident, address, "/cadence", count="2", every="months")
    assert "every 2 months" in text_of(resident.get(address).text)
    wrong = send(resident, address, "/follow", follow="yes", days_min="70")
    assert wrong.status_code == 422
    bounds = {"follow": "yes", "days_min": "30", "days_max": "90"}
    send(resident, address, "/follow", **bounds)
    assert "yes, between 30 and 90 days apart" in text_of(resident.get(address).text)
    send(resident, address, "/swap", sku="diapers-size3-44")
    assert home.seen(name).upcoming[-1].item.sku == "diapers-size3-44"
    history = text_of(resident.get(address).text)
    assert "From then on 2 each time." in history
    assert "From every 4 weeks to every 2 months." in history


@pytest.mark.parametrize(
    ("language", "label"), [("en", "cancel subscription"), ("nl", "abonnement opzeggen")]
)
def test_it_is_cancelled_with_its_literal_words_and_says_from_when(
    home: FullHome, resident: TestClient, language: str, label: str
) -> None:
    resident.post("/language", data={"language": language})
    name = home.subscribe()
    address = f"/subscriptions/{name}"
    action, fields = _sent(resident, address, "/cancel")
    assert fields["label"] == label
    assert re.search(rf'id="cancel"[^>]*>{label}</button>', resident.get(address).text)
    refused = resident.post(action, data={**fields, "label": "stop"})
    assert refused.status_code == 422
    assert resident.post(action, data=fields).status_code == 303
    assert home.seen(name).status is Status.ENDED
    assert resident.get("/subscriptions").text.count(address) == 1


def test_it_is_withdrawn_from_in_two_steps(home: FullHome, resident: TestClient) -> None:
    name = home.subscribe()
    address = f"/subscriptions/{name}"
    assert "withdraw from contract here" in resident.get(address).text
    action, fields = _sent(resident, f"{address}/withdraw", "/withdraw")
    assert fields["label"] == "confirm withdrawal"
    wrong = resident.post(action, data={**fields, "label": "yes"})
    assert wrong.status_code == 422
    resident.post(action, data=fields)
    assert home.seen(name).status is Status.ENDED


def test_a_form_sent_twice_counts_once(home: FullHome, resident: TestClient) -> None:
    name = home.subscribe()
    action, fields = _sent(resident, f"/subscriptions/{name}", "/skip")
    resident.post(action, data=fields)
    resident.post(action, data=fields)
    assert "That was done already." in text_of(resident.get(f"/subscriptions/{name}").text)
    assert [each.skipped for each in home.seen(name).upcoming[:2]] == [True, False]


def test_what_is_no_command_is_not_found(home: FullHome, resident: TestClient) -> None:
    name = home.subscribe()
    _action, fields = _sent(resident, f"/subscriptions/{name}", "/skip")
    assert resident.post(f"/subscriptions/{name}/explode", data=fields).status_code == 404


def send(client: TestClient, address: str, action: str, **typed: str) -> Response:
    where, fields = _sent(client, address, action, **typed)
    return client.post(where, data=fields)


def _sent(
    client: TestClient, address: str, action: str, **typed: str
) -> tuple[str, dict[str, str]]:
    where, fields = form(client.get(address).text, action)
    return where, {**fields, **typed}


def test_larger_sizes_are_proposed_only_if_the_household_says_so(
    home: FullHome, resident: TestClient
) -> None:
    address = f"/subscriptions/{home.subscribe()}"
    assert "Grow along" not in resident.get(address).text, "it has no larger size"
    with home.database.write() as connection:
        desk.put_ladder(connection, "diapers", LADDER, home.clock.now())
    action, fields = form(resident.get(address).text, "/growth")
    assert "grow" not in fields, "off until somebody switches it on"
    wrong = resident.post(action, data={**fields, "grow": "yes", "born_in": "soon"})
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    born = (home.clock.now() - timedelta(days=320)).date().replace(day=1)
    told = resident.post(action, data={**fields, "grow": "yes", "born_in": f"{born:%m-%Y}"})
    assert told.status_code == 303
    growth = home.seen(address.rpartition("/")[2]).growth
    assert growth is not None
    assert (growth.ladder_id, growth.born_on) == ("diapers", born)
    page = resident.get(address).text
    assert "Larger sizes proposed when they may fit better" in text_of(page)
    assert f'value="{born:%Y-%m}"' in page
    action, fields = form(page, "/growth")
    fields.pop("grow", None)
    assert resident.post(action, data=fields).status_code == 303
    assert home.seen(address.rpartition("/")[2]).growth is None
