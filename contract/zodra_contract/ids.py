"""Names of things, and the identities that are derived rather than drawn.

An id is one to 64 characters of `[A-Za-z0-9_-]`: it must survive as one MQTT topic level and as
one NATS subject token, where a dot would split it.
"""

import base64
import hashlib
from typing import Annotated, Final

from pydantic import Field, StringConstraints

ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""Any id on the wire. The aliases below say whose it is; they are one type to the validator."""

HouseholdId = Id
GatewayId = Id
DeviceId = Id
"""Given when the device is added to a household; the same on every gateway that hears it."""
SlotKey = Id
"""A replenishable place of one device, such as `button-1` or `diapers`."""
BufferId = Id
"""A random name made together with an outbox file, so that a rebuilt file is never taken for the
one it replaced."""
SignalId = Id
CommandId = Id
BootId = Id

SEQUENCE_MAX: Final = 2**63 - 1
"""The largest rowid of SQLite, and the largest BIGINT of PostgreSQL."""

Sequence = Annotated[int, Field(ge=1, le=SEQUENCE_MAX)]
"""Counts the rows of one buffer from 1, without reuse."""

_DIGEST_BYTES: Final = 15
"""15 bytes are 24 base32 characters without padding: 120 bits, so a collision among a million
needs has a probability of about 10^-24."""


def derived_id(prefix: str, *parts: str | int) -> str:
    """Derive the same id from the same parts, on any machine.

    Args:
        prefix: one or two letters that tell a reader what the id names.
        parts: what the identity consists of. Each is length-prefixed before hashing, so that
            ("ab", "c") and ("a", "bc") differ.

    Returns:
        `prefix_` and 24 lower-case base32 characters.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        raw = str(part).encode()
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return f"{prefix}_{base64.b32encode(digest.digest()).decode().lower()}"


def press_id(device_id: DeviceId, counter: str, button: int, event: str) -> SignalId:
    """Name one press, from the device and the device's own counter alone.

    Two gateways that hear the press, and one gateway before and after a restart, derive the same
    name; that is what makes "at most one order" a matter of a unique key.

    Args:
        device_id: the device that was pressed.
        counter: the device's own count, with its kind and epoch, for example `enc-1-4711`.
        button: index of the button on the device, from 0.
        event: what the device said happened, for example `press` or `long_press`.
    """
    return derived_id("p", device_id, counter, button, event)
