"""A connection of D-Bus that is over does no harm to the next."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from radio.bluez_home import Bus, need_dbus
from zodra_edge.radio.bluez import BlueZ

DBUS = "org.freedesktop.DBus"


@pytest.fixture
def bus() -> Iterator[Bus]:
    need_dbus()
    with tempfile.TemporaryDirectory(prefix="zd-") as folder:
        made = Bus(Path(folder))
        yield made
        made.kill()


def names() -> Message:
    return Message(DBUS, "/org/freedesktop/DBus", DBUS, "ListNames")


def test_one_that_is_asked_after_its_end_leaves_the_next_its_ears(bus: Bus) -> None:
    BlueZ()

    async def go() -> None:
        first = await MessageBus(bus_address=bus.address).connect()
        first.disconnect()
        await first.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast
        second = await MessageBus(bus_address=bus.address).connect()
        assert second._fd == first._fd, "the number is given to the next"
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                await first.call(names())
            for _ in range(2):
                assert (await second.call(names())).body
        assert second._fd is not None
        left = asyncio.get_running_loop().remove_writer(second._fd)
        assert not left, "what the first has to say would be tried for ever there"
        second.disconnect()
        await second.wait_for_disconnect()  # type: ignore[no-untyped-call]

    asyncio.run(go())
