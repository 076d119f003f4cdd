"""An advertisement as one string of bytes, in the AD structures that go over the air.

A scanner hands over the parts. Put together again they are one line that a person can copy, send
to whoever wrote the parser, and read back. Format: Core Specification Supplement, Part A, 1.
"""

from dataclasses import dataclass, field
from typing import Final

from zodra_edge.decode.frame import BleAdvert, Frame, GattValue, MqttMessage
from zodra_edge.nearby.naming import short_uuid

_UUIDS_16: Final = 0x03
_UUIDS_128: Final = 0x07
_NAME: Final = 0x09
_DATA_16: Final = 0x16
_DATA_128: Final = 0x21
_MAKER: Final = 0xFF
_STRUCTURE_BYTES_MAX: Final = 254
FRAME_BYTES_MAX: Final = 1_650
"""What extended advertising can carry; what does not fit is left out."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What `write` put together."""

    name: str | None = None
    service_data: dict[str, bytes] = field(default_factory=dict)
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    service_uuids: tuple[str, ...] = ()


def write(advert: BleAdvert) -> bytes:
    """Put an advertisement together."""
    structures: list[bytes] = []
    for uuid in advert.service_uuids:
        if (raw := _uuid(uuid)) is not None:
            structures.append(bytes([_UUIDS_16 if len(raw) == 2 else _UUIDS_128]) + raw)
    for uuid, data in advert.service_data.items():
        if (raw := _uuid(uuid)) is not None:
            structures.append(bytes([_DATA_16 if len(raw) == 2 else _DATA_128]) + raw + data)
    for company, data in advert.manufacturer_data.items():
        structures.append(bytes([_MAKER]) + (company & 0xFFFF).to_bytes(2, "little") + data)
    if advert.name is not None:
        structures.append(bytes([_NAME]) + advert.name.encode(errors="replace"))
    frame = b""
    for structure in structures:
        if len(structure) <= _STRUCTURE_BYTES_MAX:
            longer = frame + bytes([len(structure)]) + structure
            frame = longer if len(longer) <= FRAME_BYTES_MAX else frame
    return frame


def seen(frame: Frame) -> tuple[str, bytes]:
    """Say where a frame of any transport came from, and its raw bytes."""
    if isinstance(frame, MqttMessage):
        return frame.topic, frame.payload
    if isinstance(frame, GattValue):
        return f"{frame.address} {frame.characteristic}", frame.value
    return frame.address, write(frame)


def read(frame: bytes) -> Parts:
    """Take apart what `write` put together; what cannot be read is left out."""
    name: str | None = None
    service_data: dict[str, bytes] = {}
    manufacturer_data: dict[int, bytes] = {}
    uuids: list[str] = []
    at = 0
    while at + 1 < len(frame) and frame[at]:
        kind, data = frame[at + 1], frame[at + 2 : at + 1 + frame[at]]
        at += 1 + frame[at]
        if kind == _NAME:
            name = data.decode(errors="replace")
        elif kind == _MAKER and len(data) >= 2:
            manufacturer_data[int.from_bytes(data[:2], "little")] = data[2:]
        elif kind in (_DATA_16, _DATA_128):
            width = 2 if kind == _DATA_16 else 16
            if len(data) >= width:
                service_data[_full(data[:width])] = data[width:]
        elif kind in (_UUIDS_16, _UUIDS_128) and len(data) in (2, 16):
            uuids.append(_full(data))
    return Parts(name, service_data, manufacturer_data, tuple(uuids))


def _uuid(uuid: str) -> bytes | None:
    short = short_uuid(uuid)
    if short is not None:
        return short.to_bytes(2, "little")
    try:
        raw = bytes.fromhex(uuid.replace("-", ""))
    except ValueError:
        return None
    return raw[::-1] if len(raw) == 16 else None


def _full(raw: bytes) -> str:
    if len(raw) == 2:
        return f"0000{int.from_bytes(raw, 'little'):04x}-0000-1000-8000-00805f9b34fb"
    text = raw[::-1].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
