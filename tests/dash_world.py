"""A household, a device maker with a real endpoint, and the service between them."""

import base64
import hashlib
import json
import secrets
import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import FastAPI
from starlette.testclient import TestClient

from cloud_builders import FakeBroker, FakeClock
from web_home import Home
from zodra_cloud.dash import service as dash
from zodra_cloud.dash.calls import Calls
from zodra_cloud.dash.following import Follower
from zodra_cloud.dash.models import DeviceModel
from zodra_cloud.dash.routes import Desk
from zodra_cloud.dash.routes import router as dash_calls
from zodra_cloud.dash.telling import MakerTeller
from zodra_cloud.ingest.service import TELL_GATEWAY, GatewayTeller, on_metered
from zodra_cloud.merchants import events
from zodra_cloud.merchants.events import EventRefusal
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.oauth.routes import router as oauth_tokens
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.web.security import AttemptLimit

MAKER: Final = "roastery"
REDIRECT: Final = "https://roastery.example/linked"
MODEL: Final = DeviceModel.model_validate(
    {
        "model": "Crema-2",
        "name": "Crema coffee machine",
        "slots": [
            {
                "slot_id": "beans",
                "title": {"en": "Beans", "nl": "Bonen"},
                "products": [
                    {"sku": "paper-towels-6", "title": {"en": "Towels", "nl": "Doekjes"}},
                    {
                        "sku": "diapers-size3-44",
                        "title": {"en": "Filters", "nl": "Filters"},
                        "quantity": 2,
                    },
                ],
            },
            {
                "slot_id": "water",
                "title": {"en": "Water filter", "nl": "Waterfilter"},
                "metering": "level",
                "unit": "l",
                "capacity_units": 50,
                "reorder_units": 5,
                "products": [{"sku": "trv-filter", "title": {"en": "Filter", "nl": "Filter"}}],
            },
        ],
    }
)
DRAFT: Final = MODEL.model_copy(update={"model": "Crema-3", "live": False})
NAMESPACE: Final = "com.amazon.dash.replenishment."


def verifier() -> tuple[str, str]:
    """Draw a code verifier, with its challenge."""
    drawn = secrets.token_urlsafe(48)
    digest = hashlib.sha256(drawn.encode()).digest()
    return drawn, base64.urlsafe_b64encode(digest).decode().rstrip("=")


def versions(name: str, sent: str = "1.0", result: str = "1.0") -> dict[str, str]:
    """The two mandatory headers of a verb."""
    return {
        "x-amzn-type-version": f"{NAMESPACE}Drs{name}Input@{sent}",
        "x-amzn-accept-type": f"{NAMESPACE}Drs{name}Result@{result}",
    }


@contextmanager
def still_world(template: Path, folder: Path) -> Iterator["World"]:
    """One world for many refusals, none of which changes anything."""
    shutil.copy(template, folder / "cloud.db")
    opened = Database.open(f"sqlite:///{folder / 'cloud.db'}")
    yield World(opened)
    opened.close()


class Endpoint:
    """The maker's endpoint: a real server that keeps what it is told, and answers as it is bid."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        """Statuses of the next answers; 204 when there are none."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                said = {name.lower(): value for name, value in self.headers.items()}
                outer.taken.append((said, body))
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server: HTTPServer = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/hooks?for=dash"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def verified(self, secret: str, now: datetime) -> list[dict[str, Any]]:
        """Read every notification, each checked against its signature, and forget them."""
        found = []
        for headers, body in self.taken:
            checked = events.check([secret], headers, body, now)
            assert not isinstance(checked, EventRefusal), checked
            told = json.loads(body)
            assert told["notificationInfo"]["notificationId"] == checked.event_id
            found.append(told)
        self.taken.clear()
        return found


@dataclass
class Tokens:
    """What a device got."""

    access: str
    refresh: str


@dataclass
class World:
    """The rooms put together as the service does it, with time and shop in the test's hand."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    event_url: str | None = None
    production: bool = True
    calls_per_minute: int = 1_000
    token_requests_per_minute: int = 1_000
    secret_required: bool = False

    def __post_init__(self) -> None:
        self._told = 0
        on_metered(self.database, foreseeing.keep)
        self.home = Home(self.database, self.clock)
        self.other = Home(self.database, self.clock, household_id="hh-other", gateway_id="gw-2")
        with self.database.write() as connection:
            self.secret, self.event_secret = dash.add_maker(
                connection,
                MAKER,
                name="The Roastery",
                redirect_uris=(REDIRECT, "http://127.0.0.1:9999/cb"),
                secret_required=self.secret_required,
                event_url=self.event_url,
                private_allowed=True,
                now=self.clock.now(),
            )
            for model in (MODEL, DRAFT):
                dash.put_model(connection, MAKER, model, now=self.clock.now())
        self.follow(MakerTeller(self.database, self.clock, private_allowed=True))
        self.client = TestClient(self.app(), follow_redirects=False)
        self.client.headers["accept-language"] = "en"

    def follow(self, teller: MakerTeller) -> None:
        """Let this teller deliver what is told."""
        self.follower = Follower(self.database, self.clock, teller)

    def app(self) -> FastAPI:
        app = self.home.app(production=self.production)
        app.include_router(
            oauth_tokens(
                database=self.database,
                clock=self.clock,
                public_url="http://testserver",
                register=dash.registrar(self.home.changes),
                limit=AttemptLimit(self.token_requests_per_minute).allow,
            )
        )
        desk = Desk(
            Calls(self.database, self.clock), self.clock, AttemptLimit(self.calls_per_minute).allow
        )
        app.include_router(dash_calls(desk))
        return app

    def browser(self, home: Home | None = None) -> TestClient:
        """A browser in which somebody of a household is signed in."""
        client = TestClient(self.client.app, follow_redirects=False)
        client.headers["accept-language"] = "en"
        client.post("/sign-in", data={"token": (home or self.home).link()})
        return client

    def work(self) -> None:
        """Do the jobs that are due, until there are none."""
        handlers = {
            **self.home.replenisher.handlers(),
            **self.home.offers.handlers(),
            **self.follower.handlers(),
            TELL_GATEWAY: GatewayTeller(
                self.home.database, self.clock, FakeBroker(), self.follower.hear
            ),
        }
        while True:
            with self.database.write() as connection:
                due = jobs.claim(
                    connection, owner="test", now=self.clock.now(), limit=50, lease_s=60
                )
            if not due:
                return
            for job in due:
                handlers[job.kind](job)
                with self.database.write() as connection:
                    if jobs.still_leased(connection, job):
                        jobs.finish(connection, job, self.clock.now())

    def deliver(self, state: ShopOrderState) -> None:
        """Let the shop move its newest order, and tell it."""
        self._told += 1
        told = self.home.shop.move(state)
        self.home.replenisher.hear_event(told, f"e-{self._told}", self.clock.now())
        self.work()

    def confirm(self) -> None:
        """Say the household's labelled yes to its open quote."""
        with self.database.write(self.home.household_id) as connection:
            quote = self.home.open_quote(connection)
            answer = replenish.confirm(
                connection,
                self.home.household_id,
                quote.quote_id,
                snapshot_hash=quote.snapshot_hash or "",
                label="Order with obligation to pay",
                language="en",
                person_id="u-1",
                now=self.clock.now(),
                changes=self.home.changes,
            )
        assert isinstance(answer, Confirmed), answer
        self.work()

    def decline(self) -> None:
        """Say the household's no to its open quote."""
        with self.database.write(self.home.household_id) as connection:
            quote = self.home.open_quote(connection)
            assert replenish.decline(
                connection,
                self.home.household_id,
                quote.quote_id,
                person_id="u-1",
                now=self.clock.now(),
                changes=self.home.changes,
            )
        self.work()

    def query(self, challenge: str, **changed: Any) -> dict[str, str]:
        """The parameters of a login; `None` leaves one out."""
        device = {"device_model": "Crema-2", "serial": "SN+1_a-2"} | changed.pop("device", {})
        parameters = {
            "response_type": "code",
            "client_id": MAKER,
            "redirect_uri": REDIRECT,
            "scope": "dash:replenish",
            "scope_data": json.dumps({"dash:replenish": device}),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": 'x"y/z',
        } | changed
        return {name: value for name, value in parameters.items() if value is not None}

    def code(
        self,
        challenge: str,
        home: Home | None = None,
        picks: dict[str, str] | None = None,
        **changed: Any,
    ) -> str:
        """Let a household say yes, and give the code that its browser carries away."""
        browser = self.browser(home)
        address = f"/oauth/authorize?{urlencode(self.query(challenge, **changed))}"
        asked = browser.get(address)
        assert asked.status_code == 200, asked.text
        token = asked.text.split('name="form_token" value="')[1].split('"')[0]
        wanted = {"beans": "paper-towels-6", "water": ""} | (picks or {})
        answer = browser.post(
            address,
            data={
                "form_token": token,
                "answer": "connect",
                **{f"slot-{slot}": sku for slot, sku in wanted.items()},
            },
        )
        assert answer.status_code == 303, answer.text
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert query["state"] == [self.query(challenge, **changed)["state"]]
        return query["code"][0]

    def exchange(self, **parameters: Any) -> Any:
        """Ask the token endpoint."""
        sent = {"client_id": MAKER} | parameters
        return self.client.post(
            "/oauth/token", data={name: value for name, value in sent.items() if value is not None}
        )

    def login(self, home: Home | None = None, **changed: Any) -> Tokens:
        """Let a device in."""
        drawn, challenge = verifier()
        code = self.code(challenge, home, **changed)
        answer = self.exchange(
            grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=drawn
        )
        assert answer.status_code == 200, answer.text
        return Tokens(answer.json()["access_token"], answer.json()["refresh_token"])

    def call(
        self,
        method: str,
        path: str,
        name: str,
        token: str,
        *,
        sent: str = "1.0",
        result: str = "1.0",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Any:
        """Call a verb."""
        said = {**versions(name, sent, result), "authorization": f"Bearer {token}"}
        return self.client.request(method, f"/dash{path}", headers=said | (headers or {}), **more)

    def replenish(self, token: str, slot: str = "beans", **headers: str) -> Any:
        return self.call("POST", f"/replenish/{slot}", "Replenish", token, headers=headers)
