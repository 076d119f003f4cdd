"""What bleak says about an advertisement, out of the structures that were on the air."""

import uuid
from typing import Final

from bleak.backends.scanner import AdvertisementData
from bleak.uuids import normalize_uuid_str
from bumble.core import AdvertisingData
from bumble.device import Advertisement

_UUID_LISTS: Final = {
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    AdvertisingData.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA: Final = {
    AdvertisingData.SERVICE_DATA_16_BIT_UUID: 2,
    AdvertisingData.SERVICE_DATA_32_BIT_UUID: 4,
    AdvertisingData.SERVICE_DATA_128_BIT_UUID: 16,
}
_NAMES: Final = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)
_COMPANY_BYTES: Final = 2


def uuid_text(little_endian: bytes) -> str:
    """Write a UUID of 2, 4 or 16 bytes as bleak does: full and in lower case."""
    if len(little_endian) == 16:
        return str(uuid.UUID(bytes=little_endian[::-1]))
    return normalize_uuid_str(little_endian[::-1].hex())


def advertisement_data(advert: Advertisement) -> AdvertisementData:
    """Translate one advertisement; structures too short for what they claim are left out."""
    name: str | None = None
    tx_power: int | None = None
    makers: dict[int, bytes] = {}
    services: dict[str, bytes] = {}
    uuids: list[str] = []
    for kind, value in advert.data.ad_structures:
        if kind in _NAMES:
            name = value.decode(errors="replace")
        elif kind == AdvertisingData.TX_POWER_LEVEL and len(value) == 1:
            tx_power = int.from_bytes(value, "little", signed=True)
        elif kind == AdvertisingData.MANUFACTURER_SPECIFIC_DATA and len(value) >= _COMPANY_BYTES:
            makers[int.from_bytes(value[:_COMPANY_BYTES], "little")] = value[_COMPANY_BYTES:]
        elif (size := _SERVICE_DATA.get(kind, 0)) and len(value) >= size:
            services[uuid_text(value[:size])] = value[size:]
        elif size := _UUID_LISTS.get(kind, 0):
            ends = range(size, len(value) + 1, size)
            uuids += [uuid_text(value[end - size : end]) for end in ends]
    return AdvertisementData(name, makers, services, uuids, tx_power, advert.rssi, (advert,))
