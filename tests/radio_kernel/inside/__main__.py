"""Runs the tests in the guest, and tells the host about each as it ends."""

import json
import sys
from pathlib import Path
from typing import IO, Any, Final

import pytest

HERE: Final = Path(__file__).parent
FILES: Final = tuple(
    f"test_{name}.py" for name in ("kernel", "matrix", "listening", "gateway", "connection")
)
"""In this order: each leaves the radio as the next expects it."""
SAID_MAX: Final = 4_000
"""Of what the services said while a test failed."""


class Teller:
    """Writes one line of JSON for each test."""

    def __init__(self, line: IO[str]) -> None:
        self._line = line
        self._reports: list[pytest.TestReport] = []

    def tell(self, **what: Any) -> None:
        self._line.write(json.dumps(what) + "\n")
        self._line.flush()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tell(tests=[item.nodeid.rpartition("/")[2] for item in session.items])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.append(report)
        if report.when != "teardown":
            return
        reports, self._reports = self._reports, []
        worst = next((one for one in reports if one.outcome != "passed"), report)
        self.tell(
            test=report.nodeid.rpartition("/")[2],
            outcome=worst.outcome,
            seconds=round(sum(one.duration for one in reports if one.when == "call"), 1),
            facts={name: str(value) for name, value in report.user_properties},
            text="" if worst is report and report.passed else _text(worst, report),
        )


def _text(worst: pytest.TestReport, last: pytest.TestReport) -> str:
    return "\n".join([worst.longreprtext, last.capstdout[-SAID_MAX:], last.capstderr[-SAID_MAX:]])


def main() -> int:
    with open("/dev/ttyS1", "w", encoding="utf-8") as line:
        teller = Teller(line)
        code = pytest.main(
            ["-c", str(HERE / "guest.ini"), "-p", "no:cacheprovider", "-v", "--tb=short",
             *(str(HERE / name) for name in FILES), *sys.argv[1:]],
            plugins=[teller],
        )  # fmt: skip
        teller.tell(ended=int(code))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
