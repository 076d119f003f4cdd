"""`zodra-edge run` in the guest: under an account of its own, and our own rule for D-Bus alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from edge_frames import ADDRESS, KEY
from radio_kernel.inside.waiting import until

STRAP: Final = "C4:11:00:00:00:01"
ADAPTERS: Final = ("hci0", "hci1")
SETTINGS: Final = f"""
gateway_id = "gw-1"
household_id = "hh-1"
data_dir = "data"

[cloud]
host = "127.0.0.1"
port = 1

[radio]
silence_s_max = 4
rung_s = 3

[[radio.adapters]]
name = "hci0"
scanning_mode = "active"

[[radio.adapters]]
name = "hci1"
scanning_mode = "passive"

[outbox]
linger_s = 0.05

[[devices]]
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
address = "{ADDRESS}"
bind_key_file = "key"

[[devices]]
device_id = "strap-chest"
family = "wearable"
slot_key = "strap"
address = "{STRAP}"
"""


class Agent:
    """A gateway, with no cloud to be heard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "key").write_text(KEY.hex() + "\n")
        (folder / "gateway.toml").write_text(SETTINGS)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "zodra", "zodra")
        self._log = (folder / "log").open("ab")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "zodra_edge", "run", "--config", str(folder / "gateway.toml")],
            env={**os.environ, "HOME": str(folder)},
            stderr=self._log,
            user="zodra",
            group="zodra",
            extra_groups=[],
        )

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "data/status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def adapter(self, name: str) -> dict[str, Any]:
        return next((one for one in self.status().get("radio", []) if one["name"] == name), {})

    def stage(self, name: str) -> str:
        return str(self.adapter(name).get("stage", ""))

    def hears(self, *names: str) -> bool:
        return all(self.stage(name) == "hearing" for name in names or ADAPTERS)

    def kept(self) -> int:
        return int(self.status().get("need", {}).get("depth", 0))

    def is_connected(self) -> bool:
        devices = self.status().get("devices", [])
        return any(one["device_id"] == "strap-chest" and one["connected"] for one in devices)

    def stayed_home(self) -> int:
        return int(self.status().get("frames", {}).get("stayed_home", 0))

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / "log").read_text().splitlines()
        told = (json.loads(line) for line in lines if line.startswith("{"))
        return [each for each in told if each.get("event") == name]

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        self.child.terminate()
        until(lambda: self.child.poll() is not None)
        self._log.close()
