"""A Home Assistant as a process of its own, spoken to as its page does: REST and WebSocket."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from websockets.sync.client import ClientConnection, connect

from edge_broker import free_port

CONFIGURATION = """
homeassistant:
  name: Home
  unit_system: metric
  time_zone: Europe/Amsterdam
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
config:
logger:
  default: info
automation: !include automations.yaml
"""
START_S = 120.0

T = TypeVar("T")


def wait(until: Callable[[], T], limit_s: float = 60.0) -> T:
    """Wait for something to become true, and return it."""
    end_s = time.monotonic() + limit_s
    while not (found := until()):
        if time.monotonic() > end_s:
            raise AssertionError(f"it never came to that, in {limit_s:.0f} s")
        time.sleep(0.1)
    return found


class HomeAssistant:
    """One installation: its folder, its process while it runs, and an account on it."""

    def __init__(self, program: Path, folder: Path, automations: str) -> None:
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._child: subprocess.Popen[bytes] | None = None
        self._token = ""
        self._socket: ClientConnection | None = None
        self._number = 0
        folder.mkdir()
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=self._port))
        (folder / "automations.yaml").write_text(automations)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until everything of it runs."""
        with (self._folder / "output").open("ab") as output:
            self._child = subprocess.Popen(
                [self._program, "--config", str(self._folder), "--skip-pip"],
                stdout=output,
                stderr=output,
            )
        wait(self._answers, START_S)
        if not self._token:
            self._token = self._introduce()
        wait(lambda: self.get("/api/config")["state"] == "RUNNING", START_S)
        self._socket = connect(f"ws://127.0.0.1:{self._port}/api/websocket", max_size=2**24)
        self._socket.recv()
        self._socket.send(json.dumps({"type": "auth", "access_token": self._token}))
        assert json.loads(self._socket.recv())["type"] == "auth_ok"

    def stop(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        if self._child is not None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(60)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait(10)
        self._socket = self._child = None

    def get(self, path: str) -> Any:
        said = httpx2.get(f"{self.url}{path}", headers=self._headers, timeout=30)
        return said.raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        said = httpx2.post(f"{self.url}{path}", json=body, headers=self._headers, timeout=60)
        return said.raise_for_status().json()

    def ask(self, kind: str, **more: Any) -> Any:
        """Say one command on the WebSocket, as the page does."""
        assert self._socket is not None
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "type": kind, **more}))
        said = json.loads(self._socket.recv(30))
        assert (said["id"], said["type"], said["success"]) == (self._number, "result", True), said
        return said["result"]

    def log(self) -> str:
        return (self._folder / "home-assistant.log").read_text()

    def add_mqtt(self, port: int) -> None:
        """Add the MQTT integration, as a person does on the page."""
        flow = self.post("/api/config/config_entries/flow", {"handler": "mqtt"})
        broker = {"broker": "127.0.0.1", "port": port}
        done = self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", broker)
        assert done["type"] == "create_entry", done

    def devices(self) -> dict[str, dict[str, Any]]:
        """Name the devices of our manufacturer, as the registry has them."""
        found = self.ask("config/device_registry/list")
        return {one["name"]: one for one in found if one["manufacturer"] == "Zodra"}

    def entities(self) -> dict[str, dict[str, Any]]:
        """Name the entities that came over MQTT, each by its own id."""
        found = self.ask("config/entity_registry/list")
        return {one["entity_id"]: one for one in found if one["platform"] == "mqtt"}

    def state(self, entity_id: str) -> dict[str, Any]:
        """Say how an entity is; nothing if there is none."""
        found = {one["entity_id"]: one for one in self.ask("get_states")}
        state: dict[str, Any] = found.get(entity_id, {"state": None, "attributes": {}})
        return state

    def is_in(self, entity_id: str, wanted: str) -> bool:
        return bool(self.state(entity_id)["state"] == wanted)

    def call(self, service: str, entity_id: str) -> None:
        domain, _, name = service.partition(".")
        self.ask("call_service", domain=domain, service=name, target={"entity_id": entity_id})

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _answers(self) -> bool:
        assert self._child is not None
        assert self._child.poll() is None, (self._folder / "output").read_text()[-2_000:]
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"{self.url}/api/onboarding", timeout=10).status_code == 200
        return False

    def _introduce(self) -> str:
        """Be the first person who opens its page, and keep a token that outlives restarts."""
        client = f"{self.url}/"
        person = {
            "name": "Household",
            "username": "household",
            "password": "open sesame",
            "client_id": client,
            "language": "en",
        }
        code = self.post("/api/onboarding/users", person)["auth_code"]
        grant = {"grant_type": "authorization_code", "code": code, "client_id": client}
        said = httpx2.post(f"{self.url}/auth/token", data=grant, timeout=30).raise_for_status()
        token: str = said.json()["access_token"]
        return token


@contextlib.contextmanager
def running(made: HomeAssistant) -> Iterator[HomeAssistant]:
    try:
        made.start()
        yield made
    finally:
        made.stop()
