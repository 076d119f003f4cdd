"""Runs the tests in the guest, and tells the host about each as it ends.

The kernel's own log is told which test begins and ends, so that the console of one that dies says
during which.
"""

import json
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final

import pytest

HERE: Final = Path(__file__).parent
FILES: Final = tuple(
    f"test_{name}.py" for name in ("kernel", "matrix", "listening", "gateway", "connection")
)
"""In this order: each leaves the radio as the next expects it."""
ASKED: Final = Path("/code/asked.json")
"""What the host wants: `words` for pytest's -k, `only` the tests that are left, or none to run all,
and `kill_in`, a word of a test's name: a control, in which the kernel is to die."""
LIVES_S: Final = 10
SAID_MAX: Final = 4_000
"""Of what the services said while a test failed."""


class Teller:
    """Writes one line of JSON for each test."""

    def __init__(self, line: IO[str], asked: dict[str, Any]) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._asked = asked
        self._reports: list[pytest.TestReport] = []

    def tell(self, **what: Any) -> None:
        with self._lock:
            self._line.write(json.dumps(what) + "\n")
            self._line.flush()

    def live(self, ended: threading.Event) -> None:
        while not ended.wait(LIVES_S):
            self.tell(lives=True)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        only = self._asked["only"]
        items[:] = [item for item in items if not only or _name(item.nodeid) in only]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tell(tests=[_name(item.nodeid) for item in session.items])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _mark("begins", nodeid)
        if (word := self._asked["kill_in"]) and word in nodeid:
            Path("/proc/sysrq-trigger").write_text("c")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        _mark("ended", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.append(report)
        if report.when != "teardown":
            return
        reports, self._reports = self._reports, []
        worst = next((one for one in reports if one.outcome != "passed"), report)
        self.tell(
            test=_name(report.nodeid),
            outcome=worst.outcome,
            seconds=round(sum(one.duration for one in reports if one.when == "call"), 1),
            facts={name: str(value) for name, value in report.user_properties},
            text="" if worst is report and report.passed else _text(worst, report),
        )


def _text(worst: pytest.TestReport, last: pytest.TestReport) -> str:
    return "\n".join([worst.longreprtext, last.capstdout[-SAID_MAX:], last.capstderr[-SAID_MAX:]])


def _name(nodeid: str) -> str:
    return nodeid.rpartition("/")[2]


def _mark(what: str, nodeid: str) -> None:
    # As an error: `quiet` keeps lesser things from the console.
    Path("/dev/kmsg").write_text(f"<3>radio-kernel {what}: {_name(nodeid)}\n")


def main() -> int:
    asked = json.loads(ASKED.read_text())
    words = ["-k", asked["words"]] if asked["words"] else []
    ended = threading.Event()
    with open("/dev/ttyS1", "w", encoding="utf-8") as line:
        teller = Teller(line, asked)
        threading.Thread(target=teller.live, args=(ended,), daemon=True).start()
        code = pytest.main(
            ["-c", str(HERE / "guest.ini"), "-p", "no:cacheprovider", "-v", "--tb=short",
             *(str(HERE / name) for name in FILES), *words],
            plugins=[teller],
        )  # fmt: skip
        teller.tell(ended=int(code))
        ended.set()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
