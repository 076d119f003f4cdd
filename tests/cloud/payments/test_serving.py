"""The whole service as a process, with `[payments]`: ordered, paid for, sent, then charged."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from business_builders import press
from cloud_serving import Serving, until
from paying.peer import API_KEY, GOOD, Stripe
from paying.peer import SECRET as STRIPE_SECRET
from plain_http import NO_TLS
from shop_process import API_KEY as SHOP_KEY
from shop_process import SECRET, ShopProcess
from zodra_cloud.api import service as api
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.ingest import service as needs
from zodra_cloud.kit.changes import Changes
from zodra_cloud.payments import service as payments
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database

HOUSEHOLD = "hh-1"
LABEL = "Order with obligation to pay"
PAYMENTS = """
[payments]
base_url = "{url}"
api_key_file = "stripe.key"
webhook_secret_file = "stripe.webhook"
private_address_allowed = true
"""


@pytest.fixture
def serving(tmp_path: Path, peer: Stripe) -> Iterator[Serving]:
    made = Serving(tmp_path, f"sqlite:///{tmp_path / 'cloud.db'}")
    made.write("shop.key", SHOP_KEY)
    made.write("shop.webhook", SECRET)
    made.write("stripe.key", API_KEY)
    made.write("stripe.webhook", STRIPE_SECRET)
    shop = ShopProcess(
        tmp_path,
        webhook_url=f"{made.url}/merchants/ucp/events",
        shipped_after_s=0.5,
        delivered_after_s=86_400,
    )
    text = (tmp_path / "cloud.toml").read_text()
    text = re.sub(r"(?m)^base_url = .*$", f'base_url = "{shop.url}"', text)
    made.write("cloud.toml", text + PAYMENTS.format(url=peer.proxy.url))
    home = (tmp_path / "home.toml").read_text()
    made.write(
        "home.toml",
        home.replace('metering = "press"', 'metering = "press"\nsku = "paper-towels-6"', 1),
    )
    made.set_up()
    try:
        made.start_broker()
        with shop:
            made.start()
            yield made
    finally:
        made.close()


def test_one_order_is_paid_for_before_the_shop_is_asked(serving: Serving, peer: Stripe) -> None:
    database = Database.open(serving.database_url)
    now = datetime.now(UTC)
    with database.write(HOUSEHOLD) as connection:
        consent.grant(
            connection,
            HOUSEHOLD,
            Purpose.REPLENISH,
            person_id="u-1",
            language="en",
            method=Method.SETUP,
            now=now,
            changes=Changes(),
        )
        secret, _token = api.make_token(
            connection,
            HOUSEHOLD,
            name="test",
            scopes={api.Scope.READ, api.Scope.ACT},
            days=1,
            now=now,
        )
        needs.take_in(connection, HOUSEHOLD, press(at=now), source="gw-1", now=now)
    with httpx2.Client(
        base_url=f"{serving.url}/api/v1",
        headers={"authorization": f"Bearer {secret}"},
        trust_env=False,
        verify=NO_TLS,
    ) as client:
        key = _confirmed(database, client)
        until(lambda: _payment(database, key).link_url is not None, "the household has a link")
        assert client.get(f"/orders/{key}").json()["state"] == "confirmed", "no shop was asked"
        link = str(_payment(database, key).link_url)
        assert peer.counter.fill_in(link, GOOD) == "complete"
        assert _tell(serving, link.rpartition("/")[2]) == 204
        until(lambda: peer.money(key) == ["succeeded"], "it was sent, and then charged")
        until(lambda: client.get(f"/orders/{key}").json()["state"] == "shipped", "it says so")
        assert len(peer.charges(key)) == 1
        assert _payment(database, key).state.value == "captured"
    database.close()
    assert serving.terminate() == 0, serving.said()


def _confirmed(database: Database, client: httpx2.Client) -> str:
    def quoted() -> list[Any]:
        with database.read() as connection:
            return replenish.open_quotes(connection, HOUSEHOLD)

    until(lambda: bool(quoted()), "the quote is there")
    (quote,) = quoted()
    done = client.post(
        f"/quotes/{quote.quote_id}/confirm",
        json={"snapshot_hash": quote.snapshot_hash, "label": LABEL, "language": "en"},
        headers={"idempotency-key": "one"},
    )
    assert done.status_code == 200, done.text
    return str(done.json()["order_key"])


def _tell(serving: Serving, session: str) -> int:
    """Send the signed event of a page that was filled in, as the provider does."""
    body = json.dumps(
        {
            "id": "evt_1",
            "type": "checkout.session.completed",
            "data": {"object": {"id": session}},
        }
    ).encode()
    at = int(datetime.now(UTC).timestamp())
    said = hmac.new(STRIPE_SECRET.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    answer = httpx2.post(
        f"{serving.url}/payments/stripe/events",
        content=body,
        headers={"stripe-signature": f"t={at},v1={said}"},
        trust_env=False,
        verify=NO_TLS,
    )
    return answer.status_code


def _payment(database: Database, key: str) -> payments.StoredPayment:
    with database.read() as connection:
        found = payments.payment(connection, HOUSEHOLD, key)
    assert found is not None
    return found
