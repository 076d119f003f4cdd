"""Devices that could be paired: who they seem to be, and whether they can be read. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from zodra_contract.signal import TimeQuality
from zodra_edge.decode import decode
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.mqtt import nearby as mqtt
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable
from zodra_edge.heard import UNKNOWN_ERROR_MS, Heard
from zodra_edge.nearby import structures
from zodra_edge.words import Said, say

KEY_BYTES: Final = (16, 12)
AWAKE_S: Final = 10.0
"""A button that was silent for so long and speaks now was pressed; a beacon always speaks."""
SLOTS: Final[Mapping[Family, str]] = {
    Family.BUTTON: "button-1",
    Family.WEARABLE: "strap",
    Family.THERMOSTAT: "filter",
    Family.BABY_MONITOR: "diapers",
    Family.SENSOR: "supply",
}
_PREFIXES: Final[Mapping[Family, str]] = {
    Family.BUTTON: "btn",
    Family.WEARABLE: "strap",
    Family.THERMOSTAT: "trv",
    Family.BABY_MONITOR: "baby",
    Family.SENSOR: "sensor",
}
_NAME_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """One device that is heard and that the settings do not name."""

    where: str
    """Its Bluetooth address, or its topic on the home's broker."""
    via: Literal["bluetooth", "home_mqtt"]
    can_be_read: bool
    model: str = ""
    name: str = ""
    parser: str = ""
    """Who reads its advertisements; `connection` if it is read over one."""
    dialect: str = ""
    needs_key: bool = False
    families: tuple[Family, ...] = ()
    rssi_dbm: int | None = None
    count: int = 0
    last_heard_age_s: float | None = None
    last_heard_at: datetime | None = None
    seems: str = ""
    raw: str = ""
    """Its frame in hexadecimal."""

    def verdict(self) -> Said:
        """Say whether it can be understood."""
        if self.needs_key:
            return say("can_be_read_with_key")
        if self.parser == "connection":
            return say("can_be_read_connected")
        if self.can_be_read:
            return say("can_be_read")
        return say("not_understood", raw=self.raw) if self.raw else say("says_nothing")


def from_announcement(found: mqtt.Nearby) -> Candidate:
    """Take a device that says on the home's broker that it is there."""
    return Candidate(
        where=found.topic,
        via="home_mqtt",
        can_be_read=True,
        model=_plain(found.model),
        dialect=found.dialect.value,
        families=found.families,
    )


def in_order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Put those that can be read first, and of each kind the strongest."""
    return tuple(
        sorted(
            candidates,
            key=lambda one: (not one.can_be_read, -(one.rssi_dbm or -200), one.where),
        )
    )


def woken(before: Iterable[Candidate], after: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Name those that began to speak in between, as a button does that is pressed."""
    earlier = {one.where: one for one in before}

    def is_woken(one: Candidate) -> bool:
        known = earlier.get(one.where)
        if known is None:
            return True
        return one.count > known.count and (known.last_heard_age_s or 0.0) >= AWAKE_S

    return tuple(one for one in after if one.via == "bluetooth" and is_woken(one))


def read_key(text: str) -> bytes | Said:
    """Read a bind key as apps and labels print it, or say what is wrong with it."""
    digits = re.sub(r"[\s:-]", "", text)
    if not re.fullmatch("[0-9A-Fa-f]*", digits):
        return say("key_shape_letters")
    if len(digits) not in [2 * count for count in KEY_BYTES]:
        return say("key_shape", digits=len(digits))
    return bytes.fromhex(digits)


def read_frame(one: Candidate, family: Family, key: bytes | None) -> Decoded | Undecodable:
    """Read the last frame of a Bluetooth device as if it were in the settings."""
    parts = structures.read(bytes.fromhex(one.raw))
    assert one.last_heard_at is not None  # noqa: S101 - every Bluetooth candidate was heard
    heard = Heard(one.last_heard_at, 0, "pairing", TimeQuality.UNSYNCED, UNKNOWN_ERROR_MS)
    frame = BleAdvert(
        source="pairing",
        address=one.where,
        name=parts.name,
        rssi_dbm=one.rssi_dbm or 0,
        service_data=parts.service_data,
        manufacturer_data=parts.manufacturer_data,
        service_uuids=parts.service_uuids,
        heard=heard,
    )
    return decode(frame, DeviceProfile("pairing", family, "pairing", one.where, key))


def refuse_key(one: Candidate, key: bytes | None) -> Said | None:
    """Say why a device cannot be paired with this key, or without one; None if it can."""
    if one.via != "bluetooth" or one.parser in ("", "connection"):
        return None if key is None else say("key_needless", where=one.where)
    if key is None:
        return say("key_missing", where=one.where) if one.needs_key else None
    said = read_frame(one, Family.SENSOR, key)
    match said.reason if isinstance(said, Undecodable) else None:
        case None:
            return None
        case DecodeRefusal.WRONG_BIND_KEY:
            return say("key_wrong", where=one.where)
        case DecodeRefusal.PLAIN_TEXT_REFUSED:
            return say("key_needless", where=one.where)
        case reason:
            return say("key_not_tried", where=one.where, reason=reason.replace("_", " "))


def guess_family(one: Candidate, key: bytes | None) -> Family | None:
    """Say what a device is, as far as its last frame or its announcement shows."""
    if one.families:
        return one.families[0]
    if one.parser == "connection":
        return Family.WEARABLE if "heart" in one.model else Family.SENSOR
    if one.via != "bluetooth" or not one.parser or not one.raw:
        return None
    said = read_frame(one, Family.BUTTON, key)
    if isinstance(said, Decoded) and (said.presses or said.marks):
        return Family.BUTTON
    return Family.SENSOR if isinstance(said, Decoded) and said.readings else None


def name_for(one: Candidate, family: Family) -> str:
    """Propose a device id."""
    last = one.where.replace(":", "")[-4:] if one.via == "bluetooth" else one.where.split("/")[-1]
    return f"{_PREFIXES[family]}-{re.sub(r'[^A-Za-z0-9_-]', '-', last).lower()}"[:64]


def _plain(text: str) -> str:
    """A stranger chose these letters: none of them may move a cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_NAME_MAX]


def plain(text: str | None) -> str:
    """Make a stranger's own words safe to show."""
    return _plain(text or "")
