"""Faults of the wire. A refusal that a peer must expect is a value in `outcome`, not one of these.

ContractError
├── MalformedMessage   the bytes are not a message of this contract
├── NewerVersion       they are, but of a major version this build does not read
└── MalformedTopic     the topic is not one of ours
"""

from typing import Final

DETAIL_CHARS_MAX: Final = 200
"""A fault quotes at most this much of what it refused: a hostile payload must not fill a log."""


class ContractError(Exception):
    """Root of every fault that reading the wire can raise."""


class MalformedMessage(ContractError):
    """The bytes are no message of this contract; `detail` names the field and what was wrong."""

    def __init__(self, detail: str) -> None:
        self.detail = detail[:DETAIL_CHARS_MAX]
        super().__init__(f"not a message of this contract: {self.detail}")


class NewerVersion(ContractError):
    """The message says a major version above the one this build reads."""

    def __init__(self, version: int, supported: int) -> None:
        self.version = version
        self.supported = supported
        super().__init__(
            f"message version {version} is newer than {supported}, the newest this build reads; "
            "update the receiving side, the sender keeps the message until then"
        )


class MalformedTopic(ContractError):
    """The topic does not have one of the shapes in `topics`."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"not a Zodra topic: {topic[:DETAIL_CHARS_MAX]!r}")
