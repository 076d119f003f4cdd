"""Frames for tests of the pure rooms. The encoders are the tests' own: shared bugs would cancel."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from zodra_contract.signal import TimeQuality
from zodra_edge.decode.frame import BleAdvert, GattValue, MqttMessage
from zodra_edge.decode.profile import DeviceProfile, Family, Limits
from zodra_edge.heard import Heard

VECTORS: Final = Path(__file__).parent / "fixtures" / "vectors"
AT: Final = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
ADDRESS: Final = "A4:C1:38:00:00:01"
KEY: Final = bytes(range(16))
BTHOME: Final = "0000fcd2-0000-1000-8000-00805f9b34fb"
HEART_RATE: Final = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY: Final = "00002a19-0000-1000-8000-00805f9b34fb"

BUTTON: Final = DeviceProfile(
    "btn-kitchen", Family.BUTTON, "button-1", address=ADDRESS, bind_key=KEY
)
PLAIN_BUTTON: Final = replace(BUTTON, bind_key=None)
ZIGBEE_BUTTON: Final = DeviceProfile(
    "btn-hall", Family.BUTTON, "button-1", topic="zigbee2mqtt/btn-hall"
)
WEARABLE: Final = DeviceProfile(
    "strap-chest", Family.WEARABLE, "strap", address=ADDRESS, limits=Limits(worn_out_h=0.01)
)
THERMOSTAT: Final = DeviceProfile(
    "trv-living",
    Family.THERMOSTAT,
    "filter",
    topic="zigbee2mqtt/trv-living",
    limits=Limits(service_due_h=1.0),
)
BABY: Final = DeviceProfile(
    "baby-nursery",
    Family.BABY_MONITOR,
    "diapers",
    topic="zodra/home/baby/baby-nursery",
    limits=Limits(pack_units=44, reorder_units=8),
)


def vectors(name: str) -> list[dict[str, Any]]:
    """Read one file of published vectors."""
    cases: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text())
    return cases


def heard(after_s: float = 0.0, boot: str = "boot-1", wall_shift_s: float = 0.0) -> Heard:
    """The moment so many seconds after the test began."""
    return Heard(
        at=AT + timedelta(seconds=after_s + wall_shift_s),
        monotonic_ms=round(1_000_000 + after_s * 1000),
        boot_id=boot,
        quality=TimeQuality.SYNCED,
        error_ms=50,
    )


def bthome(payload: bytes, info: int = 0x44) -> bytes:
    """Write plain service data."""
    return bytes([info]) + payload


def bthome_encrypted(
    payload: bytes, counter: int, key: bytes = KEY, address: str = ADDRESS, info: int = 0x45
) -> bytes:
    """Write encrypted service data, as bthome.io/encryption says."""
    count = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(address.replace(":", "")) + bytes([0xD2, 0xFC, info]) + count
    sealed = AESCCM(key, tag_length=4).encrypt(nonce, payload, None)
    return bytes([info]) + sealed[:-4] + count + sealed[-4:]


def advert(
    data: bytes | None, at: Heard | None = None, address: str = ADDRESS, source: str = "hci0"
) -> BleAdvert:
    """An advertisement with this BTHome service data."""
    return BleAdvert(
        source=source,
        address=address,
        name="SBBT-002C",
        rssi_dbm=-61,
        service_data={} if data is None else {BTHOME: data},
        manufacturer_data={},
        service_uuids=(),
        heard=at or heard(),
    )


def press(counter: int, event: int = 1, at: Heard | None = None, source: str = "hci0") -> BleAdvert:
    """One press of the encrypted button, with packet id and battery, as Shelly sends."""
    payload = bytes([0x00, counter % 256, 0x01, 100, 0x3A, event])
    return advert(bthome_encrypted(payload, counter), at, source=source)


def gatt(value: bytes, at: Heard | None = None, characteristic: str = HEART_RATE) -> GattValue:
    """A value notified by the wearable."""
    return GattValue("hci0", ADDRESS, characteristic, value, at or heard())


def mqtt(
    topic: str,
    payload: bytes | str | dict[str, object],
    at: Heard | None = None,
    *,
    retained: bool = False,
    waited_ms_max: int = 0,
    unheard_ms_max: int = 0,
    context: dict[str, str] | None = None,
) -> MqttMessage:
    """A message on the home's broker."""
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    raw = payload.encode() if isinstance(payload, str) else payload
    return MqttMessage(
        "home", topic, raw, retained, at or heard(), waited_ms_max, unheard_ms_max, context or {}
    )
