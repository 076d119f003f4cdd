"""JSON from the home's broker, read strictly: one meaning or none.

Python's reader takes NaN, lets the last of two equal keys win, and guesses UTF-16; a sender that
does any of these is broken or hostile, and two readers would disagree about what it said.
"""

import json
import math
import re
from typing import Final

from zodra_edge.decode.result import DecodeRefusal, Undecodable

PAYLOAD_BYTES_MAX: Final = 64 * 1024
"""Real payloads stay under 4 kB; Zigbee2MQTT's largest, the inventory, is not for us."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?\Z")
"""A number as text; `float` would also take "nan", "1_0" and the digits of other scripts."""


class _DuplicateKey(ValueError):
    """One object names a key twice."""


def read_object(payload: bytes) -> dict[str, object] | Undecodable:
    """Read one JSON object.

    Args:
        payload: UTF-8 text, at most `PAYLOAD_BYTES_MAX` bytes.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        return Undecodable(
            DecodeRefusal.OVERSIZED, f"{len(payload)} bytes, at most {PAYLOAD_BYTES_MAX}"
        )
    try:
        body = json.loads(
            payload.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except _DuplicateKey:
        return Undecodable(DecodeRefusal.MALFORMED, "the same key twice in one object")
    except RecursionError:
        return Undecodable(DecodeRefusal.MALFORMED, "nested too deeply")
    except ValueError:
        return Undecodable(DecodeRefusal.NOT_JSON, "not JSON text in UTF-8")
    if not isinstance(body, dict):
        return Undecodable(DecodeRefusal.MALFORMED, "not a JSON object")
    return body


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise _DuplicateKey
    return body


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def as_number(value: object, lowest: float, highest: float) -> float | None:
    """Read a number within bounds; some Zigbee converters publish numbers as text.

    Returns:
        The number, or None if it is another type, not finite, or out of bounds.
    """
    if isinstance(value, str):
        if _NUMBER.match(value) is None:
            return None
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared before it is converted: a JSON integer may have more digits than a float can hold.
    if not lowest <= value <= highest or not math.isfinite(value):
        return None
    return float(value)
