"""Who is near is told in memory, to a person and to a program, and not for long."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from edge_frames import advert, bthome_encrypted
from zodra_edge.clock import monotonic_s
from zodra_edge.nearby import Strangers, structures
from zodra_edge.status import (
    listing,
    look_nearby,
    render_nearby,
    sole_owner,
    status_file,
    write_nearby,
)
from zodra_edge.status.store import in_memory


def crowd(now_s: float) -> Strangers:
    strangers = Strangers()
    sealed = advert(bthome_encrypted(b"\x00\x01\x3a\x01", 7), address="B4:35:22:00:00:02")
    loud = replace(
        advert(None, address="C4:00:00:00:00:01"),
        name="\x1b[2J evil",
        manufacturer_data={0x1234: b"\x01\x02"},
    )
    phone = replace(advert(None, address="4A:00:00:00:00:01"), name=None)
    for frame, times in ((sealed, 1), (loud, 300), (phone, 1)):
        for number in range(times):
            strangers.heard(frame.address, -61, now_s - 1 + number / 300, partial(replace, frame))
    return strangers


def test_a_person_reads_who_is_near() -> None:
    page = render_nearby(listing(crowd(100.0), 100.0))
    assert "recognised as SBBT-002C (bthome), encrypted: it needs its bind key" in page
    assert "B4:35:22:00:00:02 SBBT-002C  -61 dBm, 1 times" in page
    assert "LOUD: 300 a second" in page
    assert "seems to be of: company 0x1234" in page
    assert "1 with addresses that may change, mostly phones" in page
    assert "\x1b" not in page
    assert render_nearby(listing(Strangers(), 100.0)) == ""


def test_a_package_that_does_not_load_is_named() -> None:
    nearby = listing(crowd(100.0), 100.0)
    assert nearby.broken_parsers == ()
    page = render_nearby(nearby.model_copy(update={"broken_parsers": ("mat",)}))
    assert "! an installed package promises a parser mat that cannot be loaded" in page


def test_the_raw_frame_is_there_to_read_back() -> None:
    nearby = listing(crowd(100.0), 100.0)
    parts = structures.read(bytes.fromhex(nearby.strangers[0].raw))
    assert parts.name == "SBBT-002C"
    assert next(iter(parts.service_data.values()))[0] == 0x45


def test_it_is_kept_in_memory_and_never_on_the_disk(tmp_path: Path) -> None:
    data_dir, runtime_dir = tmp_path / "data", tmp_path / "run"
    data_dir.mkdir()
    runtime_dir.mkdir()
    assert look_nearby(data_dir) is None
    now_s = monotonic_s()
    with sole_owner(data_dir, status_file(data_dir, runtime_dir)):
        write_nearby(data_dir, runtime_dir, listing(crowd(now_s), now_s))
        found = look_nearby(data_dir)
    assert found is not None
    assert len(found.strangers) == 3
    assert not list(data_dir.glob("nearby*"))


def test_without_a_folder_for_it_shared_memory_serves(tmp_path: Path) -> None:
    now_s = monotonic_s()
    try:
        write_nearby(tmp_path, None, listing(crowd(now_s), now_s))
        assert look_nearby(tmp_path) is not None
        assert not list(tmp_path.iterdir())
        write_nearby(tmp_path, None, listing(crowd(now_s), now_s - 61))
        assert look_nearby(tmp_path) is None
    finally:
        for file in in_memory(tmp_path).glob("*"):
            file.unlink()
        in_memory(tmp_path).rmdir()
