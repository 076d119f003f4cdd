"""What can be told of an advertiser without reading it: its maker, its services, its address.

Numbers: Bluetooth SIG, Assigned Numbers, company and 16-bit service identifiers.
"""

from typing import Final

from zodra_edge.decode.frame import BleAdvert

_COMPANIES: Final = {
    0x0006: "Microsoft",
    0x000D: "Texas Instruments",
    0x004C: "Apple",
    0x0057: "Harman",
    0x0059: "Nordic Semiconductor",
    0x006B: "Polar",
    0x0075: "Samsung",
    0x0087: "Garmin",
    0x009E: "Bose",
    0x00C4: "LG",
    0x00DC: "Procter & Gamble (Oral-B)",
    0x00E0: "Google",
    0x012D: "Sony",
    0x0157: "Anhui Huami (Amazfit)",
    0x0171: "Amazon",
    0x01DA: "Logitech",
    0x027D: "Huawei",
    0x02E1: "Victron Energy",
    0x02E5: "Espressif",
    0x038F: "Xiaomi",
    0x0499: "Ruuvi",
    0x05A7: "Sonos",
    0x060F: "Signify (Philips Hue)",
    0x067C: "Tile",
    0x07D0: "Tuya",
    0x0BA9: "Shelly",
}
_SERVICES: Final = {
    0x1808: "glucose",
    0x1809: "health thermometer",
    0x180D: "heart rate",
    0x1810: "blood pressure",
    0x1816: "cycling speed",
    0x181A: "environmental sensing",
    0x181B: "body composition",
    0x181C: "user data",
    0x181D: "weight scale",
    0x1822: "pulse oximeter",
    0xFCB2: "unwanted-tracker notice",
    0xFCD2: "BTHome",
    0xFCF1: "Google",
    0xFD5A: "Samsung SmartTag",
    0xFD6F: "exposure notification",
    0xFD84: "Tile",
    0xFE2C: "Google Fast Pair",
    0xFE95: "Xiaomi",
    0xFEAA: "Eddystone",
    0xFEED: "Tile",
    0xFEF3: "Google",
    0xFFF6: "Matter",
}
CONNECTED_TO: Final = frozenset({0x1809, 0x180D, 0x181A, 0x181D})
"""Services that are read over a connection: heart rate, thermometer, environment, weight."""
_BASE: Final = "-0000-1000-8000-00805f9b34fb"
_NAMED_MAX: Final = 4


def short_uuid(uuid: str) -> int | None:
    """Read the 16-bit number of a full UUID; None if it has none."""
    if len(uuid) != 36 or not uuid.startswith("0000") or not uuid.endswith(_BASE):
        return None
    try:
        return int(uuid[4:8], 16)
    except ValueError:
        return None


def seems(advert: BleAdvert) -> str:
    """Name the makers and services that an advertisement carries, as a person knows them."""
    words = [
        _COMPANIES.get(company, f"company {company:#06x}") for company in advert.manufacturer_data
    ]
    for uuid in (*advert.service_data, *advert.service_uuids):
        short = short_uuid(uuid)
        if short is not None:
            words.append(_SERVICES.get(short, f"service {short:#06x}"))
    return ", ".join(list(dict.fromkeys(words))[:_NAMED_MAX])


def connects(advert: BleAdvert) -> str | None:
    """Name the service for which one connects to the advertiser, if there is one."""
    for uuid in advert.service_uuids:
        if (short := short_uuid(uuid)) in CONNECTED_TO:
            return _SERVICES[short]
    return None


def may_change(address: str) -> bool:
    """Whether an address may be one of those that phones give themselves and change.

    The first two bits of a random address say what it is: 01 changes every quarter of an hour or
    so, 00 whenever it likes, 11 stays. A registered address may begin like any of them, and the
    scanner does not say which kind it heard; so this is asked only of those that nobody recognised.
    """
    try:
        return int(address[:2], 16) >> 6 in (0b00, 0b01)
    except ValueError:
        return False
