"""A bad value stops the start with its name."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.brokers.brokers import free_port, write_config
from zodra_sim.brokers import mosquitto
from zodra_sim.brokers.errors import BadSettings, ProgramMissing
from zodra_sim.brokers.programs import find
from zodra_sim.brokers.settings import Kind, User, load
from zodra_sim.cli import commands


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config("amqtt", tmp_path, free_port())


def test_paths_are_relative_to_the_file_and_the_kind_can_be_overruled(config: Path) -> None:
    settings = load(config, Kind.NATS)
    assert settings.kind is Kind.NATS
    assert settings.data_dir == config.parent / "data"
    assert settings.users[0].password() == "secret-of-gw-1"


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("port = ", "port = 7", "port"),
        ('kind = "amqtt"', 'kind = "carrier pigeon"', "kind"),
        ('username = "gw_2"', 'username = "gw-1"', "named twice"),
        ('username = "gw_2"', 'username = "gw.2"', "username"),
        ('role = "cloud"', 'role = "cloud"\nhousehold_id = "hh-1"', "only a gateway"),
        ('role = "cloud"', 'role = "cloud"\ntopics = ["a/#"]', "only a home-device"),
        ('role = "cloud"', 'role = "cloud"\ncolour = "blue"', "colour"),
        ("[[users]]", "[[users", "array declaration"),
    ],
)
def test_what_cannot_be_used_is_named(config: Path, was: str, becomes: str, named: str) -> None:
    config.write_text(config.read_text().replace(was, becomes))
    with pytest.raises(BadSettings, match=named):
        load(config)


@pytest.mark.parametrize("secret", ["", "short\n", "\nsecond line counts not\n"])
def test_a_short_password_is_refused(config: Path, secret: str) -> None:
    (config.parent / "gw-1.password").write_text(secret)
    with pytest.raises(BadSettings, match="at least 8 characters"):
        load(config).users[0].password()


def test_the_command_says_it_in_one_sentence(config: Path) -> None:
    (config.parent / "gw-1.password").unlink()
    run = CliRunner().invoke(commands, ["broker", "--config", str(config)])
    assert run.exit_code == 1
    assert "password_file of gw-1" in run.output
    assert "Traceback" not in run.output


def test_a_missing_program_says_what_to_install() -> None:
    with pytest.raises(ProgramMissing, match="no-such-broker is not installed: apt-get install x"):
        find("no-such-broker", None, "apt-get install x")
    with pytest.raises(ProgramMissing, match="/no/such/program"):
        find("mosquitto", Path("/no/such/program"), "apt-get install x")


def user(name: str, role: str, household_id: str | None = None) -> User:
    return User.model_validate(
        {"username": name, "role": role, "household_id": household_id, "password_file": "x"}
    )


def test_gateways_of_known_households_are_written_out_for_mosquitto() -> None:
    rules = mosquitto.access_list((user("gw-1", "gateway", "hh-1"), user("gw-2", "gateway")))
    assert "pattern" not in rules
    assert "user gw-1\ntopic write up/hh-1/gw-1\ntopic read down/hh-1/gw-1/+\n" in rules
    assert "user gw-2\ntopic write up/+/gw-2\ntopic read down/+/gw-2/+\n" in rules
