"""What one check found, and what all of them come to. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from textwrap import wrap
from typing import Final


class Verdict(StrEnum):
    """How one check ended."""

    OK = "ok"
    WARN = "warn"
    """The gateway works, and somebody should look."""
    FAIL = "fail"
    """Presses do not reach the cloud like this, or may get lost."""
    SKIPPED = "skipped"
    """Not checked, with the reason."""

    @property
    def lets_go_on(self) -> bool:
        """Whether what comes after it can be tried."""
        return self is not Verdict.FAIL


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check."""

    name: str
    verdict: Verdict
    found: str
    """What was seen, in words with figures."""
    next_step: str = ""
    """What the person should do now, in one sentence; empty if nothing."""


def ok(name: str, found: str) -> Finding:
    """Say that all is well."""
    return Finding(name, Verdict.OK, found)


def warn(name: str, found: str, next_step: str) -> Finding:
    """Say that somebody should look."""
    return Finding(name, Verdict.WARN, found, next_step)


def fail(name: str, found: str, next_step: str) -> Finding:
    """Say that this must be mended."""
    return Finding(name, Verdict.FAIL, found, next_step)


def skipped(name: str, found: str, next_step: str = "") -> Finding:
    """Say why this was not checked."""
    return Finding(name, Verdict.SKIPPED, found, next_step)


_SIGNS: Final = {
    Verdict.OK: "✓",
    Verdict.WARN: "!",
    Verdict.FAIL: "✗",
    Verdict.SKIPPED: "-",
}
"""Beside the word, never instead of it: a sign alone says nothing to a screen reader."""
_COUNTED: Final = {
    Verdict.FAIL: ("failure", "failures"),
    Verdict.WARN: ("warning", "warnings"),
    Verdict.OK: ("check is fine", "checks are fine"),
    Verdict.SKIPPED: ("not checked", "not checked"),
}


def exit_code(findings: Iterable[Finding]) -> int:
    """Count 0 for all well, 1 for warnings, 2 for failures."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.FAIL in verdicts:
        return 2
    return 1 if Verdict.WARN in verdicts else 0


def render(findings: tuple[Finding, ...]) -> str:
    """Write all findings as a page, each with its next step."""
    return "\n".join(_lines(findings)) + "\n"


def _lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    width = max((len(finding.name) for finding in findings), default=0)
    verdict_width = max(len(verdict) for verdict in Verdict)
    for why, together in groupby(findings, key=_unchecked_because):
        alike = list(together)
        if why and len(alike) > 1:
            yield f"{_SIGNS[Verdict.SKIPPED]} {Verdict.SKIPPED:<{verdict_width}}  {why}:"
            names = ", ".join(finding.name for finding in alike)
            yield from wrap(names, 100, initial_indent=" " * 11, subsequent_indent=" " * 11)
            continue
        yield from _each(alike, width, verdict_width)
    yield ""
    yield _summary(findings)


def _unchecked_because(finding: Finding) -> str:
    """Why a check was left out, if there is no more to say about it."""
    alone = finding.verdict is not Verdict.SKIPPED or finding.next_step
    return "" if alone else finding.found


def _each(findings: Iterable[Finding], width: int, verdict_width: int) -> Iterator[str]:
    for finding in findings:
        sign = _SIGNS[finding.verdict]
        yield (
            f"{sign} {finding.verdict:<{verdict_width}}  {finding.name:<{width}}  {finding.found}"
        )
        if finding.next_step:
            yield f"{'':<{verdict_width + width + 6}}→ {finding.next_step}"


def _summary(findings: tuple[Finding, ...]) -> str:
    words = []
    for verdict, (one, many) in _COUNTED.items():
        count = sum(finding.verdict is verdict for finding in findings)
        if count:
            words.append(f"{count} {one if count == 1 else many}")
    return ", ".join(words)
