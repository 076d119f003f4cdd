"""A gateway as a process of its own, and the home around it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_broker import PASSWORD, USER, until
from edge_frames import ADDRESS, KEY, bthome_encrypted

TESTS = Path(__file__).parent


def free_udp_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Gateway:
    """One gateway's folder, and the home around it."""

    gateway_id: str
    folder: Path
    broker_port: int
    air_port: int

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def baby(self) -> str:
        return f"home/{self.gateway_id}/baby"

    def write_settings(self) -> None:
        for name, text in (("password", PASSWORD), ("key", KEY.hex())):
            (self.folder / name).write_text(text + "\n")
        link = (
            f'host = "127.0.0.1"\nport = {self.broker_port}\nusername = "{USER}"\n'
            'password_file = "password"\n'
        )
        self.config.write_text(
            f'gateway_id = "{self.gateway_id}"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f"[cloud]\n{link}[home_mqtt]\n{link}"
            f'[radio]\nbackend = "edge_air:create"\noptions = {{ port = "{self.air_port}" }}\n'
            "[uplink]\nbackoff_s_max = 0.2\nreceipt_timeout_s = 0.5\n"
            "[outbox]\nlinger_s = 0.05\n"
            '[[devices]]\ndevice_id = "btn-kitchen"\nfamily = "button"\nslot_key = "button-1"\n'
            f'address = "{ADDRESS}"\nbind_key_file = "key"\n'
            '[[devices]]\ndevice_id = "baby-nursery"\nfamily = "baby_monitor"\n'
            f'slot_key = "diapers"\ntopic = "{self.baby}"\npack_units = 4\nreorder_units = 2\n'
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "zodra_edge", *arguments, "--config", str(self.config)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONWARNINGS": "default"}

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(self.command("run"), env=self.environment, stderr=log)

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "data/status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def scanning(self) -> bool:
        """Tell whether its radio listens; it may not have written its status yet."""
        return any(radio["scanning"] for radio in self.status().get("radio", ()))

    def is_up(self, pid: int) -> bool:
        said = self.status()
        return (
            said.get("pid") == pid
            and said["cloud"]["state"] == "online"
            and said["home_mqtt"]["connected"]
            and said["radio"][0]["scanning"]
        )

    def press(self, counter: int) -> None:
        """Advertise one press as often as a button does."""
        data = bthome_encrypted(bytes([0x00, counter % 256, 0x3A, 0x01]), counter)
        said = json.dumps({"address": ADDRESS, "bthome": data.hex()}).encode()
        with socket.socket(type=socket.SOCK_DGRAM) as air:
            for _ in range(4):
                air.sendto(said, ("127.0.0.1", self.air_port))

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@contextlib.contextmanager
def process(gateway: Gateway) -> Iterator["subprocess.Popen[bytes]"]:
    child = gateway.start()
    try:
        yield child
    finally:
        child.kill()
        child.wait(10)


@contextlib.asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator["subprocess.Popen[bytes]"]:
    with process(gateway) as child:
        await until(lambda: gateway.is_up(child.pid))
        yield child
