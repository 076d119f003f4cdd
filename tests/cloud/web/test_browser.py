"""The pages in a real browser: live, without complaints of the policy, and accessible to all."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import text

from missing import MissingTool, give_up
from web_home import Home
from web_served import free_socket, served
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households.models import Role
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.store.engine import Database
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import SignalKind

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("browser")]

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "fixtures" / "vendor" / "axe-4.14.1.min.js"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists() and shutil.which("chromium") is None:
        give_up(MissingTool("no chromium; as root: apt-get install chromium"))
    path = CHROMIUM if CHROMIUM.exists() else Path(shutil.which("chromium") or "")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(path), args=list(FLAGS))
        yield started
        started.close()


class Visit:
    """One home, served, and browsers that look at it."""

    def __init__(self, browser: Browser, database: Database, things: ExitStack) -> None:
        self._browser = browser
        self._things = things
        self.home = Home(database, SystemClock()).furnish(Purpose.REPLENISH, Purpose.OFFERS)
        self.home.readings(("btn-kitchen", ReadingKind.BATTERY_PERCENT, 12.0))
        bound = free_socket()
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        things.enter_context(served(self.home.app(self.url), bound, self.home.changes))
        self.complaints: list[str] = []
        self._database = database

    def end_sessions(self) -> None:
        """End every session, as a sign-out on another device would."""
        with self._database.write() as connection:
            connection.execute(text("UPDATE sessions SET ended_at = 1"))
        self.home.changes.tell(self.home.household_id)

    def open(
        self,
        role: Role = Role.HOUSEHOLD,
        *,
        language: str = "en",
        size: dict[str, int] = PHONE,
        scheme: str = "light",
        scripts: bool = True,
        bypass_csp: bool = False,
    ) -> Page:
        """Sign in with a one-time link, as a person does."""
        context: BrowserContext = self._browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="nl-NL" if language == "nl" else "en-GB",
            java_script_enabled=scripts,
            bypass_csp=bypass_csp,
        )
        self._things.callback(context.close)
        context.set_default_timeout(10_000)
        context.add_cookies([{"name": "zodra_language", "value": language, "url": self.url}])
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.goto(f"{self.url}/sign-in?token={self.home.link(role)}")
        page.locator("main button").click()
        page.wait_for_url(self.url + ("/" if role is Role.HOUSEHOLD else "/operator"))
        return page


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


def problems(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and good practice."""
    page.add_script_tag(path=AXE)
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    assert len(found["passes"]) > 20, "axe did not look"
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
