"""The household's page, through the real application and a real database."""

import re

import pytest
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_home import Home
from web_reading import form, sign_in, text_of
from zodra_cloud.households.models import Role
from zodra_cloud.merchants.port import ShopFault, ShopOrderState, ShopRefusal, Unknown
from zodra_cloud.store.engine import Database
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import SignalKind

LABELS = {"en": "Order with obligation to pay", "nl": "Bestelling met betalingsverplichting"}


def send(client: TestClient, action: str, **changed: str) -> str:
    """Send a form of the page, and give the page that follows."""
    address, fields = form(client.get("/").text, action)
    answer = client.post(address, data={**fields, **changed})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client.get("/").text


def test_an_empty_home_is_welcoming(resident: TestClient) -> None:
    page = text_of(resident.get("/").text)
    assert "Nothing was needed yet" in page
    assert "Good afternoon" in page
    assert "Everything is looked after." in page


def test_a_quote_says_all_that_the_law_wants_right_before_the_order(
    resident: TestClient, home: Home
) -> None:
    home.press()
    page = text_of(resident.get("/").text)
    for needed in (
        "Paper towels, 6 rolls",
        "Quantity 1",
        "Price each €7.49",
        "Shipping €2.95",
        "Total to pay includes €1.81 VAT and all shipping €10.44",
        "Delivery Tuesday 24 November to Wednesday 25 November",
        "Sold by Corner Shop B.V.",
        "You may return it within 14 days of delivery, without giving a reason.",
        "This price holds until 13:15.",
        "15 minutes left",
    ):
        assert needed in page


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_control_that_orders_carries_the_exact_words(
    resident: TestClient, home: Home, language: str
) -> None:
    home.press()
    resident.post("/language", data={"language": language})
    buttons = re.findall(
        r"<button[^>]*class=\"confirm\"[^>]*>(.*?)</button>", resident.get("/").text, re.S
    )
    assert buttons == [LABELS[language]]


def test_a_yes_orders_once_and_is_followed_until_delivered(
    resident: TestClient, home: Home
) -> None:
    home.press()
    address, fields = form(resident.get("/").text, "confirm")
    answers = [resident.post(address, data=fields).headers["location"] for _ in range(3)]
    assert answers == ["/"] * 3
    home.work()
    page = text_of(resident.get("/").text)
    assert "Thank you. Your order goes to the shop now." in page
    assert "The shop has your order" in page
    assert len(home.shop.orders) == 1
    assert "Thank you." not in text_of(resident.get("/").text)
    home.deliver(ShopOrderState.SHIPPED)
    page = resident.get("/").text
    assert "Your order is on its way" in text_of(page)
    assert len(re.findall('class="step step-done"', page)) == 2
    assert 'class="step step-done" aria-current="step"' in page
    home.deliver(ShopOrderState.DELIVERED)
    page = text_of(resident.get("/").text)
    assert "Your order was delivered" in page
    assert "You may return it until Monday 7 December." in page


def test_a_press_while_an_order_is_under_way_orders_nothing(
    resident: TestClient, home: Home
) -> None:
    home.press()
    send(resident, "confirm")
    home.work()
    home.press()
    page = text_of(resident.get("/").text)
    assert "already on its way It is on its way already, so nothing more is ordered." in page
    assert len(home.shop.orders) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"snapshot_hash": "0" * 64}, "The quote changed in the meantime"),
        ({"label": "Buy"}, "The quote changed in the meantime"),
        ({"label": LABELS["nl"]}, "The quote changed in the meantime"),
    ],
)
def test_what_was_not_shown_is_not_ordered(
    resident: TestClient, home: Home, changed: dict[str, str], said: str
) -> None:
    home.press()
    assert said in text_of(send(resident, "confirm", **changed))
    home.work()
    assert home.shop.orders == {}


def test_a_price_that_ran_out_is_not_ordered(
    resident: TestClient, home: Home, clock: FakeClock
) -> None:
    home.press()
    address, fields = form(resident.get("/").text, "confirm")
    clock.advance(15 * 60)
    resident.post(address, data=fields)
    assert "That price is no longer valid" in text_of(resident.get("/").text)
    assert home.shop.orders == {}


def test_a_no_is_a_no(resident: TestClient, home: Home) -> None:
    home.press()
    address, fields = form(resident.get("/").text, "decline")
    resident.post(address, data=fields)
    page = text_of(resident.get("/").text)
    assert "Fine. Nothing was ordered." in page
    assert "you said no You said no. Nothing was ordered." in page
    resident.post(address, data=fields)
    assert "That question was answered already." in text_of(resident.get("/").text)


def test_an_old_press_is_asked_about_before_there_is_a_price(
    resident: TestClient, home: Home
) -> None:
    home.press(age_s=2 * 3600)
    page = resident.get("/").text
    assert "Is this still needed: paper towels 6?" in text_of(page)
    assert LABELS["en"] not in page
    send(resident, "wanted")
    assert "We ask the shop for a price" in text_of(resident.get("/").text)
    home.work()
    assert LABELS["en"] in resident.get("/").text


def test_an_unclear_answer_of_the_shop_is_said(resident: TestClient, home: Home) -> None:
    home.press()
    home.shop.unclear = Unknown(ShopFault.TIMEOUT)
    send(resident, "confirm")
    home.work()
    page = text_of(resident.get("/").text)
    assert "We are checking an order with the shop." in page
    assert "We check whether the shop has it" in page
    assert "it is never ordered twice" in page


def test_a_shop_without_stock_is_said(resident: TestClient, home: Home) -> None:
    home.shop.refuses = ShopRefusal.OUT_OF_STOCK
    home.press()
    assert "refused The shop has none left." in text_of(resident.get("/").text)


def test_a_new_household_is_asked_before_anything_is_done(
    database: Database, clock: FakeClock
) -> None:
    new = Home(database, clock).furnish()
    client = sign_in(new, Role.HOUSEHOLD)
    page = client.get("/").text
    assert "May we help you reorder?" in text_of(page)
    page = send(client, "consents/replenish")
    assert "May we help you reorder?" not in text_of(page)
    new.press()
    assert LABELS["en"] in client.get("/").text


def test_a_device_without_a_name_says_what_it_is(resident: TestClient, home: Home) -> None:
    home.rename("trv-living", "trv-living")
    assert "Thermostat (trv-living)" in text_of(resident.get("/").text)


def test_consents_are_switched_in_plain_words(resident: TestClient, home: Home) -> None:
    page = resident.get("/").text
    assert re.findall(r'role="switch" aria-checked="(\w+)"', page) == [
        "true",
        "true",
        "false",
        "false",
    ]
    page = send(resident, "consents/replenish")
    assert "Switched off, from this moment." in text_of(page)
    assert "Reordering is off" in text_of(page)
    home.press()
    page = text_of(resident.get("/").text)
    assert "not done You do not allow this, so nothing was done." in page
    page = send(resident, "consents/replenish")
    assert re.findall(r'role="switch" aria-checked="(\w+)"', page) == [
        "true",
        "true",
        "false",
        "false",
    ]
    answer = resident.post("/consents/everything", data={**form(page, "consents/offers")[1]})
    assert answer.status_code == 404


def test_a_moment_becomes_one_offer_with_its_reason(resident: TestClient, home: Home) -> None:
    signal_id = home.need("trv-living", "filter", SignalKind.SERVICE_DUE, {"heating_hours": 1500})
    page = text_of(resident.get("/").text)
    assert "An offer for you A new filter for your heating Because" in page
    page = text_of(send(resident, "accept"))
    assert "We ask the shop for its price." in page
    home.work()
    page = resident.get("/").text
    assert LABELS["en"] in page
    assert "Heating filter" in page
    why = text_of(resident.get(f"/needs/{signal_id}/why").text)
    assert "To make you an offer." in why
    assert "You asked for the price of this offer." in why
    assert "Time run 1,500 hours" in why


def test_an_offer_that_is_dismissed_is_gone(resident: TestClient, home: Home) -> None:
    home.need("trv-living", "filter", SignalKind.SERVICE_DUE, {"heating_hours": 1500})
    page = text_of(send(resident, "dismiss"))
    assert "You will not see this one for a while." in page
    assert "An offer for you" not in page
    assert "you said no You said no to this offer." in page


def test_every_line_says_why(resident: TestClient, home: Home) -> None:
    signal_id = home.press()
    send(resident, "confirm")
    home.work()
    whole = resident.get(f"/needs/{signal_id}/why")
    part = resident.get(f"/needs/{signal_id}/why", params={"part": "1"})
    assert "<html" in whole.text
    assert "<html" not in part.text
    said = text_of(part.text)
    for needed in (
        "A button was pressed.",
        "Kind of press one press",
        "Received after less than a second",
        "To ask you. You always see the price first, and say yes or no.",
        "Rules used replenish-3",
        "Your consent, by its number 1",
        "Shop Corner Shop B.V.",
        "Words on the control Order with obligation to pay",
        "The shop has the order.",
    ):
        assert needed in said, needed
    assert resident.get("/needs/p_unknown/why").status_code == 404


def test_devices_say_how_they_are(resident: TestClient, home: Home, clock: FakeClock) -> None:
    assert text_of(resident.get("/").text).count("not heard yet") == 4
    home.readings(("btn-kitchen", ReadingKind.BATTERY_PERCENT, 12.0))
    page = text_of(resident.get("/").text)
    assert "Kitchen button in touch just now 12%" in page
    home.name_product("btn-kitchen", "Paper towels, 6 rolls")
    page = text_of(resident.get("/").text)
    assert "Kitchen button For: Paper towels, 6 rolls in touch just now 12%" in page
    clock.advance(30 * 3600)
    assert "quiet 1 day ago 12%" in text_of(resident.get("/").text)


def test_what_is_written_on_a_device_stays_text(resident: TestClient, home: Home) -> None:
    home.rename("btn-kitchen", "<script>alert(1)</script>")
    home.press()
    page = resident.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
