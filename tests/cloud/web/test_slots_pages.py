"""The pages of what is looked after: limits, forecasts and standing agreements."""

import re
from datetime import time

import pytest
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_full import KITCHEN, TANK, FullHome
from web_reading import form, sign_in, text_of
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import MayPress, Role, Slot
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database

ADDRESS = f"/slots/{KITCHEN[0]}/{KITCHEN[1]}"


@pytest.fixture
def home(database: Database, clock: FakeClock) -> FullHome:
    return FullHome(database, clock).furnish(Purpose.REPLENISH)


@pytest.fixture
def resident(home: FullHome) -> TestClient:
    return sign_in(home, Role.HOUSEHOLD)


def slot_of(home: FullHome, place: tuple[str, str] = KITCHEN) -> Slot:
    with home.database.read() as connection:
        found = households.slot(connection, home.household_id, *place)
    assert found is not None
    return found


def limits(client: TestClient, **typed: str) -> tuple[str, dict[str, str]]:
    action, fields = form(client.get(ADDRESS).text, "/limits")
    return action, {**fields, "may_press": "anyone", **typed}


def test_limits_are_kept_as_typed(home: FullHome, resident: TestClient) -> None:
    typed = {
        "title": "Keukenrol",
        "quantity": "2",
        "price_ceiling_minor": "24,50",
        "spend_cap_minor": "€ 60",
        "quiet_from": "22:00",
        "quiet_to": "7:30",
        "cooldown_s": "12",
        "staleness_limit_s": "0,5",
        "may_press": "confirmed_person",
        "press-btn-kitchen": "yes",
    }
    action, fields = limits(resident, **typed)
    assert resident.post(action, data=fields).headers["location"] == ADDRESS
    kept = slot_of(home)
    assert (kept.title, kept.quantity, kept.price_ceiling_minor) == ("Keukenrol", 2, 2_450)
    assert (kept.spend_cap_minor, kept.cooldown_s, kept.staleness_limit_s) == (6_000, 43_200, 1_800)
    assert (kept.quiet_from, kept.quiet_to) == (time(22), time(7, 30))
    assert (kept.may_press, kept.press_devices) == (MayPress.CONFIRMED_PERSON, ("btn-kitchen",))
    assert (kept.sku, kept.confirmers) == ("paper-towels-6", ())
    page = resident.get(ADDRESS).text
    _action, shown = form(page, "/limits")
    assert (shown["price_ceiling_minor"], shown["cooldown_s"]) == ("24.50", "12")


@pytest.mark.parametrize(
    ("field", "typed", "rule"),
    [
        ("quantity", "many", "The number has to be from 1 to 1,000."),
        ("quantity", "5000", "The number has to be from 1 to 1,000."),
        ("price_ceiling_minor", "12,345", "The price limit has to be an amount"),
        ("spend_cap_minor", "-1", "The most in a day has to be an amount"),
        ("quiet_from", "25:00", "The beginning of the quiet hours has to be a time"),
        ("quiet_to", "08:00", "Quiet hours have a beginning and an end"),
        ("cooldown_s", "", "The pause has to be a number of hours"),
        ("cooldown_s", "99999", "The pause has to be a number of hours"),
        ("staleness_limit_s", "0", "The age has to be a number of hours"),
        ("title", "x" * 81, "The name has to be at most 80 letters."),
    ],
)
def test_a_broken_rule_names_its_field_and_keeps_what_was_typed(
    home: FullHome, resident: TestClient, field: str, typed: str, rule: str
) -> None:
    before = slot_of(home)
    action, fields = limits(resident, **{"title": "Mine", field: typed})
    answer = resident.post(action, data=fields)
    assert answer.status_code == 422
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text)
    said = text_of(answer.text)
    assert rule in said
    assert "1 field needs another look. Nothing was changed." in said
    assert f'name="{field}" value="{typed}"' in answer.text
    assert field == "title" or 'name="title" value="Mine"' in answer.text
    assert slot_of(home) == before


def test_a_device_of_nobody_is_refused_by_name(home: FullHome, resident: TestClient) -> None:
    typed = {"may_press": "confirmed_person", "press-elsewhere": "yes"}
    action, fields = limits(resident, **typed)
    answer = resident.post(action, data=fields)
    assert answer.status_code == 422
    assert "Only a device of this home can be named" in text_of(answer.text)


def test_a_forecast_says_when_why_and_on_what_it_rests(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    assert "still learning" in text_of(resident.get(ADDRESS).text)
    for _ in range(6):
        home.order()
        home.deliver(ShopOrderState.DELIVERED)
        clock.advance(20 * 86_400)
    client = sign_in(home, Role.HOUSEHOLD)
    page = client.get(ADDRESS).text
    said = text_of(page)
    assert re.search(r"Probably needed again around \w+day \d+ \w+", said)
    assert re.search(r"Usually every 20 days \(\d+ to \d+\), by your last 5 gaps\.", said)
    assert "In eight of ten such cases it is between" in said
    assert "Within 30 days" in said
    assert re.search(r"<svg[^>]*role=\"img\".*<desc[^>]*>Probably needed again", page, re.S)
    assert "Probably needed again around" in text_of(client.get("/products").text)
    clock.advance(400 * 86_400)
    stopped = sign_in(home, Role.HOUSEHOLD).get(ADDRESS).text
    assert "It seems not to be needed any more." in stopped
    assert 'class="f-band"' not in stopped


def test_a_level_is_drawn_and_forgotten(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    home.add_tank()
    home.drain(clock)
    address = f"/slots/{TANK[0]}/{TANK[1]}"
    client = sign_in(home, Role.HOUSEHOLD)
    page = client.get(address).text
    assert "It is time at 150." in text_of(page)
    assert 'class="f-line"' in page
    assert 'class="f-threshold"' in page
    action, fields = form(page, "/forget")
    client.post(action, data=fields)
    after = client.get(address).text
    assert "Forgotten." in text_of(after)
    assert 'class="f-line"' not in after or 'points=""' not in after
    with home.database.read() as connection:
        made = replenish.forecast_of(connection, slot_of(home, TANK), clock.now())
    assert made.readings == ()


def test_an_agreement_is_concluded_with_its_words_and_ended_in_one_click(
    home: FullHome, resident: TestClient
) -> None:
    action, fields = limits(resident, price_ceiling_minor="25", call_off="yes")
    resident.post(action, data=fields)
    asked = {"orders_max": "3", "window_days": "30", "notice_hours": "4"}
    shown = resident.get(f"{ADDRESS}/agreement", params=asked).text
    assert "At most, for one order in all €25.00" in text_of(shown)
    where, yes = form(shown, "/agreement")
    assert yes["label"] == "Conclude agreement with obligation to pay"
    changed = resident.post(where, data={**yes, "orders_max": "99"})
    assert changed.status_code == 303
    assert "Nothing was agreed" in text_of(resident.get(ADDRESS).text)
    resident.post(where, data=yes)
    page = resident.get(ADDRESS).text
    assert "at most 3 times in 30 days" in text_of(page)
    end, token = form(page, "/end")
    resident.post(end, data=token)
    assert "Ended. From now on you are asked first." in text_of(resident.get(ADDRESS).text)
    wrong = resident.get(f"{ADDRESS}/agreement", params={**asked, "orders_max": "0"})
    assert wrong.status_code == 422
    assert "The number of orders has to be from 1 to 100." in text_of(wrong.text)


def test_where_the_country_does_not_allow_it_there_is_no_agreement(
    database: Database, clock: FakeClock
) -> None:
    home = FullHome(database, clock).furnish(Purpose.REPLENISH)
    home.bind(call_off=True, price_ceiling_minor=2_500)
    home.call_off_allowed = False
    client = sign_in(home, Role.HOUSEHOLD)
    page = client.get(ADDRESS).text
    assert "Standing agreements" not in page
    assert "/agreement" not in page
    assert client.get(f"{ADDRESS}/agreement", params={"orders_max": "1"}).status_code == 404
