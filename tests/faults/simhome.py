"""A home with two gateways, its buttons, a bad line and a cloud; and what must hold whatever comes.

Everything follows from one seed. An event is one thing that happens to somebody: a frame heard, a
message delivered, a receipt, a break, a kill.
"""

import asyncio
import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from edge_frames import AT, BUTTON, advert, bthome_encrypted
from edge_outbox import looking
from faults.ledger import Ledger
from faults.simgateway import SimGateway
from faults.simlink import SimLink, Weather
from zodra_contract.envelope import Receipt, to_bytes
from zodra_contract.ids import press_id
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import TimeQuality
from zodra_contract.topics import Address, Down
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.heard import Heard
from zodra_edge.link import Lane
from zodra_edge.settings import Settings

KITCHEN, BATH, STRANGER, POISON = (
    replace(BUTTON, device_id=name, address=f"A4:C1:38:00:00:0{place}")
    for place, name in enumerate(("btn-kitchen", "btn-bath", "btn-stranger", "btn-poison"), 1)
)
HEAL_S_MAX = 3_600.0
LIES = 0.1
"""Of the transactions, by a disk that says that it has written them and has not."""
RECORDED_MAX = 300


@dataclass
class Button:
    """A button with its own counter, as the simulated Shelly one has."""

    profile: object
    device_id: str
    address: str
    counter: int = 0


@dataclass
class Report:
    """What a run did."""

    events: int = 0
    presses: int = 0
    confirmed: int = 0
    needs: int = 0
    repeats: int = 0
    kills: int = 0
    cuts: int = 0
    faults: list[str] = field(default_factory=list)


class Home:
    """One run."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        by_signal: bool = True,
        poison: bool = False,
        disk_lies: bool = False,
    ) -> None:
        self.draw = random.Random(seed)
        self.report = Report()
        self.ledger = Ledger(
            strangers=frozenset({STRANGER.device_id}),
            poison=frozenset({POISON.device_id}),
            by_signal=by_signal,
        )
        profiles = (KITCHEN, BATH, STRANGER, *((POISON,) if poison else ()))
        self.counters = {profile.device_id: 0 for profile in profiles}
        self.profiles = profiles
        self.pressed: set[str] = set()
        self.kept: set[tuple[str, str]] = set()
        """Which gateway told a person that it has which need."""
        self.recorded: list[tuple[str, bytes]] = []
        self.old_receipts: list[tuple[str, bytes]] = []
        self.bad = True
        self.disk_lies = disk_lies
        self.weather = Weather()
        self.cloud_away = False
        self.refuses: RejectReason | None = None
        self.gateways = {
            name: self._gateway(name, folder / name, profiles) for name in ("gw-hall", "gw-attic")
        }

    def _gateway(self, name: str, data_dir: Path, profiles: tuple[object, ...]) -> SimGateway:
        data_dir.mkdir(parents=True)
        settings = Settings.model_validate(
            {
                "gateway_id": name,
                "household_id": "hh-1",
                "data_dir": data_dir,
                "cloud": {"host": "cloud", "port": 1883},
            }
        )
        address = Address("hh-1", name)
        return SimGateway(
            settings,
            profiles,  # type: ignore[arg-type]
            self.draw,
            lambda: SimLink(self.draw, lambda: self.weather, address, self._arrive),
            lambda: (LIES if self.disk_lies else 0.01) if self.bad else 0.0,
            lambda signal_id: self.kept.add((name, signal_id)),
            disk_lies=self.disk_lies,
        )

    async def live(self, events: int) -> Report:
        """Let things happen, then let everything heal, then look."""
        for gateway in self.gateways.values():
            await gateway.start(reboot=False)
        # What happens, how often in proportion, and how long until the next thing.
        happenings = [
            (self._press, 60),
            (self._replay, 6),
            (self._forge, 3),
            (self._cut, 3),
            (self._kill, 2),
            (self._cloud_falls, 1),
            (self._cloud_refuses, 1),
            (self._old_receipt, 3),
            (self._clock_jumps, 2),
            (self._weather_turns, 2),
        ]
        acts, weights = zip(*happenings, strict=True)
        while self.report.events < events:
            self.draw.choices(acts, weights)[0]()
            await asyncio.sleep(self.draw.expovariate(1 / self.draw.choice((0.05, 1, 20))))
        await self._heal()
        self._look()
        for gateway in self.gateways.values():
            gateway.kill()
        await asyncio.sleep(1)
        return self.report

    def _later(self, mean_s: float, what: object, *args: object) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self.draw.expovariate(1 / mean_s), what, *args)  # type: ignore[arg-type]

    # --- what happens -----------------------------------------------------------------------

    def _press(self) -> None:
        profile = self.draw.choices(self.profiles, [10, 10, 1, 1][: len(self.profiles)])[0]
        self.counters[profile.device_id] += self.draw.choice((1, 1, 1, 2, 300))
        counter = self.counters[profile.device_id]
        assert profile.address is not None
        payload = bytes([0x00, counter % 256, 0x01, 100, 0x3A, 1])
        data = bthome_encrypted(payload, counter, address=profile.address)
        self.pressed.add(press_id(profile.device_id, f"enc-1-{counter}", 0, "press"))
        self.report.presses += 1
        self.recorded = [*self.recorded[-RECORDED_MAX:], (profile.address, data)]
        for _ in range(self.draw.randrange(1, 7)):
            for gateway in self.gateways.values():
                if self.draw.random() < 0.7:
                    self._later(0.1, self._hear, gateway, profile.address, data)

    def _hear(self, gateway: SimGateway, address: str, data: bytes) -> None:
        self.report.events += gateway.up
        gateway.offer(partial(_advert, address, data))

    def _replay(self) -> None:
        if self.recorded:
            gateway = self.draw.choice(list(self.gateways.values()))
            self._hear(gateway, *self.draw.choice(self.recorded))

    def _forge(self) -> None:
        if not self.recorded:
            return
        address, data = self.draw.choice(self.recorded)
        forged = bytearray(data)
        forged[self.draw.randrange(len(forged))] ^= 1 << self.draw.randrange(8)
        gateway = self.draw.choice(list(self.gateways.values()))
        self._hear(gateway, address, bytes(forged))

    def _cut(self) -> None:
        self.report.cuts += 1
        self.report.events += 1
        self.draw.choice(list(self.gateways.values())).cut()

    def _kill(self) -> None:
        gateway = self.draw.choice([g for g in self.gateways.values()])
        if gateway.up:
            self.report.kills += 1
            self.report.events += 1
            gateway.kill()
            self._later(self.draw.choice((0.1, 5, 60)), self._start, gateway)

    def _start(self, gateway: SimGateway) -> None:
        self._task = asyncio.ensure_future(gateway.start(reboot=self.draw.random() < 0.5))

    def _cloud_falls(self) -> None:
        self.cloud_away = True
        self._later(30, self._cloud_is_back)

    def _cloud_is_back(self) -> None:
        self.cloud_away = False
        self.refuses = None

    def _cloud_refuses(self) -> None:
        self.refuses = self.draw.choice([RejectReason.REVOKED, RejectReason.NEWER_VERSION])
        self._later(30, self._cloud_is_back)

    def _old_receipt(self) -> None:
        if self.old_receipts:
            name, payload = self.draw.choice(self.old_receipts)
            self._down(name, payload)

    def _clock_jumps(self) -> None:
        clock = self.draw.choice(list(self.gateways.values())).clock
        clock.shift_s = self.draw.choice((0, -21 * 86_400, 400 * 86_400, -57 * 365 * 86_400, -5))
        clock.quality = self.draw.choice(list(TimeQuality))

    def _weather_turns(self) -> None:
        self.weather = self.draw.choice((Weather(), Weather.fine(), Weather(lost=0.3, slow_s=3)))

    # --- the cloud --------------------------------------------------------------------------

    def _arrive(self, gateway_id: str, payload: bytes) -> None:
        self.report.events += 1
        if self.cloud_away and self.bad:
            return
        now = AT + timedelta(seconds=asyncio.get_running_loop().time())
        refuses = self.refuses if self.bad else None
        receipt = self.ledger.take(gateway_id, payload, now, refuses)
        if receipt is not None and self.bad and self.draw.random() < 0.1:
            pace_ms = self.draw.choice((50, 5_000, 10**9))
            receipt = receipt.model_copy(update={"pace_ms": pace_ms})
        if receipt is not None and not (self.bad and self.draw.random() < 0.05):
            self._answer(gateway_id, receipt)

    def _answer(self, gateway_id: str, receipt: Receipt) -> None:
        payload = to_bytes(receipt)
        if receipt.refused is None:
            self.old_receipts = [*self.old_receipts[-100:], (gateway_id, payload)]
        copies = 1
        if self.bad:
            copies = self.draw.choices((0, 1, 2), (5, 90, 5))[0]
        for _ in range(copies):
            self._later(self.weather.slow_s, self._down, gateway_id, payload)

    def _down(self, gateway_id: str, payload: bytes) -> None:
        self.report.events += 1
        gateway = self.gateways[gateway_id]
        if gateway.up and gateway.link is not None:
            gateway.link.hear(Down.RECEIPT, payload)

    # --- what must hold ---------------------------------------------------------------------

    async def _heal(self) -> None:
        """Stop all faults; then everything that was kept must arrive, without further presses."""
        self.bad, self.weather = False, Weather.fine()
        self._cloud_is_back()
        for gateway in self.gateways.values():
            gateway.clock.quality = TimeQuality.SYNCED
        loop = asyncio.get_running_loop()
        deadline = loop.time() + HEAL_S_MAX
        await asyncio.sleep(10)
        while not all(gateway.empty for gateway in self.gateways.values()):
            if loop.time() > deadline:
                for name, gateway in self.gateways.items():
                    left = [gateway.outbox.level(lane) for lane in Lane]
                    self._fault(f"{name} never came to rest: {left}, {gateway.uplink.status}")
                return
            await asyncio.sleep(5)

    def _fault(self, what: str) -> None:
        self.report.faults.append(what)

    def _look(self) -> None:
        ledger, report = self.ledger, self.report
        report.faults += ledger.faults
        aside = self._aside()
        # From the very gateway that said so: the other one must not hide what it lost.
        arrived = {
            (gateway, signal_id)
            for (gateway, _), book in ledger.books.items()
            for signal_id in book.rows.values()
        }
        if lost := {each for each in self.kept - arrived if each[1] not in aside}:
            self._fault(f"confirmed to a person and lost: {sorted(lost)[:5]} of {len(lost)}")
        if invented := ledger.needs.keys() - self.pressed:
            self._fault(f"nobody pressed: {sorted(invented)[:5]}")
        if doubled := [name for name, times in ledger.stored.items() if times > 1]:
            self._fault(f"acted upon twice: {doubled[:5]} of {len(doubled)}")
        self._look_at_books(aside)
        report.confirmed = len({signal_id for _, signal_id in self.kept})
        report.needs = len(ledger.needs)
        report.repeats = ledger.deliveries - sum(len(book.rows) for book in ledger.books.values())

    def _look_at_books(self, aside: set[str]) -> None:
        for (gateway, buffer), book in self.ledger.books.items():
            accounted = book.rows.keys() | book.skipped
            # A reading may be lost with the memory of a gateway that is killed, or when the disk
            # refuses it, which is counted; no need may. The cloud learns of it with the next
            # batch, which need not come before the end.
            gone = {at for held, at in self.gateways[gateway].unwritten if held == buffer}
            gaps = set(range(1, max(accounted, default=0))) - accounted
            if gaps - gone:
                self._fault(f"{gateway} {buffer}: the watermark has gaps: {sorted(gaps - gone)}")
            given_up = book.skipped - self._aside_of(gateway, book.lane, buffer) - gone
            counted = self.gateways[gateway].given_up if book.lane == "telemetry" else 0
            if len(given_up) > counted:
                self._fault(f"{gateway} {book.lane}: given up, not set aside: {sorted(given_up)}")
        to_blame = self._pressed_on(STRANGER.device_id) | self._pressed_on(POISON.device_id)
        if wronged := aside - to_blame:
            self._fault(f"set aside without reason: {sorted(wronged)[:5]} of {len(wronged)}")

    def _pressed_on(self, device_id: str) -> set[str]:
        counters = range(self.counters.get(device_id, 0) + 1)
        return {press_id(device_id, f"enc-1-{counter}", 0, "press") for counter in counters}

    def _aside_of(self, gateway: str, lane: str, buffer_id: str) -> set[int]:
        path = self.gateways[gateway].settings.data_dir / f"{lane}.db"
        with looking(path) as connection:
            query = "SELECT sequence FROM quarantine WHERE buffer_id = ?"
            return {sequence for (sequence,) in connection.execute(query, (buffer_id,))}

    def _aside(self) -> set[str]:
        names: set[str] = set()
        for gateway in self.gateways.values():
            with looking(gateway.settings.data_dir / "need.db") as connection:
                query = "SELECT json_extract(body, '$.signal_id') FROM quarantine"
                names |= {name for (name,) in connection.execute(query)}
        return names


def _advert(address: str, data: bytes, heard: Heard) -> BleAdvert:
    return advert(data, heard, address=address)
