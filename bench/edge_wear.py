"""How many bytes the gateway writes to its disk for a need-moment, and for a reading.

Counted by the kernel for the agent's process (`write_bytes` of `/proc/PID/io`, less what was
dropped before it was written), with its files on a real file system: WAL, checkpoints and the time
floor are in it. The status file is in memory, as `runtime_dir` has it on a gateway.

A press a minute is what a home makes; here one comes every few seconds, after everything about the
one before it has come to rest, and what the agent writes in the same time without any press is
taken off. The buttons are known by then: the very first press of one makes new rows, and costs half
as much again. Each gateway has a file system of its own where this account may mount one: on one
that others keep busy, a press is now and then counted with some blocks more for the same writes.
Hence the median too. Readings carry all of it.

Run alone: `python -m bench.edge_wear`.
"""

import argparse
import contextlib
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench import world

BUTTONS = 20
DEVICES = 20
REST_S = 4.0
DISK_BYTES = 256 * 2**20
WARM_UP_S = 7.0
"""Past the first writing of the status, of the memory and of the time floor."""


def presses(
    home: world.Broker, running: world.Agent, peer: world.Peer, count: int
) -> tuple[float, float]:
    """Press now and then; returns bytes a press beyond what is written anyway, and the median."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="buttons")
    client.connect("127.0.0.1", home.port)
    client.loop_start()
    for number in range(BUTTONS):
        client.publish(f"zigbee2mqtt/btn-{number}", b'{"action":"single"}', qos=1)
    time.sleep(WARM_UP_S)
    before = running.written_bytes()
    time.sleep(count * REST_S)
    idle = running.written_bytes() - before
    marks, needs = [running.written_bytes()], peer.needs
    for number in range(count):
        client.publish(f"zigbee2mqtt/btn-{number}", b'{"action":"single"}', qos=1)
        time.sleep(REST_S)
        marks.append(running.written_bytes())
    written = marks[-1] - marks[0]
    client.disconnect()
    client.loop_stop()
    if peer.needs - needs != count:
        raise RuntimeError(f"{peer.needs - needs} of {count} presses came")
    each = [after - before for before, after in pairwise(marks)]
    return (written - idle) / count, statistics.median(each)


def readings(home: world.Broker, running: world.Agent, per_second: float, seconds: float) -> float:
    """Publish steadily; returns bytes a reading."""
    load = world.Load(home.port, DEVICES)
    load.run(per_second, WARM_UP_S)
    before, sent = running.written_bytes(), len(load.sent_s)
    load.run(per_second, seconds)
    # With what lingers; a slow home would otherwise be told less than it writes.
    time.sleep(REST_S)
    written = running.written_bytes() - before
    load.close()
    return written / (len(load.sent_s) - sent)


def disk(stack: contextlib.ExitStack) -> Path:
    """Make a file system of its own where this account may mount one, or else just a folder."""
    # Not in memory, as some systems have /tmp: beside this file there is a disk.
    beside = Path(__file__).parent
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".wear-", dir=beside)))
    image, place = folder / "image", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    try:
        _run("mkfs.ext4", "-qF", image)
        _run("mount", "-o", "loop", image, place)
    except (OSError, subprocess.CalledProcessError):
        return folder
    stack.callback(_run, "umount", place)
    return place


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def one(
    amount: float, seconds: float, *, of_presses: bool = False, receipts: bool = True
) -> tuple[float, ...]:
    """Run a gateway of its own for one figure, or for two of presses."""
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="wear-", dir=disk(stack)))
        )
        home = stack.enter_context(world.mosquitto(folder))
        cloud = stack.enter_context(world.mosquitto(folder))
        peer = world.Peer(cloud.port, receipts=receipts)
        stack.callback(peer.close)
        buttons = "".join(
            f'[[devices]]\ndevice_id = "btn-{n}"\nfamily = "button"\nslot_key = "button-1"\n'
            f'topic = "zigbee2mqtt/btn-{n}"\n'
            for n in range(BUTTONS)
        )
        devices = world.thermostats(DEVICES) + buttons
        memory = stack.enter_context(tempfile.TemporaryDirectory(prefix="wear-", dir="/dev/shm"))
        top = f'runtime_dir = "{memory}"\n'
        config = world.settings(folder, home.port, cloud.port, devices, top=top)
        running = stack.enter_context(world.agent(config))
        if of_presses:
            return presses(home, running, peer, int(amount))
        return (readings(home, running, amount, seconds),)


def measure(presses: int = 10, seconds: float = 20.0) -> dict[str, float]:
    """Measure once.

    Args:
        presses: at most the number of buttons; each takes `REST_S`, twice.
        seconds: of each rate of readings.

    Returns:
        Bytes a press, on average and in the median; bytes a reading at 5 and 300 a second, with a
        cloud that answers, and while it takes all and answers nothing, so that all are written.
    """
    count = min(presses, BUTTONS)
    # All at the same time: each counts its own process alone, and none is busy.
    with ThreadPoolExecutor() as pool:
        jobs = {
            "bytes_a_press": pool.submit(one, count, seconds, of_presses=True),
            "bytes_a_reading_at_5": pool.submit(one, 5.0, seconds),
            "bytes_a_reading_at_300": pool.submit(one, 300.0, seconds),
            "bytes_a_reading_unanswered_at_5": pool.submit(one, 5.0, seconds, receipts=False),
            "bytes_a_reading_unanswered_at_300": pool.submit(one, 300.0, seconds, receipts=False),
        }
        figures = {name: job.result() for name, job in jobs.items()}
    return {
        **{name: found[0] for name, found in figures.items()},
        "bytes_a_press_median": figures["bytes_a_press"][1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    for name, value in measure(asked.presses, asked.seconds).items():
        print(f"{name:>34} {value:,.0f}")


if __name__ == "__main__":
    main()
