"""The page on which a household lets a device in, in a real browser."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect, sync_playwright

from dash_world import MODEL, World, verifier
from missing import MissingTool, give_up
from web_served import free_socket, served
from zodra_cloud.dash import service as dash

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("browser")]

AXE = Path(__file__).parents[2] / "fixtures" / "vendor" / "axe-4.14.1.min.js"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


@pytest.fixture
def app_of_the_maker() -> Iterator[tuple[str, list[str]]]:
    """Where the browser is led after the answer, and with what."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            body = b"<title>linked</title>"
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/linked", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_household_reads_picks_and_is_led_to_the_app(
    world: World, app_of_the_maker: tuple[str, list[str]]
) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        give_up(MissingTool("no chromium; as root: apt-get install chromium"))
    redirect, seen = app_of_the_maker
    with world.database.write() as connection:
        dash.add_maker(
            connection,
            "kettles",
            name="Kettles & Co",
            redirect_uris=(redirect,),
            secret_required=False,
            event_url=None,
            private_allowed=True,
            now=world.clock.now(),
        )
        dash.put_model(connection, "kettles", MODEL, now=world.clock.now())
    _drawn, challenge = verifier()
    query = world.query(challenge, client_id="kettles", redirect_uri=redirect, state="s1")
    bound = free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    complaints: list[str] = []
    with served(world.app(), bound, world.home.changes), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(f"{url}/oauth/authorize?{urlencode(query)}")
        expect(page).to_have_url(f"{url}/sign-in")
        page.goto(f"{url}/sign-in?token={world.home.link()}")
        page.locator("main button").click()
        # The login that waited goes on.
        expect(page.get_by_role("heading", level=1)).to_contain_text("Crema coffee machine")
        expect(page.get_by_text("Kettles & Co").first).to_be_visible()
        faults = accessible(browser, page.url, context.cookies())
        page.get_by_label("Towels").check()
        page.get_by_role("group", name="Water filter").get_by_label("Nothing for now").check()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page).to_have_title("linked")
        browser.close()
    assert seen[0].startswith("/linked?code=zac_")
    assert "state=s1" in seen[0]
    assert faults == []
    assert complaints == []


def accessible(browser: Any, url: str, cookies: Any) -> list[str]:
    """What axe finds on the page; it injects a script, which the page's own policy forbids."""
    context = browser.new_context(bypass_csp=True)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(url)
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(
        "async () => (await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa',"
        " 'best-practice']})).violations.map((each) => each.id)"
    )
    context.close()
    return list(found)
