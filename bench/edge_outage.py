"""What happens to readings while the uplink is away, and how soon they are there once it is back.

The uplink's broker is stopped while a home goes on at a steady rate, and is started again. The
gateway has caught up when every reading published before the broker could be reached again has
arrived; the wait before the next attempt to connect is part of that, and is drawn anew each time.

Run alone: `python -m bench.edge_outage`.
"""

import argparse
import contextlib
import tempfile
import threading
import time
from pathlib import Path

from bench import world

DEVICES = 30
BEFORE_S = 2.0
AFTER_S = 6.0
SETTLE_S_MAX = 70.0


def measure(per_second: float = 300.0, away_s: float = 20.0) -> dict[str, float]:
    """Measure once.

    Args:
        per_second: messages, of one reading each.
        away_s: how long the uplink's broker is gone.

    Returns:
        Seconds from the broker's return until all is there; how many readings were sent, lost and
        doubled, and how many rows came twice and were told from new ones by their sequence.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zodra-bench-")))
        home = stack.enter_context(world.mosquitto(folder))
        cloud = stack.enter_context(world.mosquitto(folder))
        peer = world.Peer(cloud.port)
        peer.timed = True
        stack.callback(peer.close)
        config = world.settings(folder, home.port, cloud.port, world.thermostats(DEVICES))
        stack.enter_context(world.agent(config))
        load = world.Load(home.port, DEVICES)
        stack.callback(load.close)
        seconds = BEFORE_S + away_s + AFTER_S
        publishing = threading.Thread(target=load.run, args=(per_second, seconds))
        publishing.start()
        time.sleep(BEFORE_S)
        cloud.stop()
        time.sleep(away_s)
        back_s = cloud.start()
        before = [
            world.name_of(number, DEVICES)
            for number, at_s in enumerate(list(load.sent_s))
            if at_s <= back_s
        ]
        publishing.join()
        with contextlib.suppress(TimeoutError):
            world.wait_for(lambda: peer.readings >= len(load.sent_s), SETTLE_S_MAX)
        time.sleep(1.0)
        there = [peer.arrived_s[name] for name in before if name in peer.arrived_s]
        return {
            "caught_up_s": max(there) - back_s if len(there) == len(before) else float("nan"),
            "readings_sent": len(load.sent_s),
            "readings_waiting": sum(at_s > back_s for at_s in there),
            "lost": len(load.sent_s) - len(peer.numbers),
            "doubled": peer.doubled,
            "resent": peer.resent,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=float, default=300.0)
    parser.add_argument("--away", type=float, default=20.0)
    asked = parser.parse_args()
    for name, value in measure(asked.per_second, asked.away).items():
        print(f"{name:>20} {value:,.2f}")


if __name__ == "__main__":
    main()
