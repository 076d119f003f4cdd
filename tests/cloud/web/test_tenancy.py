"""Another household's order, subscription or slot is not found, on every address there is."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_full import KITCHEN, FullHome, other_home
from web_reading import form, sign_in
from zodra_cloud.channels import service as channels
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households.models import Role
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database
from zodra_cloud.web.routes.commands import SWAP, WISHES, YESES
from zodra_cloud.web.site import PARTS

OURS = ("order_key", "subscription_id", "device_id", "signal_id", "quote_id", "offer_id")
"""What names something of a household in an address."""
ELSEWHERE = "/operator"
CONNECTIONS = "/connections/"


def routes() -> Iterator[tuple[str, str]]:
    for part in PARTS:
        for route in part.router.routes:
            if not isinstance(route, APIRoute) or route.path.startswith(ELSEWHERE):
                continue
            if not any(f"{{{name}}}" in route.path for name in OURS):
                continue
            for method in sorted(route.methods or ()):
                commands = [*WISHES, *YESES, SWAP] if "{command}" in route.path else [""]
                for command in commands:
                    yield method, route.path.replace("{command}", command)


ROUTES = sorted(set(routes()))

FIELDS = {
    "answer": "yes",
    "quantity": "1",
    "withdrawn": "0",
    "label": "confirm withdrawal",
    "language": "en",
    "snapshot_hash": "0" * 64,
    "terms_hash": "0" * 64,
    "cycle": "1",
    "on": "2027-01-01",
    "count": "4",
    "every": "weeks",
    "units": "5",
    "sku": "paper-towels-6",
    "seen": "1",
}


class World:
    """Two households, and somebody of the one that has nothing."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.home = FullHome(database, clock).furnish(Purpose.REPLENISH)
        self.visitor = sign_in(self.home, Role.HOUSEHOLD)
        self.other = other_home(self.home).furnish(Purpose.REPLENISH)
        with database.write() as connection:
            for device in ("btn-kitchen", "baby-nursery"):
                # The visitor's home has no such device, so that only the other one's could answer.
                connection.exec_driver_sql(
                    "DELETE FROM slots WHERE household_id = 'hh-demo' AND device_id = ?", (device,)
                )
        self.order_key = self.other.order()
        self.other.deliver(ShopOrderState.DELIVERED)
        clock.advance(3 * 86_400)
        self.other.work()
        self.subscription_id = self.other.subscribe()
        signal_id = self.other.press()
        with database.read() as connection:
            quote_id = self.other.open_quote(connection).quote_id
            about = channels.letters_about(connection, self.other.household_id, self.order_key)
        self.names = {
            "order_key": self.order_key,
            "subscription_id": self.subscription_id,
            "device_id": KITCHEN[0],
            "slot_key": KITCHEN[1],
            "signal_id": signal_id,
            "quote_id": quote_id,
            "offer_id": "f_other",
            "letter_id": about[0].letter_id,
            "agreement_id": "a_other",
        }

    def address(self, path: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.names[found[1]], path)


@pytest.fixture
def world(database: Database, clock: FakeClock) -> World:
    return World(database, clock)


def test_every_room_of_pages_is_looked_at() -> None:
    paths = {path for _method, path in ROUTES}
    for start in ("/orders/{order_key}", "/subscriptions/{subscription_id}", "/slots/{device_id}"):
        assert sum(path.startswith(start) for path in paths) >= 5, start


def test_what_belongs_to_another_household_is_not_found(world: World) -> None:
    with world.home.database.read() as connection:
        before = replenish.order(connection, world.other.household_id, world.order_key)
    seen = world.other.seen(world.subscription_id)
    _action, token = form(world.visitor.get("/").text, "/language")
    answers = {
        (method, path): world.visitor.request(
            method, world.address(path), data=token | FIELDS if method == "POST" else None
        ).status_code
        for method, path in ROUTES
    }
    assert {key: status for key, status in answers.items() if status != 404} == {}
    with world.home.database.read() as connection:
        after = replenish.order(connection, world.other.household_id, world.order_key)
        assert len(replenish.open_quotes(connection, world.other.household_id)) == 1
    assert after == before
    assert world.other.seen(world.subscription_id) == seen


def test_the_owner_finds_all_of_it(world: World) -> None:
    owner: TestClient = sign_in(world.other, Role.HOUSEHOLD)
    for method, path in ROUTES:
        skipped = "events" in path or "agreement" in path or CONNECTIONS in path
        if method == "GET" and not skipped:
            assert owner.get(world.address(path)).status_code == 200, path


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
    ],
    ids=lambda headers: str(next(iter(headers.values()))),
)
def test_no_form_is_taken_from_another_site(world: World, headers: dict[str, str]) -> None:
    owner = sign_in(world.other, Role.HOUSEHOLD)
    _action, token = form(owner.get("/").text, "/language")
    for method, path in ROUTES:
        if method == "POST":
            answer = owner.post(world.address(path), data=token | FIELDS, headers=headers)
            assert answer.status_code == 403, path


def test_no_form_is_taken_without_its_token(world: World) -> None:
    owner = sign_in(world.other, Role.HOUSEHOLD)
    for method, path in ROUTES:
        if method == "POST":
            answer = owner.post(world.address(path), data={**FIELDS, "form_token": "0" * 64})
            assert answer.status_code == 403, path
