"""Where the walk goes on from one that was killed: what that one left must end first."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from zodra_sim.clock import SystemClock
from zodra_sim.demo.parts import STRAP
from zodra_sim.demo.person.browser import Browser, Page, read_page
from zodra_sim.demo.person.house import House, Light
from zodra_sim.demo.person.shop import Shop
from zodra_sim.demo.person.walk import Walk


class LeftOpen(Browser):
    """A household's page with the needs of a walk that was killed; no server is asked."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", "en")
        self.states: dict[str, str] = {}

    async def open(self, address: str) -> Page:
        lines = "".join(
            f'<li id="line-{signal_id}" data-device="{STRAP}" data-state="{state}"></li>'
            for signal_id, state in self.states.items()
        )
        forms = "".join(
            f'<form method="post" action="/consents/{purpose}"><button>on</button></form>'
            for purpose in ("replenish", "offers")
        )
        return read_page("http://127.0.0.1:9/", lines + forms)

    async def changes(self, address: str) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield


class UsedHouse(House):
    """Says when the walk gets to the devices."""

    def __init__(self, token_file: Path) -> None:
        super().__init__("http://127.0.0.1:9", token_file)
        self.reached = asyncio.Event()

    async def lights(self) -> tuple[Light, ...]:
        self.reached.set()
        return ()


class PatientShop(Shop):
    """Delivers everything once the parcels are let go; holds nothing."""

    def __init__(self, page: LeftOpen, api_key_file: Path) -> None:
        super().__init__("http://127.0.0.1:9", api_key_file)
        self._page = page

    async def let_go(self) -> None:
        self._page.states = dict.fromkeys(self._page.states, "delivered")

    async def hold(self) -> None:
        await asyncio.Event().wait()


async def test_a_need_that_comes_to_light_while_orders_are_counted_ends_before_the_walk_begins(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    page, house = LeftOpen(), UsedHouse(secret)
    shop = PatientShop(page, secret)
    counted: list[dict[str, str]] = []

    async def link() -> str:
        return "/sign-in"

    walk = Walk(page, house, shop, SystemClock(), lambda *_, **__: None, link)

    async def count() -> None:
        counted.append(dict(page.states))
        if len(counted) == 1:
            page.states["left_on"] = "asked"
            while not walk.seen.of(STRAP):
                await asyncio.sleep(0)

    going = asyncio.create_task(walk.go(count))
    await house.reached.wait()
    going.cancel()
    await asyncio.wait([going])
    await asyncio.gather(page.close(), house.close(), shop.close())
    assert counted == [{}, {"left_on": "delivered"}]
    assert [walk.is_fresh(need) for need in walk.seen.of(STRAP)] == [False]
