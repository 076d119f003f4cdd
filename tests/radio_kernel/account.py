"""What came of the tests, over all boots of the guest."""

from collections import Counter
from typing import Any, Final

from radio_kernel.deaths import Death

BOOTS_MAX: Final = 6
TRIES: Final = 2
"""A kernel that dies once more in the same test is taken to die of it."""


class Account:
    """Takes what the guest tells, and knows what is left to run."""

    def __init__(self) -> None:
        """Begin without a boot."""
        self.boots = 0
        self.deaths: list[Death] = []
        self._expected: list[str] = []
        self._results: dict[str, dict[str, Any]] = {}
        self._code: int | None = None
        self._why_not = ""

    def booted(self) -> None:
        """Note a boot."""
        self.boots += 1
        self._code = None

    def take(self, told: dict[str, Any]) -> None:
        """Take one line."""
        if not self._expected:
            self._expected = told.get("tests", [])
        if "test" in told:
            self._results[told["test"]] = told
        self._code = told.get("ended", self._code)

    def died(self, death: Death) -> None:
        """Note that the kernel died; the test under way is tried once more."""
        self.deaths.append(death)
        # Whatever the tests ended with, a dead kernel had its part in it.
        self._code = 0
        times = Counter(each.test for each in self.deaths)[death.test]
        if death.test and times >= TRIES:
            told = [each.told() for each in self.deaths if each.test == death.test]
            text = "\n".join(["the kernel died twice", *told])
            self._results[death.test] = _red(death.test, "failed", text)

    def ended(self, why: str) -> None:
        """Note why no more is heard."""
        self._why_not = why

    def left(self) -> list[str]:
        """Name the tests that have no result, in their order."""
        return [name for name in self._expected if name not in self._results]

    def may_go_on(self) -> bool:
        """Say whether another boot is worth it."""
        if self.boots >= BOOTS_MAX:
            self._why_not = f"the kernel died in each of {self.boots} boots"
            return False
        return bool(self.left()) or not self._expected

    def results(self) -> list[dict[str, Any]]:
        """Give the result of each test."""
        why = self._why_not or "the guest ended before this one did"
        left = [_red(name, "missing", why) for name in self.left()]
        return [*self._results.values(), *left]

    def is_good(self) -> bool:
        """Say whether all of it passed."""
        results = self.results()
        passed = all(each["outcome"] == "passed" for each in results)
        return bool(results) and passed and self._code == 0

    def told(self) -> str:
        """Tell it in one line."""
        results = self.results()
        passed = sum(each["outcome"] == "passed" for each in results)
        times = {0: "did not die", 1: "died once"}.get(
            len(self.deaths), f"died {len(self.deaths)} times"
        )
        where = ", ".join(sorted({each.function for each in self.deaths}))
        return f"{passed} of {len(results)} passed; the kernel {times}{where and ': in ' + where}"


def _red(name: str, outcome: str, text: str) -> dict[str, Any]:
    return {"test": name, "outcome": outcome, "seconds": 0.0, "facts": {}, "text": text}
