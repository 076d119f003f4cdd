"""Strangers are shown, bounded, and cheap."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_frames import BTHOME, advert, bthome_encrypted, heard, vectors
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.nearby import Pool, Strangers, naming, structures
from zodra_edge.nearby.strangers import ENTRIES_MAX

XIAOMI = "0000fe95-0000-1000-8000-00805f9b34fb"


def phone(number: int) -> BleAdvert:
    address = f"4A:00:00:00:{number // 256:02X}:{number % 256:02X}"
    return replace(advert(None, address=address), name=None, manufacturer_data={0x4C: b"\x10\x05"})


def hear(strangers: Strangers, frame: BleAdvert, now_s: float) -> bool:
    return strangers.heard(frame.address, frame.rssi_dbm, now_s, lambda: frame)


def test_phones_push_out_nobody_but_phones() -> None:
    strangers = Strangers()
    button = advert(b"\x44\x00\x01\x3a\x01", address="B4:35:22:00:00:01")
    beacon = replace(advert(None, address="C4:00:00:00:00:01"), manufacturer_data={0x1234: b"x"})
    hear(strangers, button, 0)
    hear(strangers, beacon, 0)
    for number in range(5_000):
        hear(strangers, phone(number), number)
    named = {entry.address: entry.pool for entry in strangers.entries()}
    assert named[button.address] is Pool.RECOGNISED
    assert named[beacon.address] is Pool.UNKNOWN
    assert len(strangers) == 2 + ENTRIES_MAX[Pool.CHANGING]
    assert strangers.forgotten[Pool.CHANGING] == 5_000 - ENTRIES_MAX[Pool.CHANGING]


def test_the_one_heard_longest_ago_is_forgotten() -> None:
    strangers = Strangers()
    most = ENTRIES_MAX[Pool.CHANGING]
    for number in range(most):
        hear(strangers, phone(number), number)
    hear(strangers, phone(0), most)
    hear(strangers, phone(most), most + 1)
    left = {entry.address for entry in strangers.entries()}
    assert phone(0).address in left
    assert phone(1).address not in left


def test_a_thousand_adverts_a_second_are_counted_and_one_is_looked_into() -> None:
    strangers = Strangers()
    looks = 0

    def look() -> BleAdvert:
        nonlocal looks
        looks += 1
        return phone(1)

    for number in range(3_000):
        strangers.heard(phone(1).address, -50, number / 1000, look)
    (entry,) = strangers.entries()
    assert looks == 3
    assert entry.count == 3_000
    assert round(entry.per_s()) == 1_000
    assert strangers.recent(3.5, 60) == 1
    assert strangers.recent(90, 60) == 0


def test_what_is_known_without_a_key_is_said_once() -> None:
    strangers = Strangers()
    sealed = advert(bthome_encrypted(b"\x00\x01\x3a\x01", 7), address="B4:35:22:00:00:02")
    assert hear(strangers, sealed, 0)
    assert not hear(strangers, sealed, 5)
    # A scan response says less, and takes nothing back.
    assert not hear(strangers, replace(sealed, service_data={}, name="SBBT-002C"), 10)
    (entry,) = strangers.entries()
    assert (entry.parser, entry.model, entry.needs_key) == ("bthome", "SBBT-002C", True)
    assert entry.advert.service_data == sealed.service_data
    assert entry.last_at == heard(10).at


def test_one_that_becomes_known_later_moves() -> None:
    strangers = Strangers()
    plain = replace(advert(None, address="4A:00:00:00:00:09"), name=None)
    assert not hear(strangers, plain, 0)
    known = replace(plain, service_data={XIAOMI: bytes.fromhex("5020aa01da")})
    assert not hear(strangers, known, 0.5)
    assert hear(strangers, known, 2)
    (entry,) = strangers.entries()
    assert (entry.pool, entry.model, entry.needs_key) == (Pool.RECOGNISED, "Xiaomi 0x01aa", False)


def test_a_strap_is_known_as_one_that_is_connected_to() -> None:
    strangers = Strangers()
    strap = replace(
        advert(None, address="A0:9E:1A:00:00:01"),
        service_uuids=("0000180d-0000-1000-8000-00805f9b34fb",),
        manufacturer_data={0x6B: b"\x00"},
    )
    assert hear(strangers, strap, 0)
    (entry,) = strangers.entries()
    assert (entry.parser, entry.model, entry.seems) == (
        "connection",
        "heart rate",
        "Polar, heart rate",
    )


FRAMES: st.SearchStrategy[BleAdvert] = st.builds(
    lambda name, services, makers, uuids: replace(
        advert(None),
        name=name,
        service_data=services,
        manufacturer_data=makers,
        service_uuids=uuids,
    ),
    name=st.none() | st.text(max_size=20),
    services=st.dictionaries(
        st.sampled_from([BTHOME, XIAOMI]) | st.uuids().map(str), st.binary(max_size=40), max_size=3
    ),
    makers=st.dictionaries(st.integers(0, 65_535), st.binary(max_size=40), max_size=3),
    uuids=st.lists(st.sampled_from([BTHOME, XIAOMI]) | st.uuids().map(str), max_size=3).map(tuple),
)


@given(frame=FRAMES)
def test_a_frame_put_together_reads_back(frame: BleAdvert) -> None:
    parts = structures.read(structures.write(frame))
    assert parts.service_data == dict(frame.service_data)
    assert parts.manufacturer_data == dict(frame.manufacturer_data)
    assert parts.service_uuids == frame.service_uuids
    assert (parts.name is None) == (frame.name is None)


@given(raw=st.binary(max_size=80), address=st.text(max_size=20), look=FRAMES)
def test_nothing_raises(raw: bytes, address: str, look: BleAdvert) -> None:
    structures.read(raw)
    naming.may_change(address)
    strange: Callable[[], BleAdvert] = lambda: look  # noqa: E731 - it is what is asked for
    Strangers().heard(address, 0, 0.0, strange)
    structures.write(replace(look, service_uuids=(address,), service_data={address: raw}))


def test_every_published_advert_is_recognised_by_its_parser() -> None:
    for case in vectors("adverts"):
        strangers = Strangers()
        frame = replace(
            advert(None, address=case["address"]),
            name=case["name"],
            service_data={u: bytes.fromhex(d) for u, d in case["service_data"].items()},
            manufacturer_data={
                int(c): bytes.fromhex(d) for c, d in case["manufacturer_data"].items()
            },
            service_uuids=tuple(case["service_uuids"]),
        )
        assert hear(strangers, frame, 0)
        (entry,) = strangers.entries()
        assert entry.parser == case["parser"]
        assert entry.needs_key == (
            case["bind_key"] is not None or case.get("refused") == "bind_key_missing"
        )
