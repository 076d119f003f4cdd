"""How long one press takes: to the disk of the gateway, and to the quote on the household's page.

`zodra demo` runs as users run it: broker, shop, cloud, gateway and home as processes of their own.
A person presses, sees the quote on the page, which is told to look by its live stream, and says
"not now"; then presses again. What is measured is what the person would: from the press, as the
simulated button writes it down before its first frame, to the commit after which the light says
"kept", and to the arrival of the page that holds the confirm control.

Run alone: `python -m bench.press_way --presses 50`.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from zodra_sim.demo.parts import BUTTON
from zodra_sim.demo.person.browser import Browser, Form, Page, PageError
from zodra_sim.demo.person.house import House

START_S_MAX = 90.0
QUOTE_S_MAX = 30.0
WARM_UP_PRESSES = 3
"""The first presses pay for imports and connections that the others find done."""
PAUSE_S = 0.7
"""Between two presses: a button repeats its advertisement for half a second, and a press within
that time would wait for the earlier one to be said."""
ZODRA = Path(sys.executable).with_name("zodra")


class Watcher:
    """The household's page, kept open."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._looked = asyncio.Condition()
        self._page: Page | None = None

    async def follow(self) -> None:
        """Look again whenever the live stream says so."""
        while True:
            try:
                async for _ in self._browser.changes("/events"):
                    await self.look()
            except PageError:
                await asyncio.sleep(0.1)

    async def look(self) -> None:
        """Read the page."""
        page = await self._browser.open("/")
        async with self._looked:
            self._page = page
            self._looked.notify_all()

    async def quote(self) -> tuple[Form | None, Form | None, datetime]:
        """Wait for a quote; give its two controls and when they were there."""

        def shown() -> bool:
            return bool(self._page and self._page.forms_to("/quotes/", "/confirm"))

        async with asyncio.timeout(QUOTE_S_MAX), self._looked:
            await self._looked.wait_for(shown)
            at = datetime.now(UTC)
            assert self._page is not None
            confirm = self._page.forms_to("/quotes/", "/confirm")[0]
            decline = self._page.forms_to("/quotes/", "/decline")[0]
            return confirm, decline, at

    async def decline(self, form: Form) -> None:
        """Say "not now", and wait until the page has understood."""
        assert self._page is not None
        await self._browser.submit(self._page, form)

        def gone() -> bool:
            return not (self._page and self._page.forms_to("/quotes/", "/confirm"))

        await self.look()
        async with asyncio.timeout(QUOTE_S_MAX), self._looked:
            await self._looked.wait_for(gone)


@asynccontextmanager
async def demo(data: Path) -> AsyncIterator[str]:
    """Run a demo in a folder; give the household's sign-in link."""
    process = await asyncio.create_subprocess_exec(
        *(str(ZODRA), "demo", "--data", str(data), "--language", "en"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ,
    )
    assert process.stdout is not None
    draining: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(START_S_MAX):
            link = await _link(process.stdout)
        # Its account goes on; a full pipe would stop it in the middle of a sentence.
        draining = asyncio.create_task(process.stdout.read())
        yield link
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
        if draining is not None:
            await draining


async def _link(output: asyncio.StreamReader) -> str:
    link = ""
    told: list[str] = []
    while line := (await output.readline()).decode():
        told.append(line)
        if "The household's page" in line:
            link = (await output.readline()).decode().strip()
        if "Ctrl-C ends everything" in line:
            return link
    raise RuntimeError("the demo did not start:\n" + "".join(told))


async def _press_often(data: Path, link: str, presses: int) -> list[datetime]:
    ports = json.loads((data / "demo.json").read_text())["ports"]
    browser = Browser(f"http://127.0.0.1:{ports['cloud']}", "en")
    house = House(f"http://127.0.0.1:{ports['home_page']}", data / "secrets" / "home-control.token")
    await browser.sign_in(link)
    watcher = Watcher(browser)
    following = asyncio.create_task(watcher.follow())
    shown_at = []
    try:
        for _ in range(presses):
            await house.press(BUTTON)
            _, decline, at = await watcher.quote()
            shown_at.append(at)
            assert decline is not None
            await watcher.decline(decline)
            await asyncio.sleep(PAUSE_S)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        pressed_at = [act.at for act in await house.acts() if act.what == "press"]
        await browser.close()
        await house.close()
    assert len(pressed_at) == len(shown_at)
    return pressed_at + shown_at


def _kept_at(data: Path) -> list[datetime]:
    kept = []
    for line in (data / "logs" / "edge.log").read_text().splitlines():
        if '"need_kept"' in line:
            kept.append(datetime.fromisoformat(json.loads(line)["at"]))
    return kept


def _memory_mb(data: Path) -> dict[str, float]:
    found = {}
    for line in (data / "pids").read_text().splitlines():
        pid, name = line.split(" ", 1)
        process = psutil.Process(int(pid))
        family = [process, *process.children(recursive=True)]
        found[name] = sum(each.memory_info().rss for each in family) / 1e6
    return found


def _ms(ends: list[datetime], starts: list[datetime]) -> dict[str, float]:
    spans = [(end - start).total_seconds() * 1000 for end, start in zip(ends, starts, strict=True)][
        WARM_UP_PRESSES:
    ]
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98], "max": max(spans)}


async def _measure(presses: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        data = Path(folder) / "demo"
        async with demo(data) as link:
            both = await _press_often(data, link, presses + WARM_UP_PRESSES)
            memory = _memory_mb(data)
        pressed, shown = both[: len(both) // 2], both[len(both) // 2 :]
        return {
            "presses": presses,
            "press_to_kept_ms": _ms(_kept_at(data), pressed),
            "press_to_quote_shown_ms": _ms(shown, pressed),
            "rss_mb": memory,
        }


def measure(presses: int) -> dict[str, Any]:
    """Press that often in one demo, and give times in milliseconds and memory in megabytes."""
    return asyncio.run(_measure(presses))


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Lay the figures out as rows of a table."""
    rows = []
    for name, words in (
        ("press_to_kept_ms", "press to kept on disk"),
        ("press_to_quote_shown_ms", "press to quote on the page"),
    ):
        spans = figures[name]
        rows.append((f"{words}, p50 / p99", f"{spans['p50']:.1f} / {spans['p99']:.1f} ms"))
    rows += [(f"memory of {part}", f"{mb:.0f} MB") for part, mb in figures["rss_mb"].items()]
    return rows


def main() -> None:
    """Print the table of one run."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--presses", type=int, default=50)
    for name, value in table(measure(reader.parse_args().presses)):
        print(f"{name:<40} {value}")


if __name__ == "__main__":
    main()
