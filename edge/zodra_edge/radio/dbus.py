"""What dbus-fast 5.2 does to a connection of D-Bus when another one that is over is asked again."""

from asyncio import Future
from typing import Any

from dbus_fast import Message
from dbus_fast.aio import message_bus


def refuse_what_is_over() -> None:
    """Keep a connection that is over from taking the next one's ears.

    Whatever is written to a connection that is over ends it a second time, and dbus-fast then stops
    to listen at the number that its socket had. The system has given that number to the next
    connection, which hears nothing from then on, and does not notice when it ends; whoever asked
    waits for ever. bleak asks over such a connection when it stops to scan after the bus was lost.
    """
    write = message_bus._MessageWriter.schedule_write
    if getattr(write, "refuses", False):
        return

    def refusing(
        self: message_bus._MessageWriter,
        msg: Message | None = None,
        future: "Future[Any] | None" = None,
    ) -> None:
        if not self.bus._disconnected:
            write(self, msg, future)
            return
        fault = ConnectionError("this connection to D-Bus is over")
        asked = self.bus._method_return_handlers.pop(msg.serial, None) if msg is not None else None
        if asked is not None:
            asked(None, fault)
        elif future is not None:
            future.set_exception(fault)

    refusing.refuses = True  # type: ignore[attr-defined]
    # bleak makes its connections itself, so there is no other place for this.
    message_bus._MessageWriter.schedule_write = refusing  # type: ignore[method-assign]
