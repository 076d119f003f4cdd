"""Run by the Python of a machine where the package is installed, with the package's own files.

`whole` loads all of ours and every compiled module; `vectors FILE` reads published advertisements.
Says as JSON what went wrong.
"""

import ctypes
import importlib
import json
import math
import os
import pkgutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, "/usr/lib/zodra-edge")

import zodra_contract
import zodra_edge
from zodra_contract.signal import TimeQuality
from zodra_edge.decode import BleAdvert, Family, decode
from zodra_edge.decode.ble.registry import loaded
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded
from zodra_edge.heard import Heard

LIBRARY = Path("/usr/lib/zodra-edge")
HEARD = Heard(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), 1, "boot", TimeQuality.SYNCED, 1)


def whole() -> dict[str, Any]:
    """Import each of our modules, and have the loader bind each compiled one."""
    ours = [
        found.name
        for part in (zodra_contract, zodra_edge)
        for found in pkgutil.walk_packages(part.__path__, f"{part.__name__}.")
        if not found.name.endswith("__main__")
    ]
    for name in ours:
        importlib.import_module(name)
    compiled = sorted(LIBRARY.rglob("*.so"))
    for path in compiled:
        ctypes.CDLL(str(path), mode=os.RTLD_NOW)
    return {
        "modules": len(ours),
        "compiled": len(compiled),
        "parsers": sorted(named.name for named in loaded().parsers),
        "broken": [str(one) for one in loaded().broken],
    }


def vectors(file: Path) -> dict[str, Any]:
    """Read each advertisement, and compare."""
    cases = json.loads(file.read_text())
    wrong = [case["id"] for case in cases if not right(case)]
    return {"cases": len(cases), "wrong": wrong}


def right(case: dict[str, Any]) -> bool:
    """Say whether one advertisement is read as was published."""
    frame = BleAdvert(
        source="hci0",
        address=case["address"],
        name=case["name"],
        rssi_dbm=-60,
        service_data={uuid: bytes.fromhex(data) for uuid, data in case["service_data"].items()},
        manufacturer_data={
            int(company): bytes.fromhex(data) for company, data in case["manufacturer_data"].items()
        },
        service_uuids=tuple(case["service_uuids"]),
        heard=HEARD,
    )
    key = bytes.fromhex(case["bind_key"]) if case["bind_key"] else None
    profile = DeviceProfile("d-1", Family.BUTTON, "button-1", address=case["address"], bind_key=key)
    found = decode(frame, profile)
    if "refused" in case or not isinstance(found, Decoded):
        return not isinstance(found, Decoded) and found.reason == case.get("refused")
    read = {reading.kind.value: reading.value for reading in found.readings}
    return (
        read.keys() == case["readings"].keys()
        and all(math.isclose(value, case["readings"][kind]) for kind, value in read.items())
        and [[press.button, press.event] for press in found.presses] == case["presses"]
    )


if __name__ == "__main__":
    print(json.dumps(whole() if sys.argv[1] == "whole" else vectors(Path(sys.argv[2]))))
