"""Bluetooth devices on the air: the button that only speaks, and the strap that one connects to."""

import asyncio
import struct
from collections.abc import Callable
from typing import Final

from bumble import hci
from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from zodra_sim.devices import wearable
from zodra_sim.devices.button import Burst
from zodra_sim.radio.air import Air

STRAP_ADVERT_MS: Final = 200
"""Between two advertisements of a strap that waits to be connected."""
APPEARANCE_HEART_RATE_BELT: Final = 0x0341

_READ_NOTIFY: Final = Characteristic.Properties.READ | Characteristic.Properties.NOTIFY


class ButtonRadio:
    """Sends bursts of advertisements; cannot be connected to or asked."""

    def __init__(self, air: Air, address: str) -> None:
        self._air = air
        self._address = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)

    async def send(self, burst: Burst, sent_one: Callable[[], None]) -> None:
        """Say one press, several times.

        Args:
            burst: what to say.
            sent_one: called after the first time, when the press can have been heard.
        """
        for time in range(burst.times):
            if time:
                await asyncio.sleep(burst.gap_ms / 1000)
            self._air.transmit(self._address, burst.data)
            if time == 0:
                sent_one()


class StrapRadio:
    """A GATT server with heart rate and battery; advertises whenever nobody is connected."""

    def __init__(self, air: Air, address: str, name: str, battery: Callable[[], int]) -> None:
        self._controller = air.controller(name)
        self._name = name
        self._device = Device.with_hci(
            name, hci.Address(address), self._controller, self._controller
        )
        self._rate = Characteristic[bytes](
            UUID.from_16_bits(wearable.HEART_RATE_MEASUREMENT),
            Characteristic.Properties.NOTIFY,
            Characteristic.Permissions(0),
        )
        location = Characteristic[bytes](
            UUID.from_16_bits(wearable.BODY_SENSOR_LOCATION),
            Characteristic.Properties.READ,
            Characteristic.READABLE,
            CharacteristicValue(read=lambda _bearer: wearable.LOCATION_CHEST, write=_refuse),
        )
        self._level = Characteristic[bytes](
            UUID.from_16_bits(wearable.BATTERY_LEVEL),
            _READ_NOTIFY,
            Characteristic.READABLE,
            CharacteristicValue(read=lambda _bearer: bytes([battery()]), write=_refuse),
        )
        for uuid, characteristics in (
            (wearable.HEART_RATE_SERVICE, [self._rate, location]),
            (wearable.BATTERY_SERVICE, [self._level]),
        ):
            self._device.add_service(Service(UUID.from_16_bits(uuid), characteristics))

    @property
    def connected(self) -> bool:
        """Whether a gateway is connected."""
        return bool(self._device.connections)

    async def open(self) -> None:
        """Switch on and wait to be found."""
        await self._device.power_on()
        services = struct.pack("<HH", wearable.HEART_RATE_SERVICE, wearable.BATTERY_SERVICE)
        appearance = struct.pack("<H", APPEARANCE_HEART_RATE_BELT)
        await self._device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(
                AdvertisingData(
                    [
                        (AdvertisingData.FLAGS, b"\x06"),
                        (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, services),
                        (AdvertisingData.COMPLETE_LOCAL_NAME, self._name.encode()),
                    ]
                )
            ),
            scan_response_data=bytes(AdvertisingData([(AdvertisingData.APPEARANCE, appearance)])),
            advertising_interval_min=STRAP_ADVERT_MS,
            advertising_interval_max=STRAP_ADVERT_MS,
        )

    async def notify_rate(self, measurement: bytes) -> None:
        """Send a measurement to whoever subscribed."""
        await self._device.notify_subscribers(self._rate, measurement)

    async def notify_battery(self, percent: int) -> None:
        """Send the battery's level to whoever subscribed."""
        await self._device.notify_subscribers(self._level, bytes([percent]))

    async def close(self) -> None:
        """Switch off, without a word to whoever is connected."""
        self._controller.vanish()
        # What the controller had queued is heard first: bumble calls a late ending an error.
        await asyncio.sleep(0)
        await self._device.power_off()


def _refuse(_bearer: object, _value: bytes) -> None:
    # bumble asks nobody whether a characteristic may be written, and leaves the writer waiting.
    raise ATT_Error(ErrorCode.WRITE_NOT_PERMITTED)
