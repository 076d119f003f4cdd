"""The unit is as closed as it says, and what the package holds fits together."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from missing import MissingTool, give_up
from zodra_edge.errors import Unclaimed
from zodra_edge.settings import load

GATEWAY = Path(__file__).parents[2] / "deploy" / "gateway"
UNIT = GATEWAY / "zodra-edge.service"
EXPOSURE_MAX = 1.5


def analyze(*words: str | Path) -> str:
    if shutil.which("systemd-analyze") is None:
        give_up(MissingTool("systemd-analyze is not installed: apt-get install systemd"))
    ran = subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def test_the_service_is_closed_to_one_and_a_half_or_better() -> None:
    said = analyze("security", "--offline=yes", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= EXPOSURE_MAX, said


def test_the_unit_has_no_word_that_systemd_does_not_know(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/zodra-edge", "/bin/true"))
    newer = ("RestartSteps", "RestartMaxDelaySec")
    said = analyze("verify", unit).splitlines()
    assert [line for line in said if UNIT.name in line and not any(k in line for k in newer)] == []


def test_the_unit_waits_for_no_network_and_no_right_time_and_gives_up_never() -> None:
    text = UNIT.read_text()
    words = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any(late in line for line in words for late in ("time-sync", "network-online"))
    for said in ("Type=notify", "Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=30"):
        assert said in words
    assert "ExecStart=/usr/bin/zodra-edge run --config /etc/zodra/edge.toml" in words


def test_the_settings_of_a_fresh_package_are_those_of_an_unclaimed_gateway() -> None:
    with pytest.raises(Unclaimed, match="not claimed yet"):
        load(GATEWAY / "edge.toml")


def test_the_settings_work_once_their_lines_are_no_comments_any_more(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[\[a-z_])", "", (GATEWAY / "edge.toml").read_text(), flags=re.MULTILINE)
    (tmp_path / "credentials").mkdir()
    for name in ("cloud.password", "home.password", "btn-kitchen.key"):
        (tmp_path / "credentials" / name).write_text("00112233445566778899aabbccddeeff\n")
    (tmp_path / "edge.toml").write_text(text)
    assert {"cloud", "home_mqtt", "radio", "devices"} <= tomllib.loads(text).keys()
    assert load(tmp_path / "edge.toml").profiles()[0].bind_key is not None


def test_the_account_may_talk_to_bluez_and_to_nobody_else() -> None:
    (policy,) = ElementTree.parse(GATEWAY / "zodra-edge.dbus.conf").getroot()
    assert policy.attrib == {"user": "zodra"}
    assert [rule.attrib for rule in policy] == [{"send_destination": "org.bluez"}]


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm", "zodra-edge"])
def test_the_scripts_are_those_of_a_plain_shell(script: str) -> None:
    path = GATEWAY / "debian" / script
    assert path.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", path], check=True)
