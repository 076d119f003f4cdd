"""What dbus-fast 5.2 does to a connection of D-Bus when another one that is over is asked again."""

from typing import Any

from dbus_fast.aio import MessageBus


def end_connections_once() -> None:
    """Keep a connection that is over from taking the next one's ears.

    To ask something over a connection that is over ends it a second time, and dbus-fast then stops
    to listen at the number that its socket had. The system has given that number to the next
    connection, which hears nothing from then on, and does not notice when it ends; whoever asked
    waits for ever. bleak asks over such a connection when it stops to scan after the bus was lost.
    """
    end = MessageBus._finalize
    if getattr(end, "once", False):
        return

    def once(self: MessageBus, err: Exception | None = None) -> None:
        if not self._disconnected:
            end(self, err)
            return
        waiting: list[Any] = [*self._method_return_handlers.values()]
        self._method_return_handlers.clear()
        for tell in waiting:
            tell(None, err)

    once.once = True  # type: ignore[attr-defined]
    MessageBus._finalize = once  # type: ignore[method-assign]  # bleak makes its connections itself
