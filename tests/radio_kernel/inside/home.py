"""A home in the guest: the gateway, a button, a strap, and a neighbour who is always heard."""

import asyncio
from pathlib import Path
from typing import Final

from edge_frames import ADDRESS, bthome_encrypted
from radio_kernel.inside.agent import STRAP, Agent
from radio_kernel.inside.airing import StillAir
from radio_kernel.inside.waiting import until
from zodra_sim.devices.button import Burst
from zodra_sim.radio.peripherals import ButtonRadio, StrapRadio

NEIGHBOUR: Final = "C4:11:00:00:00:77"
FLAGS: Final = b"\x02\x01\x06"


class Home:
    """All of it, on the adapters of an air that is there."""

    def __init__(self, still: StillAir, folder: Path) -> None:
        self.still = still
        self.counter = 1_000
        self._button = ButtonRadio(still.air, ADDRESS)
        self._strap: StrapRadio | None = None
        self._chatter = still.spawn(self._chat())
        self.agent = Agent(folder)

    def press(self) -> None:
        """Press the button once more; it says so four times."""
        self.counter += 1
        objects = bytes([0x00, self.counter % 256, 0x3A, 0x01])
        data = b"\xd2\xfc" + bthome_encrypted(objects, self.counter)
        advert = FLAGS + bytes([len(data) + 1, 0x16]) + data
        burst = Burst(data=advert, times=4, gap_ms=100)
        self.still.do(self._button.send(burst, lambda: None))

    def heals(self, *names: str) -> float:
        """See adapters hear, and a press arrive and be kept, once; say how long it took."""
        took_s = until(lambda: self.agent.hears(*names))
        before = self.agent.kept()
        self.press()
        took_s += until(lambda: self.agent.kept() > before)
        assert self.agent.kept() == before + 1
        return round(took_s, 1)

    def beats(self) -> float:
        """See the strap connected, and what it notifies arrive; it is there from the first time."""
        strap = self._strap = self._strap or self.still.do(self._open())
        took_s = until(self.agent.is_connected)
        before = self.agent.stayed_home()

        def arrived() -> bool:
            self.still.do(strap.notify_rate(b"\x06\x48"))
            return self.agent.stayed_home() > before

        return round(took_s + until(arrived), 1)

    def close(self) -> None:
        self.agent.stop()
        self._chatter.cancel()
        if self._strap is not None:
            self.still.do(self._strap.close())

    async def _open(self) -> StrapRadio:
        strap = StrapRadio(self.still.air, STRAP, "strap", lambda: 87)
        await strap.open()
        return strap

    async def _chat(self) -> None:
        neighbour, number = ButtonRadio(self.still.air, NEIGHBOUR), 0
        while True:
            number += 1
            data = FLAGS + b"\x07\xff\xff\xff" + number.to_bytes(4, "little")
            await neighbour.send(Burst(data=data, times=1, gap_ms=0), lambda: None)
            await asyncio.sleep(0.25)
