"""A gateway has little memory: what its process must not carry, and what must not be installed."""

import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from edge_broker import free_port

ROOT = Path(__file__).parents[3]
HEAVY = {
    "alembic",
    "amqtt",
    "babel",
    "bthome_ble",
    "bumble",
    "click",
    "fastapi",
    "habluetooth",
    "httpx2",
    "jinja2",
    "numpy",
    "psutil",
    "psycopg",
    "sqlalchemy",
    "sqlite_utils",
    "starlette",
    "tabulate",
    "uvicorn",
    "zodra_cloud",
    "zodra_sim",
}
FOR_A_PERSON = {"zodra_edge.doctor", "zodra_edge.rescue"}
NOT_INSTALLED = (HEAVY | {"rich"}) - {
    "bthome_ble",
    "click",
    "habluetooth",
    "sqlite_utils",
    "tabulate",
    "zodra_cloud",
    "zodra_sim",
}
"""structlog takes rich in wherever it is installed, so it must not be; sqlite-utils brings tabulate
for its own command."""


def imported_by_a_run(folder: Path) -> set[str]:
    config = folder / "gateway.toml"
    config.write_text(
        'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
        f'[cloud]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        f'[home_mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        "[radio]\n"
        '[[devices]]\ndevice_id = "btn"\nfamily = "button"\nslot_key = "towels"\n'
        'address = "A4:C1:38:00:00:01"\n'
    )
    said = folder / "stderr"
    with said.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "zodra_edge", "run", "--config", config],
            stderr=stderr,
        )
        while child.poll() is None and not (folder / "data" / "status.json").exists():
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    return set(re.findall(r"^import time:.*\| +([\w.]+)$", said.read_text(), re.MULTILINE))


def test_a_running_gateway_holds_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    # Its first start makes the files, and many gateways never start again for months.
    loaded = imported_by_a_run(tmp_path)
    assert "zodra_edge.outbox.store" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    assert loaded & FOR_A_PERSON == set()


def test_the_edge_extra_installs_nothing_heavy() -> None:
    packages = {
        package["name"]: package
        for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    zodra = packages["zodra"]
    waiting = [*zodra["dependencies"], *zodra["optional-dependencies"]["edge"]]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()["name"]
        if name not in found:
            found.add(name)
            waiting += packages[name].get("dependencies", [])
    assert {"bleak", "aiomqtt", "sqlite-utils"} <= found
    assert found & NOT_INSTALLED == set()
