"""What a passive scanner has to let through, for each parser.

In passive mode BlueZ hands over only what begins with one of these: an AD type, and the first bytes
behind it. A device whose data comes in a scan response is not heard passively at all.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from zodra_edge.decode.profile import DeviceProfile, Family

_SOME_UUIDS_16: Final = 0x02
_ALL_UUIDS_16: Final = 0x03
_NAME: Final = 0x09
_SERVICE_DATA_16: Final = 0x16
_MAKER: Final = 0xFF


class Pattern(NamedTuple):
    """How an advertisement begins at one of its structures."""

    ad_type: int
    start: bytes


def _service(uuid: int) -> tuple[Pattern, ...]:
    raw = uuid.to_bytes(2, "little")
    return Pattern(_SOME_UUIDS_16, raw), Pattern(_ALL_UUIDS_16, raw)


CONNECTIONS: Final = (
    *_service(0x180D),
    *_service(0x1809),
    *_service(0x181A),
    *_service(0x181D),
)
"""For devices that one connects to."""
PATTERNS: Final[Mapping[str, tuple[Pattern, ...]]] = {
    "bthome": (Pattern(_SERVICE_DATA_16, b"\xd2\xfc"),),
    "xiaomi": (
        Pattern(_SERVICE_DATA_16, b"\x95\xfe"),
        Pattern(_SERVICE_DATA_16, b"\x50\xfd"),
        Pattern(_SERVICE_DATA_16, b"\x1d\x18"),
        Pattern(_SERVICE_DATA_16, b"\x1b\x18"),
    ),
    "ruuvi": (Pattern(_MAKER, b"\x99\x04"),),
    "thermopro": tuple(Pattern(_NAME, name) for name in (b"TP35", b"TP39", b"TP96", b"TP97")),
    # Buttons and sensors. The thermometers tell what they measure in a scan response.
    "govee": (
        Pattern(_MAKER, b"\x88\xef"),
        Pattern(_MAKER, b"\x88\xec"),
        Pattern(_MAKER, b"\x03\x88"),
        Pattern(_MAKER, b"\x43\x88"),
        *_service(0xEC88),
    ),
}
"""By parser. One brought by a package has none, and needs active scanning."""


def needs_active(profile: DeviceProfile) -> bool:
    """Whether a device is only surely heard by active scanning.

    A button without key may send the very same frame for each press, and a passive scanner tells
    the kernel's repeats apart by their bytes; measured, it hands over one of twenty.
    """
    if profile.address is None or profile.family is Family.WEARABLE:
        return False
    if profile.parser is not None and (profile.parser == "govee" or profile.parser not in PATTERNS):
        return True
    return profile.family is Family.BUTTON and profile.bind_key is None
