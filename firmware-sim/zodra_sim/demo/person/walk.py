"""One person, once through everything: use each device, confirm the quotes, press again, wait.

What counts is what the page shows. A log can lose its last line with its process; the page is the
cloud's committed state.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from zodra_sim.clock import Clock
from zodra_sim.demo.parts import (
    BABY,
    BUTTON,
    HEATING_S,
    PACK_UNITS,
    REORDER_UNITS,
    STRAP,
    THERMOSTAT,
    WORN_S,
)
from zodra_sim.demo.person.browser import Browser, Form, Page, PageError
from zodra_sim.demo.person.consents import grant
from zodra_sim.demo.person.house import HomeAway, House
from zodra_sim.demo.person.shop import Shop, ShopAway

LOOK_AGAIN_S: Final = 0.5
"""The page is looked at when its live stream says so, and at least this often."""
PATIENCE_S: Final = 6.0
"""How long a person waits for a sign of life before doing it once more."""
RETRY_S: Final = 0.3
REMIND_S: Final = 5.0

DEVICES: Final = (BUTTON, STRAP, THERMOSTAT, BABY)
ORDERED_DEVICES: Final = (BUTTON, STRAP, BABY)
AT_SHOP: Final = frozenset({"ordered", "shipped", "delivered"})
UNFINISHED: Final = frozenset({"received", "asked", "ordering", "ordered", "shipped"})
OFFERED: Final = frozenset({"asked", "refused", "expired"})


@dataclass(frozen=True, slots=True)
class Wait:
    """What the walk waits for; `telling.words` has the words."""

    name: str
    device_id: str = ""
    away: str = ""
    """Why it cannot be asked just now, as the program that asked put it."""


@dataclass(frozen=True, slots=True)
class PageNeed:
    """One line of the household's page."""

    signal_id: str
    device_id: str
    state: str
    reason: str


@dataclass(slots=True)
class Seen:
    """What the household's page showed last, and when it first showed each quote."""

    needs: tuple[PageNeed, ...] = ()
    page: Page | None = None
    quotes_at: dict[str, datetime] = field(default_factory=dict)
    """By quote id; the instant at which the page with its confirm control had arrived."""
    confirmed_at: dict[str, datetime] = field(default_factory=dict)

    def of(self, device_id: str) -> tuple[PageNeed, ...]:
        """List the needs of one device, the newest first as on the page."""
        return tuple(need for need in self.needs if need.device_id == device_id)


_Answer = TypeVar("_Answer")

Say = Callable[..., None]
"""`say(key, **fields)`: one sentence of the account."""


class Walk:
    """The walk of `--once`; `go` takes it, and `waiting_for` says where it stands."""

    def __init__(
        self,
        browser: Browser,
        house: House,
        shop: Shop,
        clock: Clock,
        say: Say,
        new_link: Callable[[], Awaitable[str]],
    ) -> None:
        self.seen = Seen()
        self.waiting_for = Wait("sign_in")
        self._browser = browser
        self._house = house
        self._shop = shop
        self._clock = clock
        self._say = say
        self._new_link = new_link
        self._known: frozenset[str] = frozenset()
        self._lit_before: frozenset[str] = frozenset()
        self._looked = asyncio.Condition()
        self._diapers_changed = False

    async def go(self, begin: Callable[[], Awaitable[None]]) -> None:
        """Do it all. Runs until it is through, however long a part is away: bound it outside.

        Args:
            begin: awaited when what an earlier walk left open is done, before anything is used;
                again if something more of that walk came to light meanwhile.
        """
        await self._sign_in()
        await self._consent()
        await self._look()
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(self._watch_stream()),
                group.create_task(self._watch_clock()),
                group.create_task(self._answer_quotes()),
            ]
            while True:
                await self._finish_earlier()
                await begin()
                # A strap that the earlier walk left on may be worn out while `begin` counts: its
                # need would be known, but still open, and this walk's would only join it.
                if self._earlier_finished():
                    break
            self._known = frozenset(need.signal_id for need in self.seen.needs)
            self._lit_before = await self._lit(*DEVICES)
            await self._still(self._shop.hold, Wait("shop"))
            await self._use_devices()
            await self._press_again()
            self._say("waiting_parcels")
            await self._still(self._shop.let_go, Wait("shop"))
            await self._until(self._all_delivered, Wait("deliveries"))
            await self._until(self._offer_settled, Wait("offer"))
            promised = await self._lit(*DEVICES) - self._lit_before
            await self._until(
                lambda: promised <= {need.signal_id for need in self.seen.needs},
                Wait("kept_needs"),
            )
            for task in watching:
                task.cancel()

    def is_fresh(self, need: PageNeed) -> bool:
        """Tell whether a need opened on this walk."""
        return need.signal_id not in self._known

    def fresh(self, device_id: str) -> tuple[PageNeed, ...]:
        """List the needs of one device that opened on this walk."""
        return tuple(need for need in self.seen.of(device_id) if self.is_fresh(need))

    # ---- the page -----------------------------------------------------------------------------

    async def _sign_in(self) -> None:
        while True:
            link = await self._new_link()
            try:
                await self._browser.sign_in(link)
                break
            except PageError as away:
                # The link may be used up although its answer was lost: the next try has its own.
                self.waiting_for = Wait("sign_in", away=str(away))
                await asyncio.sleep(RETRY_S)
        self._say("signed_in")

    async def _consent(self) -> None:
        for purpose in ("replenish", "offers"):
            await self._still(partial(self._grant, purpose), Wait("consents"))

    async def _grant(self, purpose: str) -> None:
        if await grant(self._browser, purpose):
            self._say("consented", purpose=purpose)

    async def _look(self) -> None:
        page = await self._still(lambda: self._browser.open("/"), Wait("page"))
        now = self._clock.now()
        for form in page.forms_to("/quotes/", "/confirm"):
            self.seen.quotes_at.setdefault(quote_id(form), now)
        self.seen.page = page
        self.seen.needs = tuple(
            PageNeed(
                marks["id"].removeprefix("line-"),
                marks["data-device"],
                marks["data-state"],
                marks.get("data-reason", ""),
            )
            for marks in page.marked_with("device")
            if "data-state" in marks and marks["id"].startswith("line-")
        )
        async with self._looked:
            self._looked.notify_all()

    async def _watch_stream(self) -> None:
        while True:
            with suppress(PageError):
                async for _ in self._browser.changes("/events"):
                    await self._look()
            await asyncio.sleep(RETRY_S)

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            await self._look()

    async def _answer_quotes(self) -> None:
        while True:
            async with self._looked:
                await self._looked.wait()
            if (page := self.seen.page) is None:
                continue
            # At any time the press of a control may fail with the cloud's process. The page is
            # read again, and shows the quote again if it is still to be answered.
            for form in page.forms_to("/quotes/", "/wanted"):
                with suppress(PageError):
                    self._say("wanted", label=form.label)
                    await self._browser.submit(page, form)
            for form in page.forms_to("/quotes/", "/confirm"):
                with suppress(PageError):
                    await self._confirm(page, form)

    async def _confirm(self, page: Page, form: Form) -> None:
        if quote_id(form) in self.seen.confirmed_at:
            return
        self._say("confirming", label=form.label)
        pressed_at = self._clock.now()
        await self._browser.submit(page, form)
        self.seen.confirmed_at[quote_id(form)] = pressed_at

    # ---- the home -----------------------------------------------------------------------------

    async def _finish_earlier(self) -> None:
        """Let what an interrupted walk left open come to its end, or a press would join it."""
        if not self._earlier_finished():
            self._say("finishing")
            await self._still(self._shop.let_go, Wait("shop"))
            await self._until(self._earlier_finished, Wait("earlier_orders"))

    def _earlier_finished(self) -> bool:
        return not any(
            need.state in UNFINISHED
            for device_id in ORDERED_DEVICES
            for need in self.seen.of(device_id)
        )

    async def _use_devices(self) -> None:
        async with asyncio.TaskGroup() as group:
            for device_id, act in (
                (BUTTON, lambda: self._house.press(BUTTON)),
                (BABY, self._change_diapers),
            ):
                group.create_task(self._until_needed(device_id, act))
            group.create_task(self._use_for_a_while(STRAP, self._house.wear, WORN_S + 3))
            group.create_task(self._use_for_a_while(THERMOSTAT, self._house.heat, HEATING_S + 3))
        await self._until(
            lambda: any(need.state in AT_SHOP for need in self.fresh(BUTTON)),
            Wait("shop_takes", BUTTON),
        )

    async def _use_for_a_while(
        self, device_id: str, use: Callable[[str, float], Awaitable[None]], seconds: float
    ) -> None:
        await self._until_needed(device_id, lambda: use(device_id, seconds))
        # Left on, it would soon be worn out or due again, and that is another need.
        await self._act(lambda: use(device_id, 0))

    async def _change_diapers(self) -> None:
        left = await self._house.diapers_left(BABY)
        if self._diapers_changed and left > 0:
            # Low, and no need on the page: the event that said so was lost. The next one says it.
            await self._house.change_diapers(BABY, 1)
            return
        if left <= REORDER_UNITS:
            # The stock of an earlier walk: the delivered pack goes in first.
            await self._house.refill(BABY, PACK_UNITS)
            left = await self._house.diapers_left(BABY)
        await self._house.change_diapers(BABY, left - REORDER_UNITS)
        self._diapers_changed = True

    async def _until_needed(self, device_id: str, act: Callable[[], Awaitable[None]]) -> None:
        await self._until_answered(
            device_id,
            act,
            lambda: bool(self.fresh(device_id)),
            Wait("need", device_id),
        )

    async def _press_again(self) -> None:
        self._say("second_press", device=BUTTON)
        first = {need.signal_id for need in self.fresh(BUTTON)}

        def answered() -> bool:
            return any(
                need.signal_id not in first and need.state == "already_on_its_way"
                for need in self.fresh(BUTTON)
            )

        await self._until_answered(
            BUTTON,
            lambda: self._house.press(BUTTON),
            answered,
            Wait("second_press", BUTTON),
        )

    async def _until_answered(
        self,
        device_id: str,
        act: Callable[[], Awaitable[None]],
        answered: Callable[[], bool],
        what: Wait,
    ) -> None:
        """Use a device until the page answers; never twice once a light has said "kept"."""
        before = await self._lit(device_id) | {need.signal_id for need in self.seen.needs}
        for attempt in range(10_000):
            if attempt:
                self._say("again", device=device_id)
            await self._act(act)
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_S):
                        await self._until(answered, what)
                    return
                if await self._lit(device_id) <= before:
                    break

    async def _lit(self, *device_ids: str) -> frozenset[str]:
        lights = await self._still(self._house.lights, Wait("home"))
        return frozenset(
            light.signal_id
            for light in lights
            if light.device_id in device_ids and light.state != "not_kept"
        )

    async def _act(self, act: Callable[[], Awaitable[None]]) -> None:
        # Asked once, not until it answers: a home that died in mid-press may have pressed.
        try:
            await act()
        except HomeAway:
            await self._still(self._house.state, Wait("home"))

    # ---- waiting ------------------------------------------------------------------------------

    def _all_delivered(self) -> bool:
        return all(
            any(need.state == "delivered" for need in self.fresh(device_id))
            for device_id in ORDERED_DEVICES
        )

    def _offer_settled(self) -> bool:
        return any(need.state in OFFERED for need in self.fresh(THERMOSTAT))

    async def _until(self, holds: Callable[[], bool], what: Wait) -> None:
        self.waiting_for = what
        async with self._looked:
            await self._looked.wait_for(holds)

    async def _still(self, ask: Callable[[], Awaitable[_Answer]], what: Wait) -> _Answer:
        """Ask until there is an answer: a part that died is being started again meanwhile."""
        while True:
            try:
                return await ask()
            except (PageError, HomeAway, ShopAway) as away:
                self.waiting_for = replace(what, away=str(away))
                await asyncio.sleep(RETRY_S)


def quote_id(form: Form) -> str:
    """Read the quote's id from the address of its confirm control."""
    return form.action.split("/")[2]
