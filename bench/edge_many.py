"""What a gateway with 300 devices costs, which need every parser: memory and processor.

What 297 of them advertise was published of real products, each model under as many addresses as it
takes, or is a button's sealed BTHome; a strap is connected, a thermostat and a baby monitor speak
on the home's broker. Each speaks once a second. In the stretch `repeating` all say what they said
before; in `fresh` buttons count on, and whatever was published more than once takes turns. The rest
is as in `bench.edge_idle`.

Run alone: `python -m bench.edge_many`.
"""

import argparse
import contextlib
import itertools
import json
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench import edge_idle, world
from bench.edge_idle import KEY, MONITOR, STRAP, TRV, gateway, stretch
from bench.world import free_port, mosquitto, status

DEVICES = 300
SETTLE_S = 8.0
VECTORS = Path(__file__).parents[1] / "tests" / "fixtures" / "vectors" / "adverts.json"
BUTTON = "button"


@dataclass(frozen=True)
class Device:
    """One that advertises."""

    address: bytes
    family: str
    key: str
    says: tuple[bytes, ...]
    """What it was heard to say; empty for a button, whose next counter is computed."""


def published() -> dict[str, list[list[dict[str, Any]]]]:
    """Give what was published, by parser and model."""
    cases = json.loads(VECTORS.read_text(encoding="utf-8"))
    by_model: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for case in cases:
        if "refused" in case or not (case["readings"] or case["presses"]):
            continue
        name = (case["parser"], case["model"], case["bind_key"] or "")
        by_model.setdefault(name, []).append(case)
    by_parser: dict[str, list[list[dict[str, Any]]]] = {}
    for (parser, *_), some in sorted(by_model.items()):
        by_parser.setdefault(parser, []).append(some)
    return by_parser


def advertisers(number: int) -> list[Device]:
    """Make so many, of each parser as many as of any other while there are enough."""
    makers: list[Iterator[Device]] = [_buttons()]
    makers += [_of(place, models) for place, models in enumerate(published().values())]
    made: list[Device] = []
    while len(made) < number:
        made += [device for maker in makers if (device := next(maker, None)) is not None]
    return made[:number]


def _buttons() -> Iterator[Device]:
    for number in itertools.count():
        yield Device(b"\xa4\xc1\x38\x01" + number.to_bytes(2, "big"), BUTTON, KEY.hex(), ())


def _of(place: int, models: list[list[dict[str, Any]]]) -> Iterator[Device]:
    used: set[str] = set()
    for number in itertools.count():
        # Xiaomi's frames name their address, and their cipher takes it in: each is there once.
        some = [case for case in models[number % len(models)] if case["address"] not in used]
        own = models[0][0]["parser"] == "xiaomi"
        if own and number >= 8 * len(models):
            return
        if not some:
            continue
        case = some[0]
        address = bytes([0xA4, 0xC1, 0x39, place]) + number.to_bytes(2, "big")
        if own:
            used.add(case["address"])
            some = [one for one in some if one["address"] == case["address"]]
            address = bytes.fromhex(case["address"].replace(":", ""))
        family = BUTTON if case["presses"] else "sensor"
        yield Device(address, family, case["bind_key"] or "", tuple(_said(one) for one in some))


def _said(case: dict[str, Any]) -> bytes:
    told = {
        "name": case["name"],
        "makers": case["manufacturer_data"],
        "services": case["service_data"],
        "uuids": case["service_uuids"],
    }
    return json.dumps(told).encode()


def settings(folder: Path, devices: list[Device], home: int, cloud: int, radio: int) -> Path:
    rows = [("strap", "wearable", f'address = "{STRAP.hex(":")}"')]
    rows += [("trv", "thermostat", f'topic = "{TRV}"')]
    rows += [("monitor", "baby_monitor", f'topic = "{MONITOR}"')]
    for number, device in enumerate(devices):
        way = f'address = "{device.address.hex(":")}"\n'
        if device.key:
            key = folder / f"key-{number}"
            key.write_text(device.key)
            key.chmod(0o600)
            way += f'bind_key_file = "{key}"'
        rows.append((f"dev-{number}", device.family, way))
    told = "".join(
        f'[[devices]]\ndevice_id = "{name}"\nfamily = "{family}"\nslot_key = "s"\n{way}\n'
        for name, family, way in rows
    )
    radio_section = (
        f'[radio]\nbackend = "bench.replay_radio:create"\noptions = {{ port = "{radio}" }}\n'
    )
    return world.settings(folder, home, cloud, told, radio_section)


def talk(seconds: float, devices: list[Device], home: int, radio: int, counter: int) -> int:
    """Let each speak once a second, for so long; returns the next counter."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="home")
    client.connect("127.0.0.1", home)
    client.loop_start()
    air = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    began, fresh, number = time.monotonic(), counter > 0, 0
    while time.monotonic() - began < seconds:
        air.sendto(STRAP, ("127.0.0.1", radio))
        client.publish(TRV, json.dumps({"local_temperature": 19 + number % 9 / 10, "battery": 90}))
        room = {"temperature_c": 20.5, "humidity_percent": 50}
        client.publish(MONITOR, json.dumps({"schema": 1, "room": room}))
        for each, device in enumerate(devices):
            count = counter + number if fresh else 1_000
            said = device.says[count % len(device.says)] if device.says else b""
            said = said or edge_idle.sealed(device.address, count)
            air.sendto(device.address + said, ("127.0.0.1", radio))
            time.sleep(max(0.0, began + number + each / len(devices) - time.monotonic()))
        number += 1
        time.sleep(max(0.0, began + number - time.monotonic()))
    air.close()
    client.disconnect()
    client.loop_stop()
    return counter + number


def measure(
    seconds: float = 20.0, number: int = DEVICES, python: str = sys.executable
) -> dict[str, float]:
    """Measure as `bench.edge_idle.measure` does; `number` counts all devices."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = stack.enter_context(mosquitto(folder)).port
        cloud = stack.enter_context(mosquitto(folder)).port
        stand_in = world.Peer(cloud)
        stack.callback(stand_in.close)
        radio, devices = free_port(), advertisers(number - 3)
        config = settings(folder, devices, home, cloud, radio)
        with gateway(config, python):
            time.sleep(1)  # The first start compiles, and makes the files.
        child = stack.enter_context(gateway(config, python))
        talk(SETTLE_S, devices, home, radio, 0)
        figures: dict[str, float] = {"devices": number, "parsers": len(published()) + 1}
        for name in ("silent", "repeating", "fresh"):
            with stretch(name, child.pid, stand_in, figures):
                if name == "silent":
                    time.sleep(seconds)
                else:
                    talk(seconds, devices, home, radio, 0 if name == "repeating" else 2_000)
        found = status(folder)
        figures["connected_straps"] = sum(bool(one.get("connected")) for one in found["devices"])
        figures["heard_devices"] = sum(
            one.get("last_heard_at") is not None for one in found["devices"]
        )
        figures["radio_adverts_per_min"] = found["radio"][0]["adverts_per_min"]
        figures |= {f"refused_{why}": count for why, count in found["refusals"].items()}
        return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--python", default=sys.executable, help="whose environment runs it")
    asked = parser.parse_args()
    for name, value in measure(asked.seconds, asked.devices, asked.python).items():
        print(f"{name:>24} {value:,.1f}")


if __name__ == "__main__":
    main()
