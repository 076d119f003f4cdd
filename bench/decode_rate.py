"""How many Bluetooth advertisements a core reads, and how many of strangers it looks at.

Processor time of this process alone, so that a busy machine lies less; the best of several rounds.
The traffic is what was published of real products (tests/fixtures/vectors), each model as often as
any other. Beside it stands a library alone, with one instance for ever and with a fresh one each
time: what the wall, the copying and the fresh instances cost is the difference.

Run alone: `python -m bench decode`.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from edge_frames import PLAIN_BUTTON, advert, vectors
from zodra_edge.decode import Family, decode
from zodra_edge.decode.ble.libraries import updates
from zodra_edge.decode.ble.registry import BUILT_IN, recognise
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.nearby import Strangers

ROUNDS = 5
CALLS = 20_000
PHONES = 2_000

Work = tuple[BleAdvert, DeviceProfile]


def per_s(once: Callable[[], int]) -> float:
    """Say how often a second, in processor time, of the best round."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        done = once()
        best = max(best, done / (time.process_time() - began))
    return best


def frame_of(case: dict[str, Any]) -> BleAdvert:
    return replace(
        advert(None, address=case["address"]),
        name=case["name"],
        service_data={u: bytes.fromhex(d) for u, d in case["service_data"].items()},
        manufacturer_data={int(c): bytes.fromhex(d) for c, d in case["manufacturer_data"].items()},
        service_uuids=tuple(case["service_uuids"]),
    )


def traffic() -> dict[str, list[Work]]:
    """Take what was published, by parser."""
    work: dict[str, list[Work]] = {name: [] for name in BUILT_IN}
    for case in vectors("adverts"):
        if "refused" not in case:
            profile = profile_of(case, Family.BUTTON if case["presses"] else Family.SENSOR)
            work[case["parser"]].append((frame_of(case), profile))
    for case in vectors("bthome"):
        if "refused" not in case:
            data = bytes.fromhex(case["data"])
            work["bthome"].append(
                (advert(data, address=case["address"]), profile_of(case, Family.BUTTON))
            )
    return work


def profile_of(case: dict[str, Any], family: Family) -> DeviceProfile:
    key = case["bind_key"]
    return replace(
        PLAIN_BUTTON,
        address=case["address"],
        family=family,
        bind_key=bytes.fromhex(key) if key else None,
    )


def reading(work: list[Work]) -> Callable[[], int]:
    def once() -> int:
        rounds = CALLS // len(work) + 1
        for _ in range(rounds):
            for frame, profile in work:
                decode(frame, profile)
        return rounds * len(work)

    return once


def crowd() -> list[BleAdvert]:
    """Phones, with Apple's data or none, and beacons."""
    quiet = replace(advert(None), name=None)
    return [
        replace(
            quiet,
            address=f"{0x40 + number % 64:02X}:00:00:00:{number // 256:02X}:{number % 256:02X}",
            manufacturer_data={(0x4C, 0x06, 0x75)[number % 3]: bytes(20)},
        )
        for number in range(PHONES)
    ]


def _itself(frame: BleAdvert) -> BleAdvert:
    return frame


def looking(crowd: list[BleAdvert], each: int) -> Callable[[], int]:
    """Hear each of a crowd, in turn; each is heard so many times a second."""

    def once() -> int:
        strangers = Strangers()
        for number in range(each * 2):
            for frame in crowd:
                strangers.heard(frame.address, -70, number / each, partial(_itself, frame))
        return each * 2 * len(crowd)

    return once


def recognising(crowd: list[BleAdvert]) -> int:
    for frame in crowd:
        recognise(frame)
    return len(crowd)


def library_alone(work: list[Work], *, fresh: bool) -> Callable[[], int]:
    from xiaomi_ble.parser import XiaomiBluetoothDeviceData

    # Without keys: a kept instance holds one key, and these are of many devices.
    frames = [updates.heard(frame) for frame, profile in work if profile.bind_key is None]
    kept = XiaomiBluetoothDeviceData()

    def once() -> int:
        rounds = CALLS // len(frames) + 1
        for _ in range(rounds):
            for frame in frames:
                (XiaomiBluetoothDeviceData() if fresh else kept).update(frame)
        return rounds * len(frames)

    return once


def measure() -> dict[str, float]:
    """Measure everything, in advertisements a second of one core."""
    for name in ("govee_ble", "ruuvitag_ble", "thermopro_ble", "xiaomi_ble"):
        logging.getLogger(f"{name}.parser").disabled = True
    work = traffic()
    mixed = [one for parser in work.values() for one in parser]
    plain = [one for one in work["xiaomi"] if one[1].bind_key is None]
    strangers = crowd()
    return {
        "mixed": per_s(reading(mixed)),
        **{parser: per_s(reading(some)) for parser, some in work.items()},
        "xiaomi without keys": per_s(reading(plain)),
        "its library alone, one instance": per_s(library_alone(plain, fresh=False)),
        "its library alone, fresh ones": per_s(library_alone(plain, fresh=True)),
        "strangers recognised": per_s(lambda: recognising(strangers)),
        "strangers, each new": per_s(looking(strangers, 1)),
        "strangers, 50 a second each": per_s(looking(strangers[:50], 50)),
    }
