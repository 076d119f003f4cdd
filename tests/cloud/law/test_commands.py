"""What an operator types about letters, proofs and withdrawals; and settings that are refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from business_builders import HOUSEHOLD
from law_world import LawfulBusiness
from zodra_cloud import lawful
from zodra_cloud.cli import cli
from zodra_cloud.errors import BadSettings
from zodra_cloud.law.labels import Channel, Control
from zodra_cloud.law.rules import Rules
from zodra_cloud.settings import load
from zodra_cloud.store.engine import Database

CONFIG = """
database_url = "sqlite:///{folder}/cloud.db"
data_dir = "data"
[broker]
password_file = "secret"
[shop]
base_url = "http://127.0.0.1:9"
api_key_file = "secret"
webhook_secret_file = "secret"
private_address_allowed = true
"""
MAIL = """
[mail]
host = "127.0.0.1"
security = "none"
sender = "orders@zodra.test"
"""


@pytest.fixture
def config(tmp_path: Path, sqlite_template: Path) -> Path:
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    (tmp_path / "secret").write_text("a secret\n")
    path = tmp_path / "cloud.toml"
    path.write_text(CONFIG.format(folder=tmp_path) + MAIL)
    return path


@pytest.fixture
def key(config: Path) -> str:
    """An order that was delivered and withdrawn from."""
    database = Database.open(f"sqlite:///{config.parent / 'cloud.db'}")
    home = LawfulBusiness(database, rules=Rules(mail_on=True))
    ordered = home.order()
    home.deliver(ordered)
    home.withdraw(ordered)
    database.close()
    return ordered


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def ok(config: Path, *words: str) -> dict[str, Any]:
    done = run(*words, "--config", str(config), "--json")
    assert done.exit_code == 0, done.output
    # Run within this process, a command also prints its log.
    said: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return said


def test_an_operator_sees_what_is_owed_and_gives_an_address(config: Path, key: str) -> None:
    report = ok(config, "mail", "report")
    assert (report["no_durable_medium"], report["kept"], report["measured"]) == (2, 3, 0)
    listed = ok(config, "mail", "list")["letters"]
    assert {each["reason"] for each in listed} == {"no_address"}
    assert {each["order_key"] for each in listed} == {key}
    said = ok(config, "household", "contact", HOUSEHOLD, "--email", "a@home.example")
    assert said == {"household_id": HOUSEHOLD, "email": "a@home.example", "letters_sent_now": 2}
    assert ok(config, "mail", "report")["waiting"] == 2
    assert ok(config, "household", "contact", HOUSEHOLD, "--remove")["email"] is None
    bad = run("household", "contact", HOUSEHOLD, "--email", "a@b\nBcc: c", "--config", str(config))
    assert bad.exit_code == 1
    assert "the address" in bad.output


def test_a_proof_is_written_and_verified_and_a_touched_one_fails(config: Path, key: str) -> None:
    for kind in ("html", "json"):
        file = config.parent / f"proof.{kind}"
        place = ("--household", HOUSEHOLD, "--config", str(config), "--output", str(file))
        written = run("order", "proof", key, "--format", kind, *place)
        assert written.exit_code == 0, written.output
        good = run("order", "verify", str(file), "--json")
        assert good.exit_code == 0
        assert json.loads(good.output)["mark"] in written.output
        file.write_text(file.read_text().replace("Paper towels", "Silk towels", 1))
        touched = run("order", "verify", str(file))
        assert touched.exit_code == 1
        assert "is not what its hash says" in touched.output or "is not the one" in touched.output


def test_an_operator_sees_to_withdrawals(config: Path, key: str) -> None:
    (found,) = ok(config, "order", "withdrawals")["withdrawals"]
    assert (found["state"], found["refund_minor"]) == ("declared", 1094)
    assert len(ok(config, "order", "withdrawals", "--overdue")["withdrawals"]) <= 1
    assert ok(config, "order", "goods-back", key, "--household", HOUSEHOLD)["changed"]
    assert not ok(config, "order", "goods-back", key, "--household", HOUSEHOLD)["changed"]
    (found,) = ok(config, "order", "withdrawals")["withdrawals"]
    assert found["state"] == "refund_due"
    reason = ("--reason", "seal_broken", "--household", HOUSEHOLD)
    assert ok(config, "order", "refuse-withdrawal", key, *reason)["changed"]
    assert ok(config, "order", "withdrawals")["withdrawals"] == []
    again = run("order", "refuse-withdrawal", key, *reason, "--config", str(config))
    assert again.exit_code == 1


def test_a_refund_that_was_paid_by_hand_settles_the_withdrawal_and_is_written(
    config: Path, key: str
) -> None:
    place = ("--household", HOUSEHOLD)
    assert ok(config, "order", "refunded", key, *place)["changed"]
    assert not ok(config, "order", "refunded", key, *place)["changed"]
    assert ok(config, "order", "withdrawals")["withdrawals"] == []
    kinds = [each["kind"] for each in ok(config, "mail", "list")["letters"]]
    assert kinds.count("refunded") == 1


def loaded(config: Path, more: str) -> Any:
    config.write_text(CONFIG.format(folder=config.parent) + more)
    return load(config)


def test_mail_is_off_and_the_law_at_its_safest_unless_told_otherwise(config: Path) -> None:
    settings = loaded(config, "")
    rules = lawful.rules_of(settings)
    assert settings.mail is None
    assert not rules.mail_on
    assert rules.days_min == 14
    assert rules.labels.text(Control.WITHDRAW, "nl") == "overeenkomst hier herroepen"


def test_terms_and_labels_come_from_the_settings(config: Path) -> None:
    (config.parent / "terms.nl.txt").write_text("Voorwaarden.\n")
    rules = lawful.rules_of(
        loaded(
            config,
            '[law]\ntrader = "Kade 1, Utrecht"\nwithdrawal_days = 30\nexclusions = []\n'
            'terms_files = { nl = "terms.nl.txt" }\n[[law.labels]]\ncountry = "NL"\n'
            'control = "withdraw"\nlanguage = "nl"\ntext = "hier de overeenkomst herroepen"\n',
        )
    )
    assert rules.trader.terms == {"nl": "Voorwaarden.\n"}
    assert (rules.days_min, rules.exclusions) == (30, frozenset())
    assert (
        rules.labels.text(Control.WITHDRAW, "nl", Channel.WEB) == "hier de overeenkomst herroepen"
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('[mail]\nhost = "mail.example"\nsecurity = "none"\nsender = "a@b.nl"', "in the open"),
        ('[mail]\nhost = "m.example"\nsender = "nobody"', "sender: the address has no @"),
        ('[mail]\nhost = "m.example"\nsender = "a@b.nl"\nusername = "u"', "password_file"),
        ('[mail]\nhost = "m.example"\nsender = "a@b.nl"\npassword = "x"', "write the secret"),
        ('[mail]\nhost = "m.example"\nsender = "a@b.nl\\nBcc: x"', "sender"),
        ("[law]\nwithdrawal_days = 13", "withdrawal_days"),
        (
            '[[law.labels]]\ncountry = "NL"\ncontrol = "order"\nlanguage = "nl"\ntext = "Koop nu"',
            "not on the list",
        ),
        ('[law]\nexclusions = ["everything"]', "exclusions"),
    ],
)
def test_a_setting_that_would_not_be_lawful_stops_the_start(
    config: Path, more: str, why: str
) -> None:
    with pytest.raises(BadSettings, match=why):
        loaded(config, more)
