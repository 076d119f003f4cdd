"""Runs `zodra demo` as a person would, and looks at it from outside: output, processes, files."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import psutil
import zstandard
from paho.mqtt.enums import CallbackAPIVersion

from zodra_contract.envelope import UpMessage, is_compressed, read_up

ZODRA = Path(sys.executable).with_name("zodra")
START_TIMEOUT_S = 90.0


class DemoRun:
    """One demo process with its data folder; always ended at the end of the `with` block."""

    def __init__(self, data: Path, *options: str, home: Path | None = None) -> None:
        self.data = data
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._closed = False
        environment = dict(os.environ)
        environment.pop("COLUMNS", None)
        if home is not None:
            environment["HOME"] = str(home)
        self.process = subprocess.Popen(
            [str(ZODRA), "demo", "--data", str(data), "--language", "en", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env=environment,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def text(self) -> str:
        """All output until now."""
        return "\n".join(self.lines)

    @property
    def settings(self) -> dict[str, Any]:
        """What the folder says about itself."""
        found: dict[str, Any] = json.loads((self.data / "demo.json").read_text())
        return found

    def secret(self, name: str) -> str:
        """Read one of the folder's secrets."""
        return (self.data / "secrets" / name).read_text().strip()

    def wait_for(self, words: str, timeout_s: float = START_TIMEOUT_S) -> str:
        """Wait until a line of the output holds these words; give that line."""
        deadline = time.monotonic() + timeout_s
        seen = 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if words in line:
                        return line
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    raise AssertionError(f"never said {words!r}:\n{self.text}")
                self._changed.wait(left)

    def wait_until(self, holds: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
        """Wait until something outside the output holds."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come true:\n{self.text}")
            time.sleep(0.05)

    def pid(self, part: str) -> int:
        """Find the process of one part."""
        return self.pids()[part]

    def kill(self, part: str) -> None:
        """End one part as a power cut would."""
        os.kill(self.pid(part), signal.SIGKILL)

    def end(self, timeout_s: float = 100.0) -> int:
        """Wait for the demo to exit; give its code."""
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def pids(self) -> dict[str, int]:
        """Read the process of every part."""
        lines = (self.data / "pids").read_text().splitlines()
        return {name: int(pid) for pid, name in (line.split(" ", 1) for line in lines)}

    def interrupt(self) -> int:
        """Press Ctrl-C; give the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end(20)

    @staticmethod
    def still_running(pids: Iterable[int]) -> list[int]:
        """List those that still run."""
        return [pid for pid in pids if psutil.pid_exists(pid)]

    def link_after(self, words: str) -> str:
        """Find the address that is printed below a line."""
        place = next(n for n, line in enumerate(self.lines) if words in line)
        return self.lines[place + 1].strip()

    def line_with(self, words: str) -> str:
        """Find the last line that holds these words."""
        return next(line for line in reversed(self.lines) if words in line)


class ShopBook:
    """What the shop's own command says was ordered."""

    def __init__(self, data: Path) -> None:
        argv = [str(ZODRA.with_name("zodra-sim")), "shop", "orders", "--json"]
        argv += ["--config", str(data / "config" / "shop.toml")]
        out = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout
        self._orders: list[dict[str, Any]] = json.loads(out)

    def items(self) -> list[str]:
        """The SKU of every line of every order."""
        return [line["item"]["id"] for order in self._orders for line in order["line_items"]]

    def references(self) -> list[str]:
        """The cloud's own key of each order."""
        return [order["reference"] for order in self._orders]

    def statuses(self) -> list[str]:
        """How far each order is."""
        return [order["status"] for order in self._orders]


class WireTap:
    """Listens beside the cloud, with the cloud's own account, to all that gateways send."""

    def __init__(self, demo: DemoRun) -> None:
        self._demo = demo
        self._raw: list[bytes] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="tap", protocol=mqtt.MQTTv311
        )

    def __enter__(self) -> Self:
        self._demo.wait_for("the cloud's broker is up".capitalize())
        client = self._client
        client.username_pw_set("cloud", self._demo.secret("broker-cloud.password"))
        client.on_connect = lambda client, *_: client.subscribe("up/+/+", qos=1)
        client.on_message = lambda _client, _data, message: self._raw.append(bytes(message.payload))
        client.connect("127.0.0.1", self._demo.settings["ports"]["broker"])
        client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.loop_stop()

    @property
    def unpacked(self) -> list[bytes]:
        """Every payload as JSON text."""
        return [
            zstandard.ZstdDecompressor().decompressobj().decompress(raw)
            if is_compressed(raw)
            else raw
            for raw in self._raw
        ]

    def messages(self) -> list[UpMessage]:
        """Every message that could be read."""
        found = [read_up(text).message for text in self.unpacked]
        return [message for message in found if message is not None]


def files_below(folder: Path, but: Path | None = None) -> list[Path]:
    """List every file below a folder, leaving out one folder in it."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and (but is None or but not in path.parents)
    )
