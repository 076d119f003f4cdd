"""The Bluetooth side through bleak's own seam."""

import asyncio
from pathlib import Path

import pytest

from edge_air import Air
from edge_broker import until
from edge_frames import ADDRESS, BATTERY, BTHOME, BUTTON, HEART_RATE, WEARABLE
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.errors import RadioFault
from zodra_edge.nearby import Pool
from zodra_edge.nearby.strangers import ENTRIES_MAX
from zodra_edge.radio import Adverts, Wearable, load
from zodra_edge.settings import Radio


class Heard:
    def __init__(self, tmp_path: Path, **profiles: object) -> None:
        self.air = Air()
        self.frames: list[BleAdvert] = []
        self.values: list[GattValue] = []
        self.counts: list[str] = []
        self.clock = Clock(tmp_path / "floor")
        self.adverts = Adverts(
            Radio(silence_s_max=10),
            {ADDRESS: WEARABLE if profiles else BUTTON},
            self.clock,
            self.frames.append,
            self.counts.append,
        )
        self.wearable = Wearable(ADDRESS, self.adverts, self.clock, self.values.append)


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_of_strangers_only_a_device_that_we_could_read_is_refused_and_once(
    tmp_path: Path,
) -> None:
    heard = Heard(tmp_path)
    task = asyncio.create_task(heard.adverts.run(heard.air.backends()))
    await until(lambda: heard.air.scanners)
    heard.air.advertise(ADDRESS.lower(), {BTHOME: b"\x44\x00"})
    for _ in range(2):
        heard.air.advertise("11:22:33:44:55:66")
        heard.air.advertise("11:22:33:44:55:77", {BTHOME: b"\x44\x00"})
    (frame,) = heard.frames
    assert (frame.address, frame.service_data, frame.rssi_dbm) == (
        ADDRESS,
        {BTHOME: b"\x44\x00"},
        -61,
    )
    assert heard.counts == ["unknown_device"]
    status = heard.adverts.status()
    assert status.scanning
    assert status.strangers == 2
    assert status.adverts_per_min == 5
    assert status.last_advert_age_s is not None
    await ended(task)
    assert not heard.adverts.status().scanning
    assert not heard.air.scanners


async def test_a_crowd_of_strangers_fills_no_memory(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    task = asyncio.create_task(heard.adverts.run(heard.air.backends()))
    await until(lambda: heard.air.scanners)
    most = ENTRIES_MAX[Pool.CHANGING]
    for number in range(most + 50):
        heard.air.advertise(f"11:22:33:44:{number // 256:02X}:{number % 256:02X}")
    assert heard.adverts.status().strangers == most
    assert heard.adverts.strangers.forgotten[Pool.CHANGING] == 50
    assert heard.counts == []
    await ended(task)


async def test_silence_ends_the_scan_so_that_it_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(tmp_path)
    heard.adverts._settings = Radio.model_construct(silence_s_max=0.0)
    monkeypatch.setattr("zodra_edge.radio.adverts.LOOK_S", 0.01)
    with pytest.raises(RadioFault, match="heard nothing"):
        await heard.adverts.run(heard.air.backends())
    assert not heard.air.scanners


async def test_a_wearable_is_connected_when_heard_and_again_after_it_was_lost(
    tmp_path: Path,
) -> None:
    heard = Heard(tmp_path, wearable=True)
    backends = heard.air.backends()
    scan = asyncio.create_task(heard.adverts.run(backends))
    await until(lambda: heard.air.scanners)
    for round_ in range(2):
        task = asyncio.create_task(heard.wearable.run(backends))
        await asyncio.sleep(0)
        heard.air.advertise(ADDRESS)
        await until(lambda: heard.air.clients and heard.air.clients[0].notified)
        heard.air.clients[0].notified[HEART_RATE](bytearray(b"\x06\x48"))
        await until(lambda want=2 * (round_ + 1): len(heard.values) == want)
        assert heard.wearable.status.connected
        heard.air.clients[0].drop()
        await task
        assert not heard.wearable.status.connected
    assert {(value.characteristic, value.value) for value in heard.values} == {
        (HEART_RATE, b"\x06\x48"),
        (BATTERY, bytes([87])),
    }
    await ended(scan)


async def test_one_failed_connection_is_tried_again_at_once(tmp_path: Path) -> None:
    heard = Heard(tmp_path, wearable=True)
    heard.air.refuses_connections = 1
    backends = heard.air.backends()
    scan = asyncio.create_task(heard.adverts.run(backends))
    task = asyncio.create_task(heard.wearable.run(backends))
    await until(lambda: heard.air.scanners)
    heard.air.advertise(ADDRESS)
    await until(lambda: heard.wearable.status.connected)
    await ended(task)
    await ended(scan)


async def test_a_backend_is_loaded_by_its_dotted_name() -> None:
    with pytest.raises(RadioFault, match="cannot be loaded"):
        await load(Radio(backend="no_such_module:create"))
    with pytest.raises(RadioFault, match="cannot be loaded"):
        await load(Radio(backend="json:create"))
    assert (await load(Radio())).scanner is None
