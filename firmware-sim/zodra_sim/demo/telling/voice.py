"""Prints the account, coloured on a terminal and plain elsewhere, and follows the parts' logs."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from zodra_sim.clock import Clock
from zodra_sim.demo.telling.account import Account, LogLine

FOLLOW_PERIOD_S: Final = 0.1
LINE_BYTES_MAX: Final = 256 * 1024
"""A longer line is passed over; the log itself keeps it."""

_COLOURS: Final = {
    "household": "magenta",
    "edge": "cyan",
    "cloud": "blue",
    "shop": "yellow",
    "demo": "dim",
}
_WIDTH: Final = max(len(name) for name in (*_COLOURS, "home-broker"))


class Voice:
    """The only writer of the demo's own output."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str, who: str = "demo", at: datetime | None = None) -> None:
        """Print one sentence with its time and who said it."""
        time = (at or self._clock.now()).astimezone().strftime("%H:%M:%S")
        if self._console.is_terminal:
            colour = _COLOURS.get(who, "dim")
            self._console.print(f"[dim]{time}[/] [{colour}]{who:<{_WIDTH}}[/] {escape(text)}")
        else:
            self._plain(f"{time} {who:<{_WIDTH}} {text}")

    def link(self, text: str, url: str) -> None:
        """Print an address on its own line, so that it can be clicked or copied whole."""
        if self._console.is_terminal:
            self._console.print(f"  {escape(text)}")
            self._console.print(Text(f"    {url}", style=f"bold link {url}"))
        else:
            self._plain(f"  {text}\n    {url}")

    def table(self, title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Print a table."""
        heads = list(head)
        lines = [list(row) for row in rows]
        if self._console.is_terminal:
            table = Table(title=title, title_justify="left", title_style="bold")
            for place, name in enumerate(heads):
                table.add_column(name, justify="left" if place in (0, len(heads) - 1) else "right")
            for line in lines:
                table.add_row(*map(escape, line))
            self._console.print(table)
            return
        widths = [max(len(row[place]) for row in [heads, *lines]) for place in range(len(heads))]
        self._plain(title)
        for row in [heads, *lines]:
            cells = (
                cell.ljust(width) if place in (0, len(heads) - 1) else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            self._plain("  " + "  ".join(cells).rstrip())

    def line(self, text: str) -> None:
        """Print one line as it is."""
        if self._console.is_terminal:
            self._console.print(f"  {escape(text)}")
        else:
            self._plain(f"  {text}")

    def heading(self, text: str) -> None:
        """Print a line that stands out."""
        if self._console.is_terminal:
            self._console.print(f"\n[bold]{escape(text)}[/]")
        else:
            self._plain(f"\n{text}")

    @staticmethod
    def _plain(text: str) -> None:
        # Whole lines at once, and no colour codes: a log file or a pipe is read by line.
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class _Tail:
    def __init__(self, part: str, path: Path) -> None:
        self.part = part
        self._path = path
        # A folder that is continued holds the account of last time; it was told then.
        self._offset = path.stat().st_size if path.exists() else 0

    def read(self) -> list[LogLine]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            raw = file.read()
        whole, newline, rest = raw.rpartition(b"\n")
        if not newline and len(rest) < LINE_BYTES_MAX:
            return []
        self._offset += len(whole) + len(newline)
        return [line for text in whole.split(b"\n") if (line := self._parse(text)) is not None]

    def _parse(self, text: bytes) -> LogLine | None:
        try:
            fields = json.loads(text)
            at = datetime.fromisoformat(fields["at"])
            return LogLine(self.part, str(fields["event"]), at, fields)
        except (ValueError, KeyError, TypeError):
            return None  # Not an event: a library's own line, or a traceback, for a person to read.


class Follower:
    """Reads the parts' logs as they grow, and says what they are worth."""

    def __init__(
        self,
        logs: Iterable[tuple[str, Path]],
        account: Account,
        voice: Voice,
        listener: Callable[[LogLine], None] | None = None,
    ) -> None:
        self._tails = [_Tail(part, path) for part, path in logs]
        self._account = account
        self._voice = voice
        self._listener = listener

    async def follow(self) -> None:
        """Go on until cancelled."""
        while True:  # Files tell nobody that they grew.
            self.catch_up()
            await asyncio.sleep(FOLLOW_PERIOD_S)

    def catch_up(self) -> None:
        """Read what the logs hold by now, and say it in the order in which it happened."""
        lines = [line for tail in self._tails for line in tail.read()]
        for line in sorted(lines, key=lambda line: line.at):
            said = self._account.hear(line)
            if said is not None:
                self._voice.say(said.text, said.part, said.at)
            if self._listener is not None:
                self._listener(line)
