"""What a gateway of all four families costs while nobody needs anything: memory and processor.

A strap is connected and tells a heart rate each second, a thermostat and a baby monitor speak on
the home's broker, and buttons advertise once a second, encrypted. In the stretch `repeating` each
button says what it said before, as beacons do. In `fresh` every advertisement has a new counter and
another battery level, is decrypted, judged, kept and carried to the cloud by itself: the most that
so many devices can ask for. Both brokers are mosquitto. The radio is `bench.replay_radio`, since a
simulated one costs more than the gateway.

Run alone: `python -m bench.edge_idle`.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from paho.mqtt.enums import CallbackAPIVersion

from bench import world
from bench.world import cpu_s, free_port, mosquitto, status, wait_for

KEY = bytes(range(16))
STRAP = bytes.fromhex("A4C138FF0001")
TRV, MONITOR = "zigbee2mqtt/trv", "zodra/home/baby/monitor"
SETTLE_S = 5.0


def address(number: int) -> bytes:
    return bytes.fromhex("A4C1380000") + bytes([number])


def advert(number: int, counter: int) -> bytes:
    return address(number) + sealed(address(number), counter)


def sealed(address: bytes, counter: int) -> bytes:
    """A packet id and a battery level, sealed as bthome.io/encryption says."""
    count = counter.to_bytes(4, "little")
    plain = bytes([0x00, counter % 256, 0x01, 50 + counter % 50])
    nonce = address + b"\xd2\xfc\x45" + count
    told = AESCCM(KEY, tag_length=4).encrypt(nonce, plain, None)
    return b"\x45" + told[:-4] + count + told[-4:]


def settings(folder: Path, buttons: int, home: int, cloud: int, radio: int) -> Path:
    key = folder / "button.key"
    key.write_text(KEY.hex())
    key.chmod(0o600)
    devices = [("strap", "wearable", f'address = "{STRAP.hex(":")}"')]
    devices += [("trv", "thermostat", f'topic = "{TRV}"')]
    devices += [("monitor", "baby_monitor", f'topic = "{MONITOR}"')]
    devices += [
        (
            f"btn-{n}",
            "button",
            f'address = "{address(n).hex(":")}"\nbind_key_file = "{key}"',
        )
        for n in range(buttons)
    ]
    sections = f'[radio]\nbackend = "bench.replay_radio:create"\noptions = {{ port = "{radio}" }}\n'
    told = "".join(
        f'[[devices]]\ndevice_id = "{name}"\nfamily = "{family}"\nslot_key = "s"\n{way}\n'
        for name, family, way in devices
    )
    return world.settings(folder, home, cloud, told, sections)


@contextlib.contextmanager
def gateway(config: Path, python: str) -> Iterator[subprocess.Popen[bytes]]:
    # Compiled once, as an installation is: compiling at each start leaves 5 MB behind.
    settled = {**os.environ, "PYTHONPYCACHEPREFIX": str(config.parent / "compiled")}
    settled.pop("PYTHONDONTWRITEBYTECODE", None)
    child = subprocess.Popen(
        [python, "-m", "zodra_edge", "run", "--config", str(config)],
        env=settled,
        cwd=Path(__file__).parents[1],
    )
    try:
        wait_for(lambda: status(config.parent).get("pid") == child.pid, 30.0)
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(10)


def talk(
    seconds: float, buttons: int, home: int, radio: int, counter: int, *, fresh: bool = True
) -> int:
    """Let every device speak once a second; returns the next counter."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="home")
    client.connect("127.0.0.1", home)
    client.loop_start()
    air = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    began, number = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        air.sendto(STRAP, ("127.0.0.1", radio))
        trv = {"local_temperature": 19 + number % 9 / 10, "pi_heating_demand": 30, "battery": 90}
        client.publish(TRV, json.dumps(trv))
        monitor = {"schema": 1, "room": {"temperature_c": 20.5, "humidity_percent": 50}}
        client.publish(MONITOR, json.dumps(monitor))
        for each in range(buttons):
            air.sendto(advert(each, counter + fresh * number), ("127.0.0.1", radio))
            time.sleep(max(0.0, began + number + each / max(1, buttons) - time.monotonic()))
        number += 1
        time.sleep(max(0.0, began + number - time.monotonic()))
    air.close()
    client.disconnect()
    client.loop_stop()
    return counter + number


def memory_mb(pid: int) -> dict[str, float]:
    """Memory in MB of 10^6: `rss` as `ps` shows it; `pss` shares what others map as well."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {row.split(":")[0].lower(): int(row.split()[1]) for row in rows}
    own = kib["private_clean"] + kib["private_dirty"]
    return {"rss": kib["rss"] * 1.024e-3, "pss": kib["pss"] * 1.024e-3, "own": own * 1.024e-3}


def switches(pid: int) -> int:
    return sum(
        int(line.split()[1])
        for task in os.listdir(f"/proc/{pid}/task")
        for line in Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )


@contextlib.contextmanager
def stretch(name: str, pid: int, stand_in: world.Peer, figures: dict[str, float]) -> Iterator[None]:
    """Note what a gateway used while the body ran, and holds at its end."""
    began, cpu, woken, before = time.monotonic(), cpu_s(pid), switches(pid), stand_in.readings
    yield
    took_s = time.monotonic() - began
    figures[f"{name}_cpu_percent"] = (cpu_s(pid) - cpu) / took_s * 100
    figures[f"{name}_wakes_per_s"] = (switches(pid) - woken) / took_s
    figures[f"{name}_readings_per_s"] = (stand_in.readings - before) / took_s
    figures |= {f"{name}_{kind}_mb": mb for kind, mb in memory_mb(pid).items()}


def measure(
    seconds: float = 20.0, buttons: int = 50, python: str = sys.executable
) -> dict[str, float]:
    """Measure a gateway in three stretches: silent devices, repeating ones, and fresh readings.

    Args:
        seconds: of each stretch.
        buttons: how many.
        python: runs the gateway. An environment of its own with `zodra[edge]` alone is what a
            gateway has; in one with everything, other libraries are found and imported too.

    Returns:
        Figures of each stretch, and at the end what shows that it was all in use.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = stack.enter_context(mosquitto(folder)).port
        cloud = stack.enter_context(mosquitto(folder)).port
        stand_in = world.Peer(cloud)
        stack.callback(stand_in.close)
        radio = free_port()
        config = settings(folder, buttons, home, cloud, radio)
        with gateway(config, python):
            time.sleep(1)  # The first start compiles, and makes the files.
        child = stack.enter_context(gateway(config, python))
        counter = talk(SETTLE_S, buttons, home, radio, 1_000)
        figures: dict[str, float] = {}
        for name in ("silent", "repeating", "fresh"):
            with stretch(name, child.pid, stand_in, figures):
                if name == "silent":
                    time.sleep(seconds)
                else:
                    is_fresh = name == "fresh"
                    counter = talk(seconds, buttons, home, radio, counter, fresh=is_fresh)
        found = status(folder)
        figures["connected_straps"] = sum(bool(one.get("connected")) for one in found["devices"])
        figures["radio_adverts_per_min"] = found["radio"][0]["adverts_per_min"]
        figures["refusals"] = sum(found["refusals"].values())
        return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--buttons", type=int, default=50)
    parser.add_argument("--python", default=sys.executable, help="whose environment runs it")
    asked = parser.parse_args()
    for name, value in measure(asked.seconds, asked.buttons, asked.python).items():
        print(f"{name:>24} {value:,.1f}")


if __name__ == "__main__":
    main()
