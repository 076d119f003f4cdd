"""The home's page in a real browser: a finger on the button, and what the page shows of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from missing import MissingTool, give_up
from sim.brokers.brokers import free_port
from sim.homes import BUTTON, STRAP, RunningHome, running_home, write_home
from zodra_sim.household.repository import Light, Store

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("browser")]

CHROMIUM = shutil.which("chromium")
TIMES = "\u00d7"
AXE = Path(__file__).parents[2] / "fixtures" / "vendor" / "axe-4.14.1.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        give_up(MissingTool("no chromium; as root: apt-get install chromium"))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHome]:
    """One home for all: each test does something else to it."""
    port, folder = free_port(), tmp_path_factory.mktemp("home")
    (folder / "data").mkdir()
    store = Store(folder / "data" / "home.db")
    store.show(Light("w_1", "strap-1", "strap", "ordered", "", "x", "gw-1"))
    store.close()
    with running_home(write_home(folder, BUTTON, STRAP, control_port=port), port) as home:
        yield home


@pytest.fixture
def page(browser: Browser, home: RunningHome) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    page.goto(home.post("/api/sign-in-links")["url"])
    yield page
    context.close()
    assert complaints == []


def presses(home: RunningHome) -> list[Any]:
    rows = home.get("/api/truth?after=0")["rows"]
    return [row["detail"]["kind"] for row in rows if row["what"] == "press"]


def test_a_finger_presses_once_twice_and_long(page: Page, home: RunningHome) -> None:
    assert "token" not in page.url
    button = page.get_by_role("button", name="Press the button")
    pressed = page.locator("#btn-1 [data-show=fact]")
    button.click()
    expect(pressed).to_have_text(f"Pressed: 1{TIMES}")
    button.dblclick()
    expect(pressed).to_have_text(f"Pressed: 2{TIMES}")
    button.click(delay=900)
    expect(pressed).to_have_text(f"Pressed: 3{TIMES}")
    assert presses(home) == ["press", "double_press", "long_press"]


def test_the_light_and_its_words(page: Page) -> None:
    light = page.locator("#strap-1 .light")
    expect(light.get_by_role("status")).to_have_text("Ordered.")
    expect(light.locator("li.done")).to_have_text(["kept", "asked", "ordered"])
    expect(page.locator("#btn-1").get_by_role("status")).to_have_text("Nothing asked yet")


def test_wearing_is_seen_at_once(page: Page) -> None:
    page.get_by_role("button", name="Wear 10 s").click()
    expect(page.locator("#strap-1")).to_have_class("device wearable worn")
    page.get_by_role("button", name="Take off").click()
    expect(page.locator("#strap-1 [data-show=fact]")).to_have_text("Not worn")


def test_everybody_can_use_it(page: Page) -> None:
    looks: list[tuple[Any, int]] = [("light", 390), ("light", 1280), ("dark", 390), ("dark", 1280)]
    page.evaluate(AXE.read_text() + "; undefined")
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator("#strap-1 .light").get_by_role("status")).to_have_text("Ordered.")
        found = page.evaluate("axe.run()")
        assert len(found["passes"]) > 15, "axe did not look"
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
