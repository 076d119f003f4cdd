"""Runs `zodra demo` as a person would, and looks at it from outside: output, processes, files."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ZODRA = Path(sys.executable).with_name("zodra")
START_TIMEOUT_S = 90.0


class DemoRun:
    """One demo process with its data folder; always ended at the end of the `with` block."""

    def __init__(self, data: Path, *options: str, home: Path | None = None) -> None:
        self.data = data
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._closed = False
        environment = dict(os.environ)
        environment.pop("COLUMNS", None)
        if home is not None:
            environment["HOME"] = str(home)
        self.process = subprocess.Popen(
            [str(ZODRA), "demo", "--data", str(data), "--language", "en", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env=environment,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def text(self) -> str:
        """All output until now."""
        return "\n".join(self.lines)

    @property
    def settings(self) -> dict[str, Any]:
        """What the folder says about itself."""
        found: dict[str, Any] = json.loads((self.data / "demo.json").read_text())
        return found

    def secret(self, name: str) -> str:
        """Read one of the folder's secrets."""
        return (self.data / "secrets" / name).read_text().strip()

    def wait_for(self, words: str, timeout_s: float = START_TIMEOUT_S) -> str:
        """Wait until a line of the output holds these words; give that line."""
        deadline = time.monotonic() + timeout_s
        seen = 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if words in line:
                        return line
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    raise AssertionError(f"never said {words!r}:\n{self.text}")
                self._changed.wait(left)

    def wait_until(self, holds: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
        """Wait until something outside the output holds."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come true:\n{self.text}")
            time.sleep(0.05)

    def pid(self, part: str) -> int:
        """Find the process of one part."""
        for line in (self.data / "pids").read_text().splitlines():
            pid, name = line.split(" ", 1)
            if name == part:
                return int(pid)
        raise AssertionError(f"no process {part}")

    def kill(self, part: str) -> None:
        """End one part as a power cut would."""
        os.kill(self.pid(part), signal.SIGKILL)

    def end(self, timeout_s: float = 100.0) -> int:
        """Wait for the demo to exit; give its code."""
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
