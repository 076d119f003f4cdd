"""Whether a purpose is consented to, from the rows of its ledger alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """What a consent is for. A name is never reused."""

    REPLENISH = "replenish"
    """To turn the household's need signals into quotes and orders."""
    OFFERS = "offers"
    """To turn moments at home into offers, and to use signals for that."""
    FORECASTS = "forecasts"
    """To learn from the household's history what is typical of a product, for all households."""
    DIAGNOSTICS = "diagnostics"
    """To use health reports of gateways and devices beyond running the service."""


class Method(StrEnum):
    """How a person said it."""

    PAGE = "page"
    """With a control on the household's page."""
    SETUP = "setup"
    """While the household was set up."""
    ERASURE = "erasure"
    """With the wish that the household's data be erased; a withdrawal only."""


NOTICE_VERSIONS: Final = {purpose: "2026-11" for purpose in Purpose}
"""Version of the words that a person is shown before a grant."""


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One entry of the ledger; entries are only ever added."""

    consent_id: int
    """Grows with every entry of the ledger."""
    purpose: Purpose
    granted: bool
    """False for a withdrawal."""
    person_id: str
    recorded_at: datetime
    notice_version: str
    language: str
    method: Method


def current(rows: Iterable[ConsentRow], purpose: Purpose) -> ConsentRow | None:
    """Give the entry that stands: the last one of the purpose, grant or withdrawal."""
    of_purpose = (row for row in rows if row.purpose is purpose)
    return max(of_purpose, key=lambda row: row.consent_id, default=None)


def live_grant(rows: Iterable[ConsentRow], purpose: Purpose) -> ConsentRow | None:
    """Give the grant that a decision may rely on; None if there is none, or it was withdrawn."""
    standing = current(rows, purpose)
    return standing if standing is not None and standing.granted else None
