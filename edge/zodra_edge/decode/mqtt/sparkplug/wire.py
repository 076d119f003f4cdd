"""The few fields of Sparkplug B's protobuf that are used, read and written by hand.

Field numbers: Eclipse Sparkplug 3.0, "Payloads". Why no protobuf library: docs/decisions/0015.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

METRICS_MAX: Final = 1_000
NAME_BYTES_MAX: Final = 256
TEXT_BYTES_MAX: Final = 256

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGN_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}
"""Int8 to Int64, by Sparkplug's number of the type; they travel in an unsigned field."""
_BOOLEAN: Final = 11


class Garbled(ValueError):
    """The bytes are no payload; the message says why. It never leaves this room."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One value."""

    name: str = ""
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int = 0
    is_historical: bool = False
    value: float | bool | str | None = None
    """None if it is null, or of a type that no reading comes from."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One message."""

    timestamp_ms: int | None = None
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None


def read(data: bytes) -> Payload:
    """Read one message.

    Raises:
        Garbled: they are cut off, or contradict themselves.
    """
    timestamp: int | None = None
    seq: int | None = None
    metrics: list[Metric] = []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            timestamp = value
        elif number == 2 and isinstance(value, bytes):
            if len(metrics) >= METRICS_MAX:
                raise Garbled(f"more than {METRICS_MAX} metrics")
            metrics.append(_metric(value))
        elif number == 3 and isinstance(value, int):
            seq = value
    return Payload(timestamp, tuple(metrics), seq)


def _metric(data: bytes) -> Metric:
    fields: dict[int, int | bytes] = dict(_fields(data))
    datatype = _int(fields, 4) or 0
    return Metric(
        name=_text(fields.get(1), NAME_BYTES_MAX) or "",
        alias=_int(fields, 2),
        timestamp_ms=_int(fields, 3),
        datatype=datatype,
        is_historical=bool(_int(fields, 5)),
        value=None if _int(fields, 7) else _value(fields, datatype),
    )


def _value(fields: dict[int, int | bytes], datatype: int) -> float | bool | str | None:
    whole = _int(fields, 10) if 10 in fields else _int(fields, 11)
    if whole is not None:
        bits = _SIGN_BITS.get(datatype)
        if bits is not None:
            whole &= (1 << bits) - 1
            whole -= (whole >> (bits - 1)) << bits
        return float(whole)
    for number, form in ((12, "<f"), (13, "<d")):
        raw = fields.get(number)
        if isinstance(raw, bytes) and len(raw) == struct.calcsize(form):
            return float(struct.unpack(form, raw)[0])
    if 14 in fields:
        return bool(_int(fields, 14))
    return _text(fields.get(15), TEXT_BYTES_MAX)


def _int(fields: dict[int, int | bytes], number: int) -> int | None:
    value = fields.get(number)
    return value if isinstance(value, int) else None


def _text(raw: int | bytes | None, bytes_max: int) -> str | None:
    if not isinstance(raw, bytes):
        return None
    if len(raw) > bytes_max:
        raise Garbled(f"a text of more than {bytes_max} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as fault:
        raise Garbled("a text that is not UTF-8") from fault


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Go through the fields of a protobuf message: numbers as they are, the rest as bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Garbled("a field without a number")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise Garbled(f"a field of unknown kind {kind}")
        if at + length > len(data):
            raise Garbled("cut off")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Garbled("cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise Garbled("a number of more than ten bytes")


def rebirth(now_ms: int) -> bytes:
    """Write the command that asks an edge node for its births.

    Args:
        now_ms: milliseconds since 1970.
    """
    name = b"Node Control/Rebirth"
    stamp = _write_varint(now_ms)
    metric = (
        b"\x0a" + bytes([len(name)]) + name + b"\x18" + stamp + bytes([0x20, _BOOLEAN, 0x70, 1])
    )
    return b"\x08" + stamp + b"\x12" + _write_varint(len(metric)) + metric


def _write_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
