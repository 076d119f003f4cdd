"""No advertisement makes a parser raise, hang or answer nonsense, whatever its bytes.

Each begins as a published one and is changed: bits flipped, cut, grown, put under another name or
key. What a library does about it is its business; the wall around it answers in any case.
"""

import logging
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from edge_frames import BTHOME, KEY, PLAIN_BUTTON, advert, bthome_encrypted, vectors
from faults.harness import SHARDS, Tell, again, chance, share
from zodra_edge.decode import Decoded, Undecodable, decode
from zodra_edge.decode.ble.normalise import BOUNDS
from zodra_edge.decode.ble.registry import BUILT_IN, recognise
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.logs import _TALKATIVE

FAMILIES = (Family.BUTTON, Family.SENSOR, Family.BABY_MONITOR)
AGAIN_EVERY = 25
"""One in so many is read twice, and has to say the same."""


def frame_of(case: dict[str, Any]) -> tuple[BleAdvert, bytes | None]:
    frame = replace(
        advert(None, address=case["address"]),
        name=case["name"],
        service_data={u: bytes.fromhex(d) for u, d in case["service_data"].items()},
        manufacturer_data={int(c): bytes.fromhex(d) for c, d in case["manufacturer_data"].items()},
        service_uuids=tuple(case["service_uuids"]),
    )
    return frame, bytes.fromhex(case["bind_key"]) if case["bind_key"] else None


def begun(parser: str) -> list[tuple[BleAdvert, bytes | None]]:
    if parser != "bthome":
        return [frame_of(case) for case in vectors("adverts") if case["parser"] == parser]
    plain = [(advert(bytes.fromhex(case["data"])), None) for case in vectors("bthome")]
    return [*plain, (advert(bthome_encrypted(b"\x00\x07\x01\x64\x3a\x01", 9)), KEY)]


def changed(data: bytes, draw: random.Random) -> bytes:
    raw = bytearray(data)
    match draw.randrange(6):
        case 0 if raw:
            raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        case 1:
            del raw[draw.randrange(len(raw) + 1) :]
        case 2:
            raw += draw.randbytes(draw.randrange(1, 40))
        case 3 if raw:
            for at in range(draw.randrange(len(raw)), len(raw)):
                raw[at] = draw.randrange(256)
        case 4:
            raw = bytearray(draw.randbytes(draw.randrange(260)))
        case _ if raw:
            raw[draw.randrange(len(raw))] = draw.choice((0x00, 0x7F, 0x80, 0xFF))
    return bytes(raw)


def another(frame: BleAdvert, key: bytes | None, draw: random.Random) -> tuple[BleAdvert, Any]:
    makers = {company: changed(data, draw) for company, data in frame.manufacturer_data.items()}
    services = {uuid: changed(data, draw) for uuid, data in frame.service_data.items()}
    name, address = frame.name, frame.address
    match draw.randrange(12):
        case 0:
            name = draw.choice((None, "", "GV\x00\ud800", "TP357 ", "TP9", "H5198" * 50))
        case 1:
            address = draw.choice(("", "zz", "00:11:22:33:44:55", "A4-C1-38-00-00-01"))
        case 2:
            key = draw.choice((None, b"", bytes(12), bytes(16), draw.randbytes(17)))
        case 3:
            makers[draw.randrange(65_536)] = draw.randbytes(draw.randrange(30))
        case 4:
            services[BTHOME] = draw.randbytes(draw.randrange(30))
    frame = replace(
        frame, name=name, address=address, manufacturer_data=makers, service_data=services
    )
    return frame, key


def total(said: Decoded | Undecodable, profile: DeviceProfile) -> str:
    if isinstance(said, Undecodable):
        assert isinstance(said.reason, DecodeRefusal)
        assert 0 < len(said.detail) <= 200
        return said.reason.value
    for reading in said.readings:
        lowest, highest = BOUNDS[reading.kind]
        assert lowest <= reading.value <= highest
    assert len({reading.kind for reading in said.readings}) == len(said.readings)
    assert not said.presses or profile.family is Family.BUTTON
    assert said.counter is None or said.authenticated
    return "presses" if said.presses else "readings" if said.readings else "nothing"


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("parser", BUILT_IN)
def test_a_parser_answers_whatever_comes(parser: str, shard: int, tell: Tell) -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).disabled = True
    draw = chance("parsers", parser, shard)
    seeds = begun(parser)
    outcomes: Counter[str] = Counter()
    for number in range(share("FUZZ", quick=2_000, full=1_000_000)):
        first, own_key = draw.choice(seeds)
        frame, key = another(first, own_key, draw)
        profile = replace(
            PLAIN_BUTTON,
            address=frame.address,
            bind_key=key,
            family=FAMILIES[number % len(FAMILIES)],
            # Half are read by it although it may not know them.
            parser=parser if number % 2 else None,
        )
        recognise(frame)
        said = decode(frame, profile)
        outcomes[total(said, profile)] += 1
        if number % AGAIN_EVERY == 0:
            assert decode(frame, profile) == said, again()
    assert outcomes["readings"] + outcomes["presses"] > 0
    assert outcomes["malformed"] + outcomes["unknown_format"] + outcomes["not_recognised"] > 0
    tell(frames=sum(outcomes.values()), **outcomes)
