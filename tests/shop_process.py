"""The demo shop as a process of its own, started by its own command."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from plain_http import NO_TLS
from zodra_cloud.merchants.ucp import UcpShop

API_KEY = "test-api-key"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
STARTED_WITHIN_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ShopProcess:
    """A shop to order from, that can be told to misbehave, killed, and started again."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "api.key").write_text(API_KEY)
        (folder / "webhook.secret").write_text(SECRET)
        facts = {
            "port": self.port,
            "data_dir": str(folder / "shop"),
            "api_key_file": str(folder / "api.key"),
            "webhook_secret_file": str(folder / "webhook.secret"),
            **settings,
        }
        self._config = folder / "shop.toml"
        self._config.write_text(
            "".join(f"{name} = {json.dumps(value)}\n" for name, value in facts.items())
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ShopProcess":
        command = [str(Path(sys.executable).parent / "zodra-sim"), "shop", "--config"]
        self._process = subprocess.Popen(
            [*command, str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        deadline = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < deadline:
            try:
                httpx2.get(f"{self.url}/.well-known/ucp", trust_env=False, verify=NO_TLS)
            except httpx2.ConnectError:
                assert self._process.poll() is None, "the shop ended"
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("the shop did not start")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill(signal.SIGTERM)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(STARTED_WITHIN_S)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def fault(self, **faults: Any) -> None:
        self.ask("POST", "/faults", json=faults).raise_for_status()

    def orders(self, reference: str) -> list[dict[str, Any]]:
        answer = self.ask("GET", "/orders", params={"reference": reference})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["orders"]
        return found

    def ask(self, method: str, path: str, **body: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        return httpx2.request(
            method, f"{self.url}{path}", headers=headers, trust_env=False, verify=NO_TLS, **body
        )

    def client(self, timeout_s: float = 5.0, api_key: str = API_KEY) -> UcpShop:
        return UcpShop(self.url, api_key, time.monotonic, timeout_s, private_allowed=True)
