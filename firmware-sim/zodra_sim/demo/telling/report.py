"""What `--once` prints at its end: the balance, shown to add up, and the times. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zodra_sim.demo.telling.account import Need, Step
from zodra_sim.demo.telling.words import figure, sentence, thing

BALANCE_PARTS: Final = ("ordered", "asked", "refused", "expired", "pending")

_CLOCK_SLACK: Final = timedelta(milliseconds=50)
"""The act is written down just before its first frame is heard, by another process's clock."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A household's needs, as the operator's page counts them."""

    household_id: str
    needs: int
    parts: Mapping[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether every need is in exactly one place."""
        return self.needs == sum(self.parts.values())

    def text(self, language: str) -> str:
        """Write the sum, for example `5 needs = 3 ordered + 1 asked + ...`."""
        words = (
            f"{self.parts[part]} {sentence(language, f'n_{part}').lower()}"
            for part in BALANCE_PARTS
        )
        return sentence(language, "balance_line", needs=self.needs, sum=" + ".join(words))


def read_balance(marks: Mapping[str, str]) -> Balance:
    """Read the balance from the machine words of a row of the operator's page.

    Raises:
        KeyError, ValueError: the row does not hold them.
    """
    return Balance(
        marks["data-household"],
        int(marks["data-needs"]),
        {part: int(marks[f"data-{part}"]) for part in BALANCE_PARTS},
    )


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was done to a device at home."""

    device_id: str
    at: datetime


def add_presses(needs: Sequence[Need], done: Sequence[Done]) -> None:
    """Give each need the act that opened it: the last one on its device before it was heard."""
    for need in needs:
        heard = need.steps.get(Step.HEARD)
        if heard is None:
            continue
        before = [
            act.at
            for act in done
            if act.device_id == need.device_id and act.at <= heard + _CLOCK_SLACK
        ]
        if before:
            need.reach(Step.PRESSED, min(max(before), heard))


def times_table(needs: Sequence[Need], language: str) -> tuple[list[str], list[list[str]]]:
    """Lay out the milliseconds from each step to the next one that was reached.

    Returns:
        The heads, and one row a need: its device, a figure for each step, its outcome.
    """
    heads = [sentence(language, "need")]
    heads += [sentence(language, f"step_{step}") for step in Step if step is not Step.PRESSED]
    heads.append(sentence(language, "outcome"))
    rows = []
    for need in needs:
        row = [thing(language, need.device_id)]
        before = need.steps.get(Step.PRESSED)
        for step in list(Step)[1:]:
            at = need.steps.get(step)
            row.append("" if at is None or before is None else _ms(language, at - before))
            before = at or before
        row.append(thing(language, need.state))
        rows.append(row)
    return heads, rows


def _ms(language: str, span: timedelta) -> str:
    ms = span / timedelta(milliseconds=1)
    return figure(language, f"{ms:.1f}" if ms < 10 else f"{ms:,.0f}")
