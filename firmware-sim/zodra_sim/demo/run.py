"""Runs the demo: starts the parts, tells the account, and takes the walk of `--once`."""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zodra_sim.clock import Clock
from zodra_sim.demo.commands import Commands
from zodra_sim.demo.folder import HOME_ZONE, Folder
from zodra_sim.demo.once import Once
from zodra_sim.demo.parts import HOUSEHOLD_ID, Parts
from zodra_sim.demo.person.browser import Browser, PageError
from zodra_sim.demo.person.consents import grant
from zodra_sim.demo.person.house import HomeAway, House
from zodra_sim.demo.supervisor import (
    Died,
    Happening,
    PartFailed,
    Started,
    Supervisor,
    end_leftovers,
)
from zodra_sim.demo.telling.account import Account
from zodra_sim.demo.telling.voice import Follower, Voice
from zodra_sim.demo.telling.words import sentence

START_TIMEOUT_S: Final = 60.0
PIDS_FILE: Final = "pids"


class DemoFailed(Exception):
    """The demo did not do what it should; the message is the reason, for a person."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line chose, beyond what the folder keeps."""

    once: bool
    timeout_s: float


class Demo:
    """One run of the demo in its folder."""

    def __init__(self, folder: Folder, choices: Choices, voice: Voice, clock: Clock) -> None:
        self._folder = folder
        self._choices = choices
        self._voice = voice
        self._clock = clock
        self._language = folder.settings.language
        self._parts = Parts(folder, choices.once)
        self._account = Account(self._language)
        pids = folder.path / PIDS_FILE
        self._leftovers = end_leftovers(pids, folder.path)
        environment = _environment(folder.path)
        self._supervisor = Supervisor(self._tell, pids, environment, clock)
        self._commands = Commands(self._parts, environment)

    async def run(self) -> int:
        """Run until the walk is through, or until Ctrl-C, SIGTERM or the terminal's end.

        Returns:
            The exit code: 0 done, 130 interrupted before it was done.

        Raises:
            DemoFailed: with the reason.
        """
        asked_to_stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has the terminal's end ignored; a shell's `&` does so with Ctrl-C, and means
            # only that the keyboard is not for us.
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            loop.add_signal_handler(number, asked_to_stop.set)
        self._parts.write()
        logs = [(part.name, part.log) for wave in self._parts.waves() for part in wave]
        follower = Follower(logs, self._account, self._voice)
        following = asyncio.create_task(follower.follow())
        work = asyncio.create_task(self._work(follower))
        asked = asyncio.create_task(asked_to_stop.wait())
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                return 0
            return 130 if self._choices.once else 0
        except PartFailed as failed:
            raise DemoFailed(str(failed)) from failed
        finally:
            for task in (work, asked):
                task.cancel()
            await asyncio.gather(work, asked, return_exceptions=True)
            self._say("stopping")
            await self._supervisor.stop(self._parts.farewells())
            following.cancel()
            follower.catch_up()

    async def _work(self, follower: Follower) -> None:
        self._say("starting", what="Zodra", folder=self._folder.path)
        if self._leftovers:
            self._say("leftovers", parts=", ".join(map(self._account.thing, self._leftovers)))
        is_new = not self._folder.settings.set_up
        await self._start()
        if not self._choices.once:
            if is_new:
                await self._agree_to_orders()
            await self._print_links()
            await self._supervisor.watch()
            return
        once = Once(
            self._parts, self._commands, self._account, self._voice, self._clock, follower.catch_up
        )
        watching = asyncio.create_task(self._supervisor.watch())
        walking = asyncio.create_task(once.walk(self._choices.timeout_s))
        try:
            await asyncio.wait({watching, walking}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            reason = walking.result()
            follower.catch_up()
            reason = reason or await once.report()
        finally:
            for task in (watching, walking):
                task.cancel()
        if reason:
            raise DemoFailed(reason)

    async def _start(self) -> None:
        waves = self._parts.waves()
        first = asyncio.create_task(self._supervisor.start(waves[0], START_TIMEOUT_S))
        try:
            if self._folder.settings.set_up:
                self._say("continuing")
            else:
                self._say("setting_up")
                if (zone := self._folder.settings.time_zone) != HOME_ZONE:
                    self._say("elsewhere", zone=zone)
            await self._commands.set_up()
            self._folder.save(self._folder.settings.model_copy(update={"set_up": True}))
            await first
        finally:
            first.cancel()
        for wave in waves[1:]:
            await self._supervisor.start(wave, START_TIMEOUT_S)
        self._say("ready")

    async def _agree_to_orders(self) -> None:
        """Let the household agree at set-up, on its page, to what the product is for."""
        browser = Browser(self._parts.cloud_url, self._language)
        try:
            await browser.sign_in(await self._commands.link("household"))
            await grant(browser, "replenish")
        except PageError as fault:
            raise DemoFailed(str(fault)) from fault
        finally:
            await browser.close()
        self._say("agreed")

    async def _print_links(self) -> None:
        household, operator = await asyncio.gather(
            self._commands.link("household"), self._commands.link("operator")
        )
        self._voice.heading("")
        self._voice.link(sentence(self._language, "page_household"), household)
        # Another name of the same machine: a browser that opened both under one name would keep
        # one session, and whoever signed in last would have signed the other out.
        elsewhere = operator.replace("//127.0.0.1:", "//localhost:")
        self._voice.link(sentence(self._language, "page_operator"), elsewhere)
        house = House(self._parts.home_url, self._folder.secret("home-control.token"))
        try:
            self._voice.link(sentence(self._language, "page_home"), await house.link())
        except HomeAway as away:
            raise DemoFailed(str(away)) from away
        finally:
            await house.close()
        self._voice.link(
            sentence(self._language, "links_again"),
            self._commands.command_line(
                "sign-in-link", "--role", "household", "--household", HOUSEHOLD_ID
            ),
        )
        self._voice.heading(sentence(self._language, "how_to_end"))

    def _tell(self, happening: Happening) -> None:
        part = self._account.thing(happening.part)
        match happening:
            case Started(restarts=0):
                self._say("started", part=part)
            case Started(restarts=restarts):
                self._say("restarted", part=part, restarts=restarts)
            case Died(how=how, retry_s=retry_s):
                self._say("died", part=part, how=how, retry_s=f"{retry_s:g}")

    def _say(self, key: str, **fields: object) -> None:
        self._voice.say(sentence(self._language, key, **fields))


def _environment(folder: Path) -> Mapping[str, str]:
    """Give the parts this process's environment, with temporary files inside the folder."""
    temporary = folder / "tmp"
    temporary.mkdir(mode=0o700, exist_ok=True)
    return os.environ | {
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }
