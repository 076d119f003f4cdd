"""Where the shop's faults on command take effect: around the application, on the wire."""

import asyncio
from collections.abc import Callable
from random import SystemRandom
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zodra_sim.shop.checkout import Shop

AFFECTED: Final = ("/checkout-sessions", "/orders")
HOLD_S: Final = 30.0
CHANCE: Final = SystemRandom().random
HUGE_BYTES: Final = 5 * 1024 * 1024
COUNTED: Final = {
    "fail_500": (500, "text/plain", b"Internal Server Error"),
    "garbage": (200, "text/html", b"<html><body>We will be right back.</body></html>"),
    "huge": (200, "application/json", b'{"padding": "' + b"x" * HUGE_BYTES + b'"}'),
}
"""Faults that answer instead of the shop."""


class FaultGate:
    """Passes requests on to the shop, unless a fault says otherwise."""

    def __init__(self, app: ASGIApp, shop: Shop, chance: Callable[[], float] = CHANCE) -> None:
        self._app = app
        self._shop = shop
        self._chance = chance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(AFFECTED):
            await self._app(scope, receive, send)
            return
        faults = await asyncio.to_thread(self._shop.store.faults)
        await asyncio.sleep(faults.slow_s)
        if faults.error_rate and self._chance() < faults.error_rate:
            await _answer(send, "fail_500")
            return
        for name in COUNTED:
            if getattr(faults, name) and await self._spend(name):
                await _answer(send, name)
                return
        if scope["path"].endswith("/complete"):
            await self._complete(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        if kept[0].get("status") == 200:
            if await self._spend("hang_up_after_accept"):
                await _hang_up(receive, send)
                return
            if await self._spend("timeout_after_accept"):
                await _silence(receive)
                await _hang_up(receive, send)
                return
        for message in kept:
            await send(message)

    async def _spend(self, name: str) -> bool:
        return await asyncio.to_thread(self._shop.spend, name)


async def _answer(send: Send, name: str) -> None:
    status, kind, body = COUNTED[name]
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _silence(receive: Receive) -> None:
    """Wait until the client leaves, at most `HOLD_S`."""
    try:
        async with asyncio.timeout(HOLD_S):
            await _until_gone(receive)
    except TimeoutError:
        return


async def _hang_up(receive: Receive, send: Send) -> None:
    # ASGI has no word for closing a connection without an answer; the server's own `send` is a
    # method of the object that holds the connection.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
