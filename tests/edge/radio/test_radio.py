"""The Bluetooth side through bleak's own seam."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from edge_air import Air
from edge_broker import until
from edge_frames import ADDRESS, BATTERY, BTHOME, BUTTON, HEART_RATE, WEARABLE
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.errors import RadioFault
from zodra_edge.ladder import Limits, Mode, Plan, Stage
from zodra_edge.nearby import Pool
from zodra_edge.nearby.strangers import ENTRIES_MAX
from zodra_edge.radio import Adapter, Adverts, Arrivals, Backends, Connection, Home, Slots, load
from zodra_edge.settings import Radio

STRAPS = tuple(f"C4:11:00:00:00:{number:02X}" for number in range(1, 4))


class Heard:
    """One adapter on a test's air."""

    def __init__(
        self,
        tmp_path: Path,
        limits: Limits | None = None,
        slots: Slots | None = None,
        **profiles: object,
    ) -> None:
        self.air = Air()
        self.frames: list[BleAdvert] = []
        self.values: list[GattValue] = []
        self.counts: list[str] = []
        self.clock = Clock(tmp_path / "floor")
        straps = dict.fromkeys((ADDRESS, *STRAPS), WEARABLE)
        home = Home(
            straps if profiles else {ADDRESS: BUTTON},
            self.clock,
            self.frames.append,
            self.counts.append,
            connects=frozenset(straps if profiles else ()),
        )
        arrivals = Arrivals()
        self.adverts = Adverts("test", home, arrivals=arrivals)
        self.adapter = Adapter(
            None,
            self.adverts,
            Plan(Mode.ACTIVE, "a test"),
            limits or Limits(),
            slots or Slots(5, 60),
            None,
            self.backends,
        )
        self.connections = [
            Connection(address, arrivals, [self.adapter], self.clock, self.values.append)
            for address in (ADDRESS, *STRAPS)
        ]

    async def backends(self) -> Backends:
        return self.air.backends()


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_of_strangers_only_a_device_that_we_could_read_is_refused_and_once(
    tmp_path: Path,
) -> None:
    heard = Heard(tmp_path)
    task = asyncio.create_task(heard.adapter.run())
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
    status = heard.adapter.status()
    assert status.scanning
    assert status.strangers == 2
    assert status.adverts_per_min == 5
    assert status.last_advert_age_s is not None
    await ended(task)
    assert not heard.adapter.status().scanning
    assert not heard.air.scanners


async def test_a_crowd_of_strangers_fills_no_memory(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    task = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.air.scanners)
    most = ENTRIES_MAX[Pool.CHANGING]
    for number in range(most + 50):
        heard.air.advertise(f"11:22:33:44:{number // 256:02X}:{number % 256:02X}")
    assert heard.adverts.status().strangers == most
    assert heard.adverts.strangers.forgotten[Pool.CHANGING] == 50
    assert heard.counts == []
    await ended(task)


async def test_silence_climbs_the_ladder_and_what_is_heard_ends_it(tmp_path: Path) -> None:
    heard = Heard(tmp_path, Limits(silence_s=0.1, rung_s=0.05))
    task = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.adapter.status().alarmed)
    assert heard.air.scans_started >= 3
    await until(lambda: heard.air.scanners)
    # The alarm comes after so much silence, wherever the ladder stands.
    await until(lambda: "cannot switch" in heard.adapter.status().fault)
    done = heard.adapter.status().rungs
    assert min(done[step] for step in ("restart", "rebuild", "power_cycle", "alarm")) >= 1

    def hears() -> bool:
        heard.air.advertise(ADDRESS, {BTHOME: b"\x44\x00"})
        return heard.adapter.status().stage is Stage.HEARING

    await until(hears)
    assert not heard.adapter.status().alarmed
    assert heard.adapter.status().fault == ""
    assert heard.adapter.status().rungs["recovered"] == 1
    await ended(task)


async def test_an_advertisement_that_says_nothing_is_no_sign_of_life(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    task = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.air.scanners)
    heard.air.advertise(ADDRESS, name=None)
    assert heard.adapter.status().last_advert_age_s is None
    assert heard.frames == []
    await ended(task)


async def test_a_scanner_that_breaks_in_a_way_that_nobody_expected_is_no_end(
    tmp_path: Path,
) -> None:
    heard = Heard(tmp_path, Limits(silence_s=1, rung_s=0.05))
    heard.air.start_faults = [KeyError("Roles"), AssertionError(), EOFError()]
    task = asyncio.create_task(heard.adapter.run())
    await until(lambda: "Roles" in heard.adapter.status().fault)
    await until(lambda: heard.air.scanners, 20)
    assert not task.done()
    await ended(task)


async def test_a_wearable_is_connected_when_heard_and_again_after_it_was_lost(
    tmp_path: Path,
) -> None:
    heard = Heard(tmp_path, wearable=True)
    scan = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.air.scanners)
    strap = heard.connections[0]
    for round_ in range(2):
        task = asyncio.create_task(strap.run())
        await asyncio.sleep(0)
        heard.air.advertise(ADDRESS)
        await until(lambda: heard.air.clients and heard.air.clients[0].notified)
        heard.air.clients[0].notified[HEART_RATE](bytearray(b"\x06\x48"))
        await until(partial(lambda want: len(heard.values) >= want, 2 * (round_ + 1)))
        assert (strap.status.connected, heard.adapter.status().connections) == (True, 1)
        heard.air.clients[0].drop()
        await task
        assert (strap.status.connected, heard.adapter.status().connections) == (False, 0)
    assert {(value.characteristic, value.value) for value in heard.values} == {
        (HEART_RATE, b"\x06\x48"),
        (BATTERY, bytes([87])),
    }
    assert heard.frames == []
    await ended(scan)


@pytest.mark.parametrize(
    ("service", "number", "value"),
    [("1809", "2a1c", "006c0100ff"), ("181d", "2a9d", "00c03a"), ("181a", "2a6e", "0f0a")],
    ids=["thermometer", "scale", "room"],
)
async def test_what_a_device_indicates_is_subscribed_to_and_again_after_it_was_lost(
    tmp_path: Path, service: str, number: str, value: str
) -> None:
    heard = Heard(tmp_path, wearable=True)
    uuid = f"0000{number}-0000-1000-8000-00805f9b34fb"
    heard.air.offers = ((service, uuid, ["indicate"]), ("1800", BATTERY.replace("19", "00"), []))
    scan = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.air.scanners)
    for _ in range(2):
        task = asyncio.create_task(heard.connections[0].run())
        await asyncio.sleep(0)
        heard.air.advertise(ADDRESS)
        await until(lambda: heard.air.clients and heard.air.clients[0].notified)
        heard.air.clients[0].notified[uuid](bytearray.fromhex(value))
        heard.air.clients[0].drop()
        await task
    assert [(one.characteristic, one.value.hex()) for one in heard.values] == [(uuid, value)] * 2
    await ended(scan)


async def test_a_device_that_offers_nothing_that_is_read_is_told_of(tmp_path: Path) -> None:
    heard = Heard(tmp_path, wearable=True)
    heard.air.offers = (("1800", BATTERY.replace("2a19", "2a00"), ["read"]),)
    scan = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.air.scanners)
    task = asyncio.create_task(heard.connections[0].run())
    await asyncio.sleep(0)
    heard.air.advertise(ADDRESS)
    with pytest.raises(RadioFault, match="offers nothing"):
        await task
    assert heard.air.clients == []
    await ended(scan)


async def test_one_failed_connection_is_tried_again_at_once(tmp_path: Path) -> None:
    heard = Heard(tmp_path, wearable=True)
    heard.air.refuses_connections = 1
    scan = asyncio.create_task(heard.adapter.run())
    task = asyncio.create_task(heard.connections[0].run())
    await until(lambda: heard.air.scanners)
    heard.air.advertise(ADDRESS)
    await until(lambda: heard.connections[0].status.connected)
    await ended(task)
    await ended(scan)


async def test_more_devices_than_connections_take_turns(tmp_path: Path) -> None:
    heard = Heard(tmp_path, slots=Slots(1, turn_s=0.05), wearable=True)
    scan = asyncio.create_task(heard.adapter.run())
    await until(lambda: heard.air.scanners)
    turns: list[str] = []

    async def keep(number: int) -> None:
        while True:
            await heard.connections[number].run()
            turns.append(STRAPS[number - 1])

    tasks = [asyncio.create_task(keep(number)) for number in (1, 2, 3)]

    def done() -> bool:
        for address in STRAPS:
            heard.air.advertise(address)
        return len(turns) >= 9

    await until(done, 20)
    assert {turns.count(address) for address in STRAPS} <= {2, 3, 4}
    assert max(len(heard.air.clients), heard.adapter.status().connections) <= 1
    for task in (*tasks, scan):
        await ended(task)
    assert heard.adapter.status().connections == 0


async def test_a_turn_lasts_until_somebody_waits() -> None:
    slots = Slots(2, turn_s=0.02)
    entered: list[str] = []

    async def hold(name: str) -> None:
        async with slots.turn(name) as turn:
            entered.append(name)
            await turn.over.wait()

    first, second = (asyncio.create_task(hold(name)) for name in "ab")
    await asyncio.sleep(0.05)
    assert slots.used == 2
    gives_up = asyncio.create_task(hold("c"))
    await asyncio.sleep(0)
    await ended(gives_up)
    third = asyncio.create_task(hold("d"))
    await first
    await until(lambda: entered == ["a", "b", "d"])
    for task in (second, third):
        await ended(task)
    assert (slots.used, slots.waiting) == (0, 0)


async def test_a_connection_that_was_handed_on_is_not_given_to_a_third() -> None:
    slots = Slots(1, turn_s=60)
    held: list[int] = []
    first_leaves = asyncio.Event()

    async def hold(stays: asyncio.Event | None) -> None:
        async with slots.turn("one"):
            held.append(slots.used)
            await (asyncio.sleep(0) if stays is None else stays.wait())

    async def comes_late() -> None:
        # Asks after the connection was handed to the second, and before that one runs.
        await first_leaves.wait()
        await hold(None)

    first = asyncio.create_task(hold(first_leaves))
    await asyncio.sleep(0)
    late, second = asyncio.create_task(comes_late()), asyncio.create_task(hold(None))
    await asyncio.sleep(0)
    first_leaves.set()
    await asyncio.gather(first, late, second)
    assert held == [1, 1, 1]
    assert (slots.used, slots.waiting) == (0, 0)


async def test_a_backend_is_loaded_by_its_dotted_name() -> None:
    with pytest.raises(RadioFault, match="cannot be loaded"):
        await load(Radio(backend="no_such_module:create"))
    with pytest.raises(RadioFault, match="cannot be loaded"):
        await load(Radio(backend="json:create"))
    assert (await load(Radio())).scanner is None
