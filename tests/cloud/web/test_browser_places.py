"""Every page of a household in a real browser: accessible, in place, and without scripts too."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud_builders import FakeClock
from web_browser import DESK, PHONE, Visit, launched, problems
from web_full import KITCHEN, TANK, FullHome
from zodra_cloud.consent.service import Purpose
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.store.engine import Database
from zodra_contract.signal import SignalKind

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("browser")]

NARROW = {"width": 320, "height": 640}
SLOT = f"/slots/{KITCHEN[0]}/{KITCHEN[1]}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as started:
        yield started


class Places:
    """A home with a past, served, and the address of each of its pages."""

    def __init__(self, browser: Browser, database: Database, things: ExitStack) -> None:
        clock = FakeClock(SystemClock().now() - timedelta(days=120))
        self.home = FullHome(database, clock).furnish(Purpose.REPLENISH, Purpose.OFFERS)
        self.home.bind(title="Paper towels", quantity=2)
        self.home.add_tank()
        for _ in range(3):
            self.order = self.home.order()
            self.home.deliver(ShopOrderState.DELIVERED)
            clock.advance(3 * 86_400)
            self.home.work()
            clock.advance(20 * 86_400)
        self.home.drain(clock)
        self.order = self.home.order()
        self.home.deliver(ShopOrderState.DELIVERED)
        clock.advance(3 * 86_400)
        self.home.work()
        clock.advance((SystemClock().now() - clock.now()).total_seconds())
        self.subscription = self.home.subscribe()
        self.home.grow_along(self.subscription)
        self.home.allow_charges()
        self.offered = self.home.subscribe_nursery()
        self.home.need("baby-nursery", "diapers", SignalKind.LOW_STOCK, {"remaining_units": 8})
        self.home.bind(call_off=True, price_ceiling_minor=2_500)
        self.visit = Visit(browser, database, things, self.home)

    @property
    def paths(self) -> tuple[str, ...]:
        agreement = "orders_max=4&window_days=30&notice_hours=2"
        return (
            "/",
            "/orders",
            f"/orders/{self.order}",
            f"/orders/{self.order}/withdraw",
            "/subscriptions",
            f"/subscriptions/{self.subscription}",
            f"/subscriptions/{self.subscription}/withdraw",
            f"/subscriptions/{self.offered}",
            "/payments",
            "/products",
            SLOT,
            f"/slots/{TANK[0]}/{TANK[1]}",
            f"{SLOT}/subscribe",
            f"{SLOT}/agreement?{agreement}",
        )


@pytest.fixture
def places(browser: Browser, database: Database) -> Iterator[Places]:
    with ExitStack() as things:
        yield Places(browser, database, things)


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("nl", PHONE, "dark"), ("en", DESK, "light")],
    ids=["nl-phone-dark", "en-desk-light"],
)
def test_every_page_is_accessible(
    places: Places, language: str, size: dict[str, int], scheme: str
) -> None:
    page = places.visit.open(language=language, size=size, scheme=scheme, bypass_csp=True)
    for path in places.paths:
        page.goto(places.visit.url + path)
        unfold(page)
        assert problems(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
        page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
        page.set_viewport_size({"width": size["width"], "height": size["height"]})


def test_a_form_that_was_not_taken_is_accessible_and_keeps_what_was_typed(places: Places) -> None:
    page = places.visit.open(language="nl", bypass_csp=True)
    page.goto(places.visit.url + SLOT)
    field = page.get_by_label("Je prijsgrens voor één bestelling")
    field.fill("veel")
    page.get_by_label("Hoe je het noemt").fill("Keukenrol")
    page.get_by_role("button", name="Deze grenzen bewaren").click()
    expect(field).to_have_value("veel")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Hoe je het noemt")).to_have_value("Keukenrol")
    assert problems(page) == []


def test_an_order_is_live_until_it_is_delivered(places: Places) -> None:
    home, page = places.home, places.visit.open()
    with home.database.read() as connection:
        key = home.open_quote(connection).order_key
    home.confirm()
    page.goto(f"{places.visit.url}/orders/{key}")
    expect(page.get_by_role("heading", name="Diapers size 3, 44 pieces")).to_be_visible()
    home.deliver(ShopOrderState.SHIPPED)
    expect(page.get_by_text("Your order is on its way", exact=True)).to_be_visible()
    home.deliver(ShopOrderState.DELIVERED)
    expect(page.get_by_text("Your order was delivered", exact=True)).to_be_visible()
    page.get_by_role("button", name="withdraw from contract here").click()
    page.get_by_role("button", name="confirm withdrawal", exact=True).click()
    expect(page.locator("#note")).to_contain_text("You have withdrawn.")
    assert places.visit.complaints == []


def test_the_terms_of_a_subscription_show_up_by_themselves_and_are_joined(places: Places) -> None:
    home, page = places.home, places.visit.open()
    page.goto(f"{places.visit.url}/slots/{TANK[0]}/{TANK[1]}")
    page.get_by_role("button", name="Start a subscription").click()
    page.get_by_role("button", name="Show me the terms").click()
    expect(
        page.get_by_text("We ask the shop what it costs, every 4 weeks.", exact=True)
    ).to_be_visible()
    home.work()
    page.get_by_role("button", name="Order with obligation to pay", exact=True).click()
    expect(page.locator("#note")).to_contain_text("You have joined.")
    page.get_by_role("button", name="Skip").first.click()
    expect(page.locator("#note")).to_contain_text("Skipped.")
    expect(page.get_by_role("button", name="Deliver it after all")).to_be_visible()
    assert places.visit.complaints == []


def test_it_all_works_without_scripts_and_from_the_keyboard(places: Places) -> None:
    page = places.visit.open(scripts=False)
    walk(page, "Subscriptions")
    expect(page.get_by_role("heading", name="Subscriptions", level=1)).to_be_visible()
    page.goto(f"{places.visit.url}/subscriptions/{places.subscription}")
    walk(page, "Pause", role="button", unfolding=True)
    expect(page.locator("#note")).to_contain_text("Paused.")
    walk(page, "Go on with deliveries", role="button")
    expect(page.locator("#note")).to_contain_text("It goes on.")
    walk(page, "cancel subscription", role="button")
    expect(page.locator("#note")).to_contain_text("Cancelled.")


def walk(page: Page, name: str, *, role: str = "link", unfolding: bool = False) -> None:
    """Reach a control with the Tab key alone, and press Enter on it."""
    for _ in range(90):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() == 0:
            continue
        if unfolding and focused.evaluate("each => each.tagName") == "SUMMARY":
            if focused.inner_text() == name:
                page.keyboard.press("Enter")
                unfolding = False
            continue
        wanted = "A" if role == "link" else "BUTTON"
        found = focused.evaluate("each => [each.tagName, each.innerText.trim()]")
        if not unfolding and found == [wanted, name]:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} is not reached with the Tab key")


def unfold(page: Page) -> None:
    """Open everything that is folded, so that it is looked at too."""
    page.evaluate("document.querySelectorAll('details.more').forEach((each) => each.open = true)")
