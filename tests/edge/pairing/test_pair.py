"""From a button nobody knows to its first press that counts, with the commands a person types."""

import json
import os
import pty
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.publish
import pytest
from click.testing import CliRunner, Result

from edge_broker import free_port, mosquitto
from edge_frames import ADDRESS, KEY, bthome_encrypted
from zodra_edge.cli import cli
from zodra_edge.rescue import look

TESTS = Path(__file__).parents[2]
BEFORE = "# What hangs in the hall is the household's.\n"


class Home:
    """A gateway's folder, and who is in its air."""

    def __init__(self, folder: Path) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.air_port = int(probe.getsockname()[1])
        self.folder = folder
        self.config = folder / "gateway.toml"
        self.data = folder / "data"
        self.data.mkdir()
        self.config.write_text(
            f'{BEFORE}gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f'[cloud]\nhost = "127.0.0.1"\nport = {free_port()}\n'
            f'[radio]\nbackend = "edge_air:create"\noptions = {{ port = "{self.air_port}" }}\n'
        )
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        self.environment = {**os.environ, "PYTHONPATH": path}

    def arguments(self, *said: str) -> list[str]:
        return [sys.executable, "-m", "zodra_edge", *said, "--config", str(self.config)]

    def command(self, *said: str, typed: str = "") -> Result:
        """Type a command, in this process: each of its own would cost as much as all the rest."""
        return CliRunner().invoke(cli, [*said, "--config", str(self.config)], input=typed)

    def press(self, counter: int) -> None:
        data = bthome_encrypted(bytes([0x00, counter % 256, 0x3A, 0x01]), counter)
        said = json.dumps({"address": ADDRESS, "bthome": data.hex()}).encode()
        with socket.socket(type=socket.SOCK_DGRAM) as air:
            for _ in range(4):
                air.sendto(said, ("127.0.0.1", self.air_port))

    def heard(self) -> list[dict[str, Any]]:
        done = self.command("pair", "--json", "--listen", "0.5")
        assert done.exit_code == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["heard"]
        return found

    def needs(self) -> int:
        return sum(lane.depth for lane in look.read(self.data) if lane.lane == "need")

    def used(self) -> int:
        said: dict[str, Any] = json.loads((self.data / "status.json").read_text())
        return int(said["frames"]["used"])

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        with (self.folder / "log").open("ab") as log:
            child = subprocess.Popen(self.arguments("run"), env=self.environment, stderr=log)
        status = self.data / "status.json"

        def is_up() -> bool:
            text = status.read_text() if status.exists() else ""
            return f'"pid":{child.pid}' in text.replace(" ", "") and '"scanning":true' in (
                text.replace(" ", "")
            )

        try:
            wait(is_up)
            yield child
        finally:
            child.terminate()
            child.wait()


def wait(until: Callable[[], object]) -> None:
    for _ in range(600):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_from_a_button_nobody_knows_to_its_first_press_that_counts(home: Home) -> None:
    with home.running():
        home.press(100)
        wait(home.heard)
        (one,) = home.heard()
        assert (one["where"], one["parser"], one["needs_key"]) == (ADDRESS, "bthome", True)
        assert one["verdict"] == "can be read with its bind key"
        before = home.config.read_text()
        add = ("pair", "--add", ADDRESS.lower(), "--device-id", "btn-new", "--bind-key-file", "-")
        wrong = home.command(*add, typed="ff" * 16)
        assert wrong.exit_code == 1
        assert "does not open" in wrong.stderr
        assert "needs its bind key" in home.command("pair", "--add", ADDRESS).stderr
        shown = home.command(*add, "--print", typed=KEY.hex())
        assert "practice = true" in shown.stdout
        assert home.config.read_text() == before
        done = home.command(*add, typed=KEY.hex())
        assert done.exit_code == 0, done.stderr
        assert "nothing needs a restart" in done.stdout
        again = home.command(*add, typed=KEY.hex())
        assert "in the settings already, as btn-new" in again.stderr
        said = [shown, done, wrong, again]
        _practise(home)
        armed = home.command("device", "arm", "btn-new", "--json")
        assert json.loads(armed.stdout) == {
            "device_id": "btn-new",
            "armed": True,
            "restart": False,
        }
        _press_in_earnest(home)
        _change_more_than_devices(home)
    text = home.config.read_text()
    assert BEFORE in text
    assert not any(KEY.hex() in one.stdout + one.stderr + text for one in said)
    assert stat.S_IMODE((home.folder / "btn-new.key").stat().st_mode) == 0o600


def _practise(home: Home) -> None:
    watching = subprocess.Popen(
        home.arguments("pair", "--watch", "3600", "--json"),
        env=home.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert "btn-new" in watching.stderr.readline()
        home.press(101)
        assert json.loads(watching.stdout.readline())["device_id"] == "btn-new"
    finally:
        watching.kill()
        watching.communicate()
    assert home.needs() == 0
    wait(lambda: "heard in practice, nothing is kept" in home.command("status").stdout)
    assert "IN PRACTICE" in home.command("status").stdout


def _press_in_earnest(home: Home) -> None:
    used = home.used()
    home.press(101)
    wait(lambda: home.used() >= used + 4)
    assert home.needs() == 0
    home.press(102)
    wait(lambda: home.needs() == 1)


def _change_more_than_devices(home: Home) -> None:
    text = home.config.read_text()
    more = '[[devices]]\ndevice_id = "btn-b"\nfamily = "button"\nslot_key = "b"\n'
    home.config.write_text(
        f'log_level = "debug"\n{text}\n{more}address = "A4:C1:38:00:00:02"\npractice = true\n'
    )
    said = home.command("device", "arm", "btn-b", "--language", "nl").stdout
    assert "btn-b oefent niet meer" in said
    assert "meer veranderd dan de apparaten (log_level)" in said
    assert "systemctl restart zodra-edge" in said


def test_buying_is_paused_through_a_restart(home: Home) -> None:
    home.config.write_text(
        home.config.read_text()
        + '[[devices]]\ndevice_id = "btn"\nfamily = "button"\nslot_key = "button-1"\n'
        + f'address = "{ADDRESS}"\nbind_key_file = "key"\n'
    )
    (home.folder / "key").write_text(KEY.hex())
    paused = home.command("buying", "pause", "--json")
    assert json.loads(paused.stdout) == {"paused": True}
    with home.running():
        home.press(1)
        wait(lambda: home.needs() == 1)
        wait(lambda: "(buying paused)" in home.command("status").stdout)
        assert "PAUSED since" in home.command("status").stdout
    with home.running():
        home.press(2)
        wait(lambda: home.needs() == 2)
        assert home.command("buying", "resume").exit_code == 0
        home.press(3)
        wait(lambda: home.needs() == 3)
        rows = home.command("outbox", "export").stdout.splitlines()
    signals = [json.loads(row)["signal"] for row in rows if '"signal"' in row]
    assert [one["authenticated"] for one in signals] == [False, False, True]
    assert ["buying_paused" in one["evidence"] for one in signals] == [True, True, False]


def _talk(home: Home) -> None:
    """Answer on a terminal as a person does: choose, and take what is proposed."""
    ours, theirs = pty.openpty()
    asking = subprocess.Popen(
        home.arguments("pair", "--print"),
        env=home.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, b"1\n\n\n")
    said, complaint = asking.communicate()
    os.close(ours)
    assert asking.returncode == 0, complaint
    assert "IKEA E1743" in said
    assert 'device_id = "btn-hall"' in said
    assert "practice = true" in said
    assert "btn-hall" not in home.config.read_text()


def test_a_device_of_the_home_broker_is_paired_without_an_agent(home: Home, tmp_path: Path) -> None:
    port = free_port()
    home.config.write_text(
        home.config.read_text() + f'[home_mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
    )
    inventory = [
        {
            "friendly_name": "hall",
            "type": "EndDevice",
            "definition": {
                "vendor": "IKEA",
                "model": "E1743",
                "exposes": [{"type": "enum", "name": "action"}],
            },
        }
    ]
    with mosquitto(tmp_path, port):
        paho.mqtt.publish.single(
            "zigbee2mqtt/bridge/devices",
            json.dumps(inventory),
            qos=1,
            retain=True,
            hostname="127.0.0.1",
            port=port,
        )
        wait(home.heard)
        (one,) = home.heard()
        assert (one["where"], one["model"]) == ("zigbee2mqtt/hall", "IKEA E1743")
        _talk(home)
        done = home.command("pair", "--add", "zigbee2mqtt/hall", "--json", "--armed")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["restart"] is False
        assert json.loads(done.stdout)["added"] == {
            "device_id": "btn-hall",
            "family": "button",
            "slot_key": "button-1",
            "topic": "zigbee2mqtt/hall",
            "dialect": "zigbee2mqtt",
        }
        assert home.heard() == []
    assert "no gateway runs on" in home.command("pair", "--watch", "1").stderr
    attic = ("pair", "--add", "zigbee2mqtt/attic", "--listen", "0")
    assert "is not heard" in home.command(*attic).stderr
    dutch = home.command(*attic, "--language", "nl").stderr
    assert dutch.startswith("Fout: zigbee2mqtt/attic wordt niet gehoord.")
