"""What the demo asks of the parts' own command lines, beside running them."""

import asyncio
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from zodra_sim.demo.folder import Language, write_private
from zodra_sim.demo.parts import GATEWAY_ID, HOUSEHOLD_ID, SLOTS, Parts, Slot, program
from zodra_sim.demo.toml import Rows, to_toml
from zodra_sim.shop import catalogue

TIMEOUT_S: Final = 60.0
SAID_CHARS_MAX: Final = 400


def product(slot: Slot, language: Language) -> dict[str, str]:
    """Say what is ordered for a slot, with the title from the shop's own catalogue."""
    item = catalogue.load().item(slot.sku) if slot.sku else None
    return {"sku": item.sku, "title": getattr(item.title, language)} if item else {}


class CommandFailed(Exception):
    """A command did not succeed; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """One order as the shop has it."""

    order_id: str
    reference: str
    status: str


class Commands:
    """Runs `zodra-cloud` and `zodra-sim` beside the parts, on the same files."""

    def __init__(self, parts: Parts, environment: Mapping[str, str]) -> None:
        self._parts = parts
        self._environment = dict(environment)

    async def set_up(self) -> None:
        """Bring the database to the newest schema and introduce the home; repeating is harmless."""
        folder = self._parts.folder
        home = folder.path / "config" / "home.toml"
        write_private(
            home,
            to_toml(
                {
                    "household_id": HOUSEHOLD_ID,
                    "language": folder.settings.language,
                    "time_zone": folder.settings.time_zone,
                    "gateways": [GATEWAY_ID],
                    "slots": Rows(
                        tuple(
                            {
                                "device_id": slot.device_id,
                                "family": slot.family,
                                "label": slot.labels[folder.settings.language],
                                "slot_key": slot.slot_key,
                                "metering": slot.metering,
                            }
                            | product(slot, folder.settings.language)
                            for slot in SLOTS
                        )
                    ),
                }
            ),
        )
        await self._run(self._argv(("set-up", "--home", str(home))))

    async def link(self, role: str) -> str:
        """Make a one-time sign-in link for `household` or `operator`."""
        words = ["sign-in-link", "--role", role]
        if role == "household":
            words += ["--household", HOUSEHOLD_ID]
        return (await self._run(self._argv(tuple(words)))).strip().splitlines()[-1]

    async def shop_orders(self) -> tuple[ShopOrder, ...]:
        """List every order that the shop ever took, from its own file, oldest first."""
        config = str(self._parts.config("shop"))
        out = await self._run(
            [program("zodra-sim"), "shop", "orders", "--json", "--config", config]
        )
        return tuple(
            ShopOrder(order["id"], order["reference"], order["status"]) for order in json.loads(out)
        )

    def command_line(self, *words: str) -> str:
        """Write a command as a person would type it."""
        return shlex.join(self._argv(words))

    def _argv(self, words: tuple[str, ...]) -> list[str]:
        command, *rest = words
        config = str(self._parts.config("cloud"))
        return [program("zodra-cloud"), command, "--config", config, *rest]

    async def _run(self, argv: list[str]) -> str:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            words = " ".join(err.decode(errors="replace").split()) or "it ended without a word"
            raise CommandFailed(f"{shlex.join(argv)}: {words[-SAID_CHARS_MAX:]}")
        return out.decode()
