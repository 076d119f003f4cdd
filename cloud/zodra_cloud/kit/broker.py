"""The way down to the gateways, as the rooms see it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

BROKER_DOWN_WAIT: Final = timedelta(seconds=5)
"""Until a message for a gateway is tried again. No limit of attempts: an outage may take hours."""


class BrokerDown(ConnectionError):
    """The broker did not take a message in time; a job that gets this tries again later."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the broker did not take the message: {detail}")


class Broker(Protocol):
    """Sends to gateways. A broker's acknowledgement is not delivery; nothing may rest on it."""

    def send(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker at QoS 1 and wait until it says that it has it.

        Blocks for a bounded time; call it from a worker thread.

        Raises:
            BrokerDown: it is not connected, or did not acknowledge in time.
        """
        ...

    def send_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Hand many messages over, each a topic and a payload, and wait once for all of them.

        Raises:
            BrokerDown: as `send`; some of them may have been taken.
        """
        ...
