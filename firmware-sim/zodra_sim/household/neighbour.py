"""The neighbour's beacon: in no home is the air empty, and a silent one makes a radio look deaf."""

import asyncio

from bumble import hci

from zodra_sim.devices import beacon
from zodra_sim.radio.air import Air


class Neighbour:
    """Advertises at a steady pace, to nobody in particular."""

    def __init__(self, air: Air, period_s: float) -> None:
        """Take the air; a period of 0 is a neighbour without a beacon."""
        self._air = air
        self._period_s = period_s

    async def run(self) -> None:
        """Advertise, until cancelled."""
        address = hci.Address(beacon.ADDRESS, hci.Address.RANDOM_DEVICE_ADDRESS)
        data = beacon.advertisement()
        while self._period_s:
            self._air.transmit(address, data)
            await asyncio.sleep(self._period_s)
