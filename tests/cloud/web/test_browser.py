"""The pages in a real browser: live, without complaints of the policy, and accessible to all."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from web_browser import DESK, PHONE, Visit, launched, problems
from zodra_cloud.households.models import Role
from zodra_cloud.store.engine import Database
from zodra_contract.signal import SignalKind

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, database: Database) -> Iterator[Visit]:
    with ExitStack() as things:
        yield Visit(browser, database, things)


def test_a_press_is_seen_confirmed_and_followed_without_a_reload(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_text("Nothing was needed yet")).to_be_visible()
    visit.home.press()
    page.get_by_role("button", name="Order with obligation to pay", exact=True).click()
    expect(page.locator("#note")).to_have_text("Thank you. Your order goes to the shop now.")
    visit.home.work()
    expect(page.get_by_role("heading", name="The shop has your order")).to_be_visible()
    page.get_by_text("Why did this happen?").click()
    expect(page.get_by_text("What you answered")).to_be_visible()
    visit.home.press()
    expect(page.locator(".line")).to_have_count(2)
    # The explanation that was open stays open while the page changes around it.
    expect(page.get_by_text("What you answered")).to_be_visible()
    expect(page.locator("#note")).to_have_text("Thank you. Your order goes to the shop now.")
    assert visit.complaints == []


def test_consents_and_languages_are_switched_in_place(visit: Visit) -> None:
    page = visit.open(language="nl")
    switch = page.get_by_role("switch", name="Aanbiedingen die bij het moment passen")
    expect(switch).to_be_checked()
    switch.press("Space")
    expect(switch).not_to_be_checked()
    expect(page.locator("#note")).to_have_text("Uitgezet, vanaf dit moment.")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="What you allow")).to_be_visible()
    assert visit.complaints == []


def test_everything_works_without_scripts(visit: Visit) -> None:
    visit.home.press()
    page = visit.open(language="nl", scripts=False)
    page.get_by_role("button", name="Bestelling met betalingsverplichting", exact=True).click()
    expect(page.locator("#note")).to_contain_text("Dank je.")
    visit.home.work()
    page.reload()
    expect(page.get_by_role("heading", name="De winkel heeft je bestelling")).to_be_visible()
    page.get_by_text("Waarom gebeurde dit?").click()
    page.get_by_role("link", name="Laat elke stap zien").click()
    expect(page.get_by_text("Wat je antwoordde")).to_be_visible()


def test_an_operator_makes_a_device_blink(visit: Visit) -> None:
    page = visit.open(Role.OPERATOR, size=DESK)
    visit.home.health()
    visit.home.changes.tell(visit.home.household_id)
    expect(page.get_by_text("hci0: 212 advertisements a minute")).to_be_visible()
    page.get_by_label("Make a device blink").select_option("btn-kitchen")
    page.get_by_role("button", name="Blink").click()
    expect(page.locator("#note")).to_contain_text("Asked.")
    assert visit.complaints == []


def test_a_page_whose_session_ended_elsewhere_leads_to_the_door(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_text("Nothing was needed yet")).to_be_visible()
    visit.end_sessions()
    expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(visit: Visit, scheme: str) -> None:
    home = visit.home
    home.press(age_s=7_200)
    home.need("baby-nursery", "diapers", SignalKind.LOW_STOCK, {"remaining_units": 8})
    home.need("trv-living", "filter", SignalKind.SERVICE_DUE, {"heating_hours": 1_500})
    home.need_without_product()
    home.health(need_depth=3, need_oldest_age_s=240.0)
    home.refuse_something()
    for role, language, size in (
        (Role.HOUSEHOLD, "nl", PHONE),
        (Role.HOUSEHOLD, "en", DESK),
        (Role.OPERATOR, "nl", PHONE),
        (Role.OPERATOR, "en", DESK),
    ):
        page = visit.open(role, language=language, size=size, scheme=scheme, bypass_csp=True)
        if role is Role.HOUSEHOLD:
            page.locator("details.why summary").first.click()
            expect(page.locator(".facts").first).to_be_visible()
        assert problems(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.goto(f"{visit.url}/nowhere")
    assert problems(page) == []
