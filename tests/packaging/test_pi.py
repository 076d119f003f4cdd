"""The package for a Pi on its own processor: unpacked into a Debian, and run under qemu."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.publish
import pytest

from edge_broker import free_port, mosquitto
from packaging_debian import ENVIRONMENT, Debian, emulated

pytestmark = pytest.mark.deb

HERE = Path(__file__).parent
VECTORS = HERE.parent / "fixtures" / "vectors" / "adverts.json"
PYTHON = ("/usr/bin/python3.11", "-I", "-B")
COMMAND = (*PYTHON, "/usr/lib/zodra-edge")
SETTINGS = "/etc/zodra/edge.toml"
CLAIMED = """
data_dir = "/tmp/zodra"
gateway_id = "gw-1"
household_id = "hh-1"
[cloud]
host = "127.0.0.1"
port = {cloud}
password_credential = "cloud.password"
[home_mqtt]
host = "127.0.0.1"
port = {broker}
[radio]
[[devices]]
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
topic = "zigbee2mqtt/kitchen"
"""
PRESS = '{"action": "single", "action_transaction": 1}'
SAYS_S_MAX = 300


@pytest.fixture(scope="module")
def pi(for_a_pi: Path, tmp_path_factory: pytest.TempPathFactory) -> Debian:
    """A Debian for it with the package's files; no test but the one with the agent writes to it."""
    machine = emulated(tmp_path_factory.mktemp("pi") / "arm64")
    subprocess.run(["dpkg-deb", "-x", for_a_pi, machine.root], check=True)
    machine.put(HERE / "installed.py", "/tmp/installed.py")
    machine.put(VECTORS, "/tmp/adverts.json")
    return machine


def fresh(pi: Debian) -> None:
    """Do what the installation does with the settings."""
    pi.put(pi.path("/usr/share/zodra-edge/edge.toml"), SETTINGS)


@contextmanager
def running(pi: Debian) -> Iterator[socket.socket]:
    """Start the agent as the unit does; yields where it tells the service manager how it is."""
    path = pi.path("/tmp/notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(SAYS_S_MAX)
        child = subprocess.Popen(
            pi.entered((*PYTHON, "-OO", COMMAND[-1], "run", "--config", SETTINGS), ""),
            env={**ENVIRONMENT, "NOTIFY_SOCKET": "/tmp/notify"},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield manager
        finally:
            child.terminate()
            child.wait(60)
            path.unlink()


def until_it_says(manager: socket.socket, *wanted: str) -> None:
    heard = ""
    while not all(word in heard for word in wanted):
        heard += manager.recv(4096).decode() + "\n"


def test_it_says_its_version_and_explains_itself(pi: Debian) -> None:
    assert re.search(r"\d+\.\d+\.\d+", pi.run(*COMMAND, "--version"))
    said = pi.run(*COMMAND, "--help")
    for command in ("doctor", "outbox", "pair", "run", "status"):
        assert re.search(rf"(?m)^  {command} ", said)


def test_all_of_it_loads_and_every_parser_is_there(pi: Debian) -> None:
    found = json.loads(pi.run(*PYTHON, "/tmp/installed.py", "whole"))
    assert found["parsers"] == ["bthome", "govee", "ruuvi", "thermopro", "xiaomi"]
    assert found["broken"] == []
    assert found["modules"] > 150
    assert found["compiled"] > 30


def test_every_published_advertisement_is_read_right(pi: Debian) -> None:
    # A library logs on standard error what cannot be decrypted, before the answer.
    said = pi.run(*PYTHON, "/tmp/installed.py", "vectors", "/tmp/adverts.json")
    found = json.loads(said.splitlines()[-1])
    assert found == {"cases": len(json.loads(VECTORS.read_text())), "wrong": []}


def test_doctor_says_honestly_what_is_missing(pi: Debian) -> None:
    fresh(pi)
    said = pi.run(*COMMAND, "doctor", "--config", SETTINGS, "--listen", "0", fails=True)
    assert "not claimed yet" in said

    port = free_port()
    pi.path(SETTINGS).write_text(CLAIMED.format(cloud=port, broker=port))
    said = pi.run(*COMMAND, "doctor", "--config", SETTINGS, "--listen", "0", fails=True)
    assert "cloud.password" in said
    pi.path("/etc/zodra/credentials/cloud.password").write_text("open sesame\n")
    said = pi.run(*COMMAND, "doctor", "--config", SETTINGS, "--listen", "0", fails=True)
    assert f"127.0.0.1:{port}" in said
    # The bus, and with it every radio, is not there.
    assert re.search(r"(?i)bluetooth|d-bus|bluez", said)
    assert "Traceback" not in said


def test_the_agent_starts_keeps_a_press_and_a_person_finds_it(pi: Debian, tmp_path: Path) -> None:
    broker = free_port()
    pi.path("/etc/zodra/credentials/cloud.password").write_text("open sesame\n")
    pi.path(SETTINGS).write_text(CLAIMED.format(cloud=free_port(), broker=broker))
    with mosquitto(tmp_path, broker), running(pi) as manager:
        until_it_says(manager, "READY=1")
        manager.settimeout(2)
        heard = ""
        for _ in range(SAYS_S_MAX // 2):
            # It may not listen yet; under its number it is the same press.
            paho.mqtt.publish.single(
                "zigbee2mqtt/kitchen", PRESS, hostname="127.0.0.1", port=broker
            )
            try:
                heard += manager.recv(4096).decode()
            except TimeoutError:
                continue
            if "1 need waiting" in heard:
                break
    assert "1 need waiting" in heard
    shown = json.loads(pi.run(*COMMAND, "outbox", "show", "--config", SETTINGS, "--json"))
    assert {lane["lane"]: lane["depth"] for lane in shown}["need"] == 1
    # Beside the rows it says how many they are.
    said = pi.run(*COMMAND, "outbox", "export", "--config", SETTINGS).splitlines()
    (row,) = [json.loads(line) for line in said if line.startswith("{")]
    assert row["lane"] == "need"
    assert "btn-kitchen" in json.dumps(row)
