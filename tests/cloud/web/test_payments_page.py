"""The page on which a household sees, gives and takes back the permission to be charged later."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_full import FullHome, other_home
from web_home import Home
from web_reading import form, sign_in, text_of
from zodra_cloud.households.models import Role
from zodra_cloud.payments import moves
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.states import MandateEvent, MandateState
from zodra_cloud.replenish.models import At
from zodra_cloud.store.engine import Database
from zodra_cloud.web.context import Site
from zodra_cloud.web.views.payments import CHIPS, SENTENCES


class PayingHome(FullHome):
    """A home whose payments go through a service."""

    def site(self, public_url: str, *, production: bool = True) -> Site:
        return replace(super().site(public_url, production=production), payments_on=True)

    def move(self, event: MandateEvent, **facts: Any) -> None:
        """Let the newest permission move, as the provider's answer would."""
        with self.database.write(self.household_id) as connection:
            newest = payments.mandates(connection, self.household_id)[0]
            at = At(self.clock.now(), self.changes)
            moves.move_mandate(connection, newest, event, at, **facts)

    def states(self) -> list[MandateState]:
        with self.database.read() as connection:
            return [each.state for each in payments.mandates(connection, self.household_id)]


@pytest.fixture
def paying(database: Database, clock: FakeClock) -> PayingHome:
    return PayingHome(database, clock).furnish()


@pytest.fixture
def payer(paying: PayingHome) -> TestClient:
    return sign_in(paying, Role.HOUSEHOLD)


def send(client: TestClient, action: str) -> str:
    where, fields = form(client.get("/payments").text, action)
    answer = client.post(where, data=fields)
    assert answer.headers["location"] == "/payments"
    return client.get("/payments").text


def test_a_permission_is_asked_for_approved_seen_and_revoked(
    paying: PayingHome, payer: TestClient
) -> None:
    assert "You allow nothing now" in text_of(payer.get("/payments").text)
    asked = send(payer, "/payments/allow")
    assert "being prepared" in asked
    assert 'hx-trigger="every 2s"' in asked, "the link shows up by itself"
    until = paying.clock.now() + timedelta(hours=1)
    paying.move(
        MandateEvent.LINKED, link_url="https://pay.example/s?a=1&b=2", link_expires_at=until
    )
    opened = payer.get("/payments").text
    assert 'href="https://pay.example/s?a=1&amp;b=2"' in opened
    assert "/payments/allow" not in opened
    paying.move(MandateEvent.GRANTED, method_id="pm_1")
    live = payer.get("/payments").text
    assert "in force" in live
    assert "pay.example" not in live
    assert "pm_1" not in live, "the provider's names are nobody's business"
    revoked = send(payer, "/payments/revoke")
    assert "Nothing more is charged without your approval." in revoked
    assert paying.states() == [MandateState.REVOKING]
    paying.move(MandateEvent.REVOKED)
    over = payer.get("/payments").text
    assert "You revoked it." in over
    assert "/payments/allow" in over


def test_one_that_is_asked_for_twice_is_one(paying: PayingHome, payer: TestClient) -> None:
    where, fields = form(payer.get("/payments").text, "/payments/allow")
    for _ in range(2):
        assert payer.post(where, data=fields).status_code == 303
    assert paying.states() == [MandateState.REQUESTED]


def test_where_the_shop_charges_there_is_nothing_to_allow(home: Home, resident: TestClient) -> None:
    page = resident.get("/payments").text
    assert "The shop charges what you order in its own way." in text_of(page)
    assert "/payments/allow" not in page
    _, fields = form(resident.get("/tokens").text, "/tokens")
    token = {"form_token": fields["form_token"]}
    assert resident.post("/payments/allow", data=token).status_code == 404


def test_nobody_revokes_what_another_household_allowed(
    paying: PayingHome, payer: TestClient
) -> None:
    send(payer, "/payments/allow")
    other = sign_in(other_home(paying).furnish(), Role.HOUSEHOLD)
    assert "being prepared" not in other.get("/payments").text
    _, fields = form(other.get("/tokens").text, "/tokens")
    other.post("/payments/revoke", data={"form_token": fields["form_token"]})
    payer.post("/payments/revoke", data={"form_token": "forged"})
    assert paying.states() == [MandateState.REQUESTED]


def test_every_state_has_words() -> None:
    assert set(CHIPS) == set(SENTENCES) == set(MandateState)
