"""`zodra demo --once`: the walk, then what came of it, checked and printed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from zodra_sim.clock import Clock
from zodra_sim.demo.commands import CommandFailed, Commands, ShopOrder
from zodra_sim.demo.parts import BUTTON, HOUSEHOLD_ID, Parts
from zodra_sim.demo.person.browser import Browser, PageError
from zodra_sim.demo.person.house import HomeAway, House
from zodra_sim.demo.person.shop import Shop
from zodra_sim.demo.person.walk import ORDERED_DEVICES, REMIND_S, RETRY_S, Wait, Walk
from zodra_sim.demo.telling.account import Account, Need, Step
from zodra_sim.demo.telling.report import Balance, Done, add_presses, read_balance, times_table
from zodra_sim.demo.telling.voice import Voice
from zodra_sim.demo.telling.words import awaited, sentence, thing

REPORT_TIMEOUT_S: Final = 20.0
ENDINGS: Final = frozenset({"take_off", "stop_heating"})
"""Acts that end another one, and open no need."""


class Once:
    """One walk through everything, and its report."""

    def __init__(
        self,
        parts: Parts,
        commands: Commands,
        account: Account,
        voice: Voice,
        clock: Clock,
        catch_up: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._commands = commands
        self._account = account
        self._voice = voice
        self._clock = clock
        self._catch_up = catch_up
        self._language = parts.folder.settings.language
        folder = parts.folder
        self._browser = Browser(parts.cloud_url, self._language)
        self._house = House(parts.home_url, folder.secret("home-control.token"))
        self._shop = Shop(parts.shop_url, folder.secret("shop-api.key"))
        self._walk = Walk(
            self._browser,
            self._house,
            self._shop,
            clock,
            self._say,
            lambda: commands.link("household"),
        )
        self._orders_before = 0

    async def walk(self, timeout_s: float) -> str:
        """Take the walk.

        Returns:
            Empty if it is through; otherwise what it still waited for when the time was up.
        """
        reminding = asyncio.create_task(self._remind())
        try:
            async with asyncio.timeout(timeout_s):
                await self._walk.go(self._count_orders)
        except TimeoutError:
            return sentence(
                self._language,
                "timed_out",
                waiting_for=self._awaited(self._walk.waiting_for),
                timeout_s=f"{timeout_s:.0f}",
            )
        finally:
            reminding.cancel()
        return ""

    async def _count_orders(self) -> None:
        self._orders_before = len(await self._commands.shop_orders())

    async def report(self) -> str:
        """Check and print what came of the walk.

        Returns:
            Empty if everything is as it must be; otherwise the reason why not.
        """
        try:
            async with asyncio.timeout(REPORT_TIMEOUT_S):
                # Together: two of them are commands, which take a second each to start.
                balance, every_order, acts = await asyncio.gather(
                    self._balance(), self._commands.shop_orders(), self._house.acts()
                )
        except (TimeoutError, PageError, HomeAway, CommandFailed) as fault:
            return str(fault) or sentence(self._language, "no_report")
        finally:
            await asyncio.gather(self._browser.close(), self._house.close(), self._shop.close())
        orders = every_order[self._orders_before :]
        done = [Done(act.device_id, act.at) for act in acts if act.what not in ENDINGS]
        needs = self._needs_of_this_walk()
        add_presses(needs, done)
        self._print(balance, orders, needs, sum(act.device_id == BUTTON for act in done))
        return self._verdict(balance, orders)

    def _needs_of_this_walk(self) -> list[Need]:
        found = []
        for seen in reversed([need for need in self._walk.seen.needs if self._walk.is_fresh(need)]):
            need = self._account.ledger.need(seen.signal_id)
            need.device_id, need.state = seen.device_id, seen.state
            # What the person could see, rather than when the cloud had it ready.
            if (shown := self._walk.seen.quotes_at.get(need.quote_id)) is not None:
                need.steps[Step.QUOTED] = shown
            if (pressed := self._walk.seen.confirmed_at.get(need.quote_id)) is not None:
                need.steps[Step.CONFIRMED] = pressed
            found.append(need)
        return found

    def _print(
        self, balance: Balance, orders: Sequence[ShopOrder], needs: Sequence[Need], presses: int
    ) -> None:
        language = self._language
        self._voice.heading(sentence(language, "balance"))
        self._voice.line(balance.text(language))
        self._voice.line(sentence(language, "balance_home", presses=presses))
        self._voice.line(sentence(language, "balance_shop", orders=len(orders)))
        self._voice.heading("")
        heads, rows = times_table(needs, language)
        self._voice.table(sentence(language, "times"), heads, rows)
        self._voice.line(sentence(language, "times_note"))

    def _verdict(self, balance: Balance, orders: Sequence[ShopOrder]) -> str:
        if not balance.adds_up:
            return f"{balance.text(self._language)} (?)"
        if len(orders) != len(ORDERED_DEVICES):
            return sentence(
                self._language, "wrong_orders", orders=len(orders), wanted=len(ORDERED_DEVICES)
            )
        if undelivered := [order.order_id for order in orders if order.status != "delivered"]:
            return sentence(self._language, "undelivered", orders=", ".join(undelivered))
        return ""

    async def _balance(self) -> Balance:
        operator = Browser(self._parts.cloud_url, self._language)
        try:
            while True:
                try:
                    page = await operator.sign_in(await self._commands.link("operator"))
                    page = await operator.open("/operator")
                    break
                except PageError:
                    await asyncio.sleep(RETRY_S)
        finally:
            await operator.close()
        for marks in page.marked_with("needs"):
            if marks.get("data-household") == HOUSEHOLD_ID:
                return read_balance(marks)
        raise PageError("the operator's page shows no balance of the household")

    async def _remind(self) -> None:
        told: Wait | None = None
        while True:
            before = self._walk.waiting_for
            await asyncio.sleep(REMIND_S)
            # Said when nothing moved, and not again until something else is waited for.
            if before == self._walk.waiting_for != told:
                told = before
                self._say("waiting", what=self._awaited(before))

    def _awaited(self, wait: Wait) -> str:
        return awaited(self._language, wait.name, wait.device_id, wait.away)

    def _say(self, key: str, **fields: object) -> None:
        for name in ("device", "purpose"):
            if isinstance(named := fields.get(name), str):
                fields[name] = thing(self._language, named)
        self._catch_up()  # What the parts said before this is told before this.
        self._voice.say(sentence(self._language, key, **fields))
