"""What the cloud asks of a gateway, and the gateway's closed-list answer."""

from enum import StrEnum

from pydantic import AwareDatetime

from zodra_contract.ids import CommandId, DeviceId
from zodra_contract.message import Message


class CommandKind(StrEnum):
    """Everything that can be asked. There is no command that runs text."""

    IDENTIFY = "identify"
    """Make one device's light (or its place on the status page) blink, so that it can be found."""


class CommandOutcome(StrEnum):
    """The gateway's answer, in order of precedence. All are final."""

    UNSUPPORTED = "unsupported"
    EXPIRED = "expired"
    UNKNOWN_DEVICE = "unknown_device"
    DONE = "done"


class Command(Message):
    """One request to a gateway. Repeating it is harmless."""

    version: int = 1
    command_id: CommandId
    kind: str
    """A `CommandKind`; a gateway answers a kind that it does not know with `unsupported`."""
    device_id: DeviceId
    expires_at: AwareDatetime
