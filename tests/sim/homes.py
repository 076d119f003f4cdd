"""Simulated homes for tests: settings on disk, and a household as a process."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from plain_http import NO_TLS

PATIENCE_S = 20.0
TOKEN = "a-token-for-the-tests"
KEY = bytes(range(16))
PASSWORD = "secret-of-home-devices"  # as the tests' brokers give it

BUTTON = """[[devices]]
device_id = "btn-1"
family = "button"
address = "A4:C1:38:00:00:01"
bind_key_file = "key"
"""
STRAP = """[[devices]]
device_id = "strap-1"
family = "wearable"
address = "F4:C1:38:00:00:02"
notify_period_s = 0.1
"""
THERMOSTAT = """[[devices]]
device_id = "trv-1"
family = "thermostat"
report_period_s = 0.1
"""
BABY = """[[devices]]
device_id = "baby-1"
family = "baby_monitor"
report_period_s = 0.1
"""


def write_home(
    folder: Path,
    *devices: str,
    mqtt_port: int | None = None,
    air_port: int = 0,
    control_port: int = 0,
    more: str = "",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("key", KEY.hex()), ("token", TOKEN), ("password", PASSWORD)):
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)
    mqtt = ""
    if mqtt_port is not None:
        mqtt = (
            f'[mqtt]\nport = {mqtt_port}\nusername = "home-devices"\npassword_file = "password"\n'
        )
    config = folder / "home.toml"
    config.write_text(
        f'home_id = "home-1"\ndata_dir = "data"\n{more}\n[air]\nport = {air_port}\n{mqtt}'
        f'[control]\nport = {control_port}\ntoken_file = "token"\n' + "".join(devices)
    )
    return config


class RunningHome:
    """`zodra-sim household`, and its API."""

    def __init__(self, config: Path, port: int) -> None:
        self.config = config
        self.url = f"http://127.0.0.1:{port}"
        self._log = config.parent / "home.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "error", "-m", "zodra_sim", "household"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*command, "--config", str(self.config)], stdout=log, stderr=log
            )
        for _ in range(int(PATIENCE_S / 0.05)):
            assert process.poll() is None, self.log()
            try:
                httpx2.get(self.url + "/healthz", verify=NO_TLS)
            except httpx2.HTTPError:
                time.sleep(0.05)
            else:
                return process
        raise AssertionError(f"the home does not answer: {self.log()}")

    def start_again(self) -> None:
        self.process = self._start()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = httpx2.post(self.url + path, json=body, headers=self._bearer(), verify=NO_TLS)
        assert answer.status_code in (201, 202), answer.text
        told: dict[str, Any] = answer.json()
        return told

    def get(self, path: str) -> dict[str, Any]:
        answer = httpx2.get(self.url + path, headers=self._bearer(), verify=NO_TLS)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def device(self, device_id: str) -> dict[str, Any]:
        devices: list[dict[str, Any]] = self.get("/api/state")["devices"]
        return next(one for one in devices if one["device_id"] == device_id)

    def log(self) -> str:
        return self._log.read_text()

    @staticmethod
    def _bearer() -> dict[str, str]:
        return {"authorization": f"Bearer {TOKEN}"}


@contextmanager
def running_home(config: Path, port: int) -> Iterator[RunningHome]:
    home = RunningHome(config, port)
    try:
        yield home
    finally:
        home.end()
