"""A real browser that looks at a served home, and what axe says of what it sees."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import text

from missing import MissingTool, give_up
from web_home import Home
from web_served import free_socket, served
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households.models import Role
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.store.engine import Database
from zodra_contract.reading import ReadingKind

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "fixtures" / "vendor" / "axe-4.14.1.min.js"
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


@contextmanager
def launched() -> Iterator[Browser]:
    """Start a browser for as long as the block lasts."""
    if not CHROMIUM.exists() and shutil.which("chromium") is None:
        give_up(MissingTool("no chromium; as root: apt-get install chromium"))
    path = CHROMIUM if CHROMIUM.exists() else Path(shutil.which("chromium") or "")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(path), args=list(FLAGS))
        yield started
        started.close()


class Visit:
    """One home, served, and browsers that look at it."""

    def __init__(
        self,
        browser: Browser,
        database: Database,
        things: ExitStack,
        home: Home | None = None,
    ) -> None:
        self._browser = browser
        self._things = things
        if home is None:
            home = Home(database, SystemClock()).furnish(Purpose.REPLENISH, Purpose.OFFERS)
        self.home = home
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


def problems(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and good practice."""
    page.add_script_tag(path=AXE)
    found = page.evaluate(
        "axe.run({resultTypes: ['violations'],"
        " runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    assert len(found["passes"]) > 20, "axe did not look"
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
