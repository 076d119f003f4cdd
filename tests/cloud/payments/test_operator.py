"""What an operator sets and sees: payments are off by default, and what is open has a list."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from paying.home import paying_home
from paying.peer import GOOD, Stripe
from zodra_cloud.app import Cloud, create_app
from zodra_cloud.cli import cli
from zodra_cloud.errors import BadSettings
from zodra_cloud.payments.stripe.provider import StripeProvider
from zodra_cloud.settings import load
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate

CONFIG = """
database_url = "sqlite:///{folder}/cloud.db"
data_dir = "data"
[broker]
password_file = "a.secret"
[shop]
base_url = "http://127.0.0.1:9"
api_key_file = "a.secret"
webhook_secret_file = "a.secret"
private_address_allowed = true
"""
PAYMENTS = """
[payments]
base_url = "{url}"
api_key_file = "stripe.key"
webhook_secret_file = "a.secret"
private_address_allowed = true
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    (tmp_path / "a.secret").write_text("whsec_a")
    (tmp_path / "stripe.key").write_text("sk_test_zodra")
    path = tmp_path / "cloud.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


@pytest.fixture
def config(plain: Path, peer: Stripe) -> Path:
    plain.write_text(plain.read_text() + PAYMENTS.format(url=peer.proxy.url))
    return plain


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["payments", *words, "--config", str(config)])


def ok(config: Path, *words: str) -> dict[str, Any]:
    done = run(config, *words, "--json")
    assert done.exit_code == 0, done.output
    # Moves that a command makes are logged; in a process of its own, on stderr.
    said: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return said


def cloud(config: Path) -> Cloud:
    return Cloud(load(config), instance="test")


def test_without_the_part_there_are_no_payments(plain: Path) -> None:
    made = cloud(plain)
    assert made.cashier is None
    web = TestClient(create_app(made))
    assert web.post("/payments/stripe/events", content=b"{}").status_code in (403, 404, 405)
    made.close()
    done = run(plain, "mandate", "request", "--household", "hh-1")
    assert done.exit_code == 1
    assert "[payments]" in done.output


def test_with_the_part_events_have_an_address(config: Path) -> None:
    made = cloud(config)
    assert made.cashier is not None
    web = TestClient(create_app(made))
    assert web.post("/payments/stripe/events", content=b"{}").status_code == 401
    made.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("private_address_allowed = true", "private_address_allowed = false"),
        ('api_key_file = "stripe.key"', 'api_key = "sk_live_1"'),
        ('"stripe.key"', '"none.key"'),
        ("[payments]", "[payments]\nlink_minutes = 5"),
        ("[payments]", "[payments]\nprovider = 'another'"),
    ],
)
def test_settings_that_cannot_be_are_refused(config: Path, before: str, after: str) -> None:
    text = config.read_text()
    head, part = text.split("[payments]")
    config.write_text(head + ("[payments]" + part).replace(before, after))
    with pytest.raises(BadSettings, match="payments"):
        load(config)


def test_what_is_open_is_listed_shown_and_settled(
    config: Path, peer: Stripe, provider: StripeProvider
) -> None:
    database = Database.open(load(config).database_url)
    migrate(database)
    home = paying_home(database, provider)
    home.gives_mandate(peer.counter, GOOD)
    assert ok(config, "list", "--open") == {"open": []}
    key = home.ordered()
    peer.proxy.break_next("fail", "payment_intents", times=1_000)
    home.do_jobs()
    home.cancel(key)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE payments SET unclear_since = unclear_since - 900000")
    (item,) = ok(config, "list", "--open")["open"]
    assert (item["name"], item["state"], item["reason"]) == (key, "voiding", "server_error")
    assert key in run(config, "list", "--open").output
    shown = ok(config, "show", key, "--household", "hh-1")
    assert [each["state"] for each in shown["steps"]] == ["asking", "unknown", "voiding"]
    assert ok(config, "settle", key, "--household", "hh-1")["state"] == "voided"
    assert run(config, "settle", key, "--household", "hh-1").exit_code == 1
    assert ok(config, "list", "--open") == {"open": []}
    (paid,) = ok(config, "list", "--household", "hh-1")["payments"]
    assert paid["state"] == "voided"
    assert "no payment of order" in run(config, "show", "o-none", "--household", "hh-1").output
    database.close()


def test_a_mandate_is_asked_for_listed_and_revoked(
    config: Path, peer: Stripe, provider: StripeProvider
) -> None:
    database = Database.open(load(config).database_url)
    migrate(database)
    home = paying_home(database, provider)
    asked = ok(config, "mandate", "request", "--household", "hh-1", "--language", "nl")
    assert asked["state"] == "requested"
    again = ok(config, "mandate", "request", "--household", "hh-1")
    assert again["mandate_id"] == asked["mandate_id"]
    home.clock.advance(600)
    home.do_jobs()
    (listed,) = ok(config, "mandate", "list", "--household", "hh-1")["mandates"]
    assert listed["link"].startswith("http://127.0.0.1")
    assert ok(config, "mandate", "revoke", "--household", "hh-1")["ended"] == 1
    home.do_jobs()
    assert home.mandate().state.value == "revoked"
    database.close()
