"""What an operator types: each command teaches, prints JSON on request, and names what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from zodra_cloud.cli import cli
from zodra_cloud.errors import BadSettings
from zodra_cloud.settings import load

CONFIG = """
database_url = "sqlite:///{folder}/cloud.db"
data_dir = "data"
[broker]
password_file = "broker.password"
[shop]
base_url = "http://127.0.0.1:9"
api_key_file = "shop.key"
webhook_secret_file = "shop.webhook"
private_address_allowed = true
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("broker.password", "shop.key", "shop.webhook"):
        (tmp_path / name).write_text("a secret\n")
    path = tmp_path / "cloud.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--config", str(config)])


def ok(config: Path, *words: str) -> dict[str, Any]:
    done = run(config, *words, "--json")
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.output)
    return said


def test_from_nothing_to_a_sign_in_link(config: Path) -> None:
    assert ok(config, "migrate")["before"] is None
    ok(config, "household", "add", "hh-1", "--language", "nl")
    secret = ok(config, "gateway", "add", "gw-1", "--household", "hh-1")["secret"]
    assert len(secret) >= 43
    ok(config, "device", "add", "btn", "--household", "hh-1", "--family", "button")
    bound = ok(config, "slot", "bind", "btn", "b-1", "--household", "hh-1", "--sku", "towels")
    assert bound["sku"] == "towels"
    (gateway,) = ok(config, "gateway", "list")["gateways"]
    assert (gateway["gateway_id"], gateway["state"]) == ("gw-1", "never_seen")
    ok(config, "gateway", "revoke", "gw-1")
    assert ok(config, "gateway", "list")["gateways"][0]["state"] == "revoked"
    link = ok(config, "sign-in-link", "--role", "household", "--household", "hh-1")["link"]
    assert link.startswith("http://127.0.0.1:8080/sign-in?token=")


BTN = ("btn", "b-1", "--household", "hh-1")


def bound(config: Path, *more: str) -> None:
    ok(config, "household", "add", "hh-1")
    ok(config, "device", "add", "btn", "--household", "hh-1", "--family", "button")
    ok(config, "slot", "bind", *BTN, "--sku", "towels", *more)


def test_the_forecasts_of_a_household_are_erased_and_of_an_unknown_one_not(config: Path) -> None:
    bound(config)
    assert ok(config, "household", "forget-forecasts", "hh-1") == {"household_id": "hh-1"}
    unknown = run(config, "household", "forget-forecasts", "hh-2")
    assert unknown.exit_code != 0
    assert "hh-2" in unknown.output


def test_the_limits_of_a_slot_are_set_one_by_one_and_stay_when_it_is_bound_anew(
    config: Path,
) -> None:
    bound(config)
    ok(config, "slot", "limit", *BTN, "--quiet-hours", "22:00-07:00", "--cooldown-s", "60")
    ok(config, "slot", "limit", *BTN, "--spend-cap-minor", "5000")
    ok(config, "slot", "bind", *BTN, "--sku", "towels-12")
    said = ok(config, "slot", "show", *BTN)
    assert (said["sku"], said["quiet_from"], said["quiet_to"]) == ("towels-12", "22:00", "07:00")
    assert (said["cooldown_s"], said["spend_cap_minor"]) == (60, 5_000)
    said = ok(config, "slot", "limit", *BTN, "--quiet-hours", "none", "--spend-cap-minor", "none")
    assert (said["quiet_from"], said["spend_cap_minor"], said["cooldown_s"]) == (None, None, 60)


def test_a_slot_that_counts_has_its_threshold_here(config: Path) -> None:
    bound(config, "--metering", "level")
    said = ok(
        config, "slot", "meter", *BTN, "--unit", "ml", "--capacity", "900", "--reorder-at", "99"
    )
    assert (said["unit"], said["capacity_units"], said["reorder_units"]) == ("ml", 900, 99)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("limit", *BTN, "--call-off"), "call_off: this market does not"),
        (("limit", *BTN, "--quiet-hours", "late"), "two times, such as 22:00-07:00"),
        (("limit", *BTN, "--spend-cap-minor", "5.50"), "a whole number of cents"),
        (("limit", *BTN, "--confirmer", "u-9"), "confirmers: the household has no 'u-9'"),
        (("meter", *BTN, "--unit", "ml"), "unit: a press slot counts nothing"),
        (("show", "btn", "b-2", "--household", "hh-1"), "there is no slot 'b-2'"),
    ],
)
def test_a_limit_that_cannot_be_is_named(config: Path, words: tuple[str, ...], said: str) -> None:
    bound(config)
    done = run(config, "slot", *words)
    assert done.exit_code == 1
    assert said in done.output


def test_call_off_is_allowed_where_the_settings_say_so(config: Path) -> None:
    config.write_text(config.read_text() + '[replenish]\ncall_off_countries = ["NL"]\n')
    bound(config, "--price-ceiling-minor", "1500")
    assert ok(config, "slot", "limit", *BTN, "--call-off")["call_off"] is True


def test_a_home_file_may_be_installed_again(config: Path, tmp_path: Path) -> None:
    home = tmp_path / "home.toml"
    home.write_text(
        'household_id = "hh-1"\ngateways = ["gw-1"]\n[[slots]]\ndevice_id = "btn"\n'
        'family = "button"\nslot_key = "b-1"\nmetering = "press"\nsku = "towels"\n'
    )
    assert set(ok(config, "set-up", "--home", str(home))["secrets"]) == {"gw-1"}
    assert ok(config, "set-up", "--home", str(home))["secrets"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gateway", "add", "gw-1", "--household", "hh-9"), "there is no household 'hh-9'"),
        (("household", "add", "a.b"), "letters, digits"),
        (("gateway", "revoke", "gw-9"), "there is no gateway 'gw-9'"),
        (("sign-in-link", "--role", "household"), "needs --household"),
        (("work", "--name", "a"), "workers need PostgreSQL"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(
    config: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(config, *words)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('data_dir = "data"', "data_dir = 3", "data_dir"),
        ("[broker]", "[broker]\nport = 99999", "broker.port"),
        ("[broker]", '[broker]\npassword = "open"', "write the secret to a file"),
        ('"shop.key"', '"gone.key"', "No such file"),
        ("[broker]", "[brokr]", "brokr"),
        ("[broker]", "[broker", "is not TOML"),
    ],
)
def test_bad_settings_stop_the_start_by_name(config: Path, old: str, new: str, said: str) -> None:
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(BadSettings, match=said):
        load(config)


def test_secrets_are_not_shown(config: Path) -> None:
    assert "a secret" not in repr(load(config))


def test_settings_that_are_missing_are_said(tmp_path: Path) -> None:
    done = run(tmp_path / "none.toml", "migrate")
    assert done.exit_code == 1
    assert "No such file" in done.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://10.0.0.7", "http://shop.example"])
def test_a_shop_that_could_not_be_called_stops_the_start_with_a_sentence(
    config: Path, url: str
) -> None:
    text = config.read_text().replace("private_address_allowed = true\n", "")
    config.write_text(text.replace("http://127.0.0.1:9", url))
    with pytest.raises(BadSettings, match="private_address_allowed = true"):
        load(config)


def test_the_support_desk_lists_subscriptions_and_refuses_by_reason(config: Path) -> None:
    ok(config, "household", "add", "hh-1")
    assert ok(config, "subscription", "list", "--household", "hh-1") == {"subscriptions": []}
    nobody = run(config, "subscription", "pause", "su_x", "--household", "hh-1")
    assert nobody.exit_code == 1
    assert "unknown_subscription" in nobody.output
    unknown = run(config, "subscription", "show", "su_x", "--household", "hh-1")
    assert "there is no subscription 'su_x'" in unknown.output


def test_a_ladder_of_sizes_is_stored_or_refused_with_its_rule(config: Path) -> None:
    file = config.parent / "sizes.toml"
    size = '[[sizes]]\nname = "{0}"\nsku = "diapers-{0}"\npieces = 40\nper_day = 6.0\n'
    file.write_text(size.format("3") + size.format("4"))
    stored = ok(config, "subscription", "sizes", "diapers", "--file", str(file))
    assert stored == {"ladder_id": "diapers", "sizes": 2}
    file.write_text(size.format("3"))
    refused = run(config, "subscription", "sizes", "diapers", "--file", str(file))
    assert "from 2 to 20 sizes" in refused.output


def test_a_household_is_erased_on_a_yes_and_its_id_is_free_again(config: Path) -> None:
    ok(config, "household", "add", "hh-1", "--language", "nl")
    ok(config, "gateway", "add", "gw-1", "--household", "hh-1")
    ok(config, "device", "add", "btn", "--household", "hh-1", "--family", "button")
    asked = run(config, "household", "erase", "hh-1")
    assert asked.exit_code == 1
    assert "nobody can bring it back" in asked.output
    erased = run(config, "household", "erase", "hh-1", "--yes", "--json")
    done = json.loads(erased.output.splitlines()[-1])
    assert (done["pseudonym"], done["kept"]) == ("", {})
    assert done["deleted"]["devices"] == done["deleted"]["gateways"] == 1
    gone = run(config, "household", "erase", "hh-1", "--yes")
    assert gone.exit_code == 1
    assert "there is no household 'hh-1'" in gone.output
    ok(config, "household", "add", "hh-1")
