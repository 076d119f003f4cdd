"""`zodra-cloud dash ...`, as an operator types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from zodra_cloud.cli import cli

MODEL = """
model = "Crema-2"
name = "Crema"
[[slots]]
slot_id = "beans"
title = { en = "Beans", nl = "Bonen" }
[[slots.products]]
sku = "beans-1kg"
title = { en = "Beans", nl = "Bonen" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("cloud.password", "shop.key"):
        (tmp_path / name).write_text("x" * 32)
    (tmp_path / "shop.webhook").write_text("whsec_" + "A" * 32)
    file = tmp_path / "cloud.toml"
    file.write_text(
        f'database_url = "sqlite:///{tmp_path / "cloud.db"}"\ndata_dir = "cloud"\n'
        '[broker]\npassword_file = "cloud.password"\n'
        '[shop]\nbase_url = "https://shop.example"\napi_key_file = "shop.key"\n'
        'webhook_secret_file = "shop.webhook"\n'
    )
    return file


def run(config: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(cli, ["dash", *words, "--config", str(config), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.output) if code == 0 else done.output


def add(config: Path, *more: str, code: int = 0) -> Any:
    url = "https://roastery.example/linked"
    words = ("client", "add", "roastery", "--name", "The Roastery", "--redirect-uri", url)
    return run(config, *words, *more, code=code)


def test_a_maker_is_registered_changed_and_shut_out(config: Path, tmp_path: Path) -> None:
    added = add(config, "--event-url", "https://roastery.example/hooks")
    assert added["event_secret"].startswith("whsec_")
    assert "there is already a client" in add(config, code=1)
    (tmp_path / "crema.toml").write_text(MODEL)
    model = run(config, "model", "roastery", str(tmp_path / "crema.toml"))
    assert (model["slots"], model["live"]) == (["beans"], True)
    renewed = run(config, "client", "new-secret", "roastery")["client_secret"]
    assert renewed != added["client_secret"]
    run(config, "client", "event-url", "roastery", "none")
    run(config, "client", "revoke", "roastery")
    (listed,) = run(config, "client", "list")["clients"]
    assert (listed["event_url"], listed["revoked"]) == (None, True)
    assert "no live client" in run(config, "client", "revoke", "roastery", code=1)
    raw = (tmp_path / "cloud.db").read_bytes()
    assert added["client_secret"].encode() not in raw
    assert renewed.encode() not in raw


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--redirect-uri", "http://roastery.example/"), "use https"),
        (("--event-url", "http://roastery.example/"), "use https"),
        (("--event-url", "https://127.0.0.1/"), "private_address_allowed"),
        (("--event-url", "https://[::1]:8443/"), "private_address_allowed"),
        (("--event-url", "https://u:p@roastery.example/"), "leave the user name out"),
    ],
)
def test_a_faulty_address_is_refused_by_name(
    config: Path, more: tuple[str, ...], said: str
) -> None:
    assert said in add(config, *more, code=1)
    assert run(config, "client", "list") == {"clients": []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "is not TOML"),
        (MODEL.replace("beans-1kg", "beans 1kg"), "slots.0.products.0.sku"),
        (MODEL.replace(', nl = "Bonen"', ""), "slots.0.title.nl"),
        (MODEL + "surprise = 1\n", "surprise"),
    ],
)
def test_a_faulty_model_names_its_field(config: Path, tmp_path: Path, text: str, said: str) -> None:
    add(config)
    (tmp_path / "crema.toml").write_text(text)
    assert said in run(config, "model", "roastery", str(tmp_path / "crema.toml"), code=1)


def test_what_is_not_there_is_said(config: Path, tmp_path: Path) -> None:
    (tmp_path / "crema.toml").write_text(MODEL)
    assert "no maker" in run(config, "model", "nobody", str(tmp_path / "crema.toml"), code=1)
    assert "No such file" in run(config, "model", "nobody", "missing.toml", code=1)
    assert "no client" in run(config, "client", "new-secret", "nobody", code=1)
    assert "no notification" in run(config, "resend", "zn_nothing", code=1)
    assert run(config, "notifications", "--dead") == {"notifications": []}


def test_what_signs_is_stored_under_the_key_of_the_settings(config: Path, tmp_path: Path) -> None:
    plain = add(config)["event_secret"].removeprefix("whsec_").encode()
    assert plain in (tmp_path / "cloud.db").read_bytes()
    (tmp_path / "dash.key").write_text("k" * 31)
    config.write_text(config.read_text() + '[dash]\nsecrets_key_file = "dash.key"\n')
    assert "secrets_key" in run(config, "client", "list", code=1)
    (tmp_path / "dash.key").write_text("k" * 32)
    renewed = run(config, "client", "new-secret", "roastery", "--events")["event_secret"]
    stored = b"".join(each.read_bytes() for each in tmp_path.glob("cloud.db*"))
    assert b"sealed1:" in stored
    assert renewed.removeprefix("whsec_").encode() not in stored
    assert "nobody" in run(config, "client", "new-secret", "nobody", "--events", code=1)
