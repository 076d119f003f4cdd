"""What of the room depends on the country, the operator and the other rooms."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.law.labels import Labels
from zodra_cloud.law.letters import Trader
from zodra_cloud.law.policy.period import ALL_EXCLUSIONS, DAYS, Exclusion
from zodra_cloud.replenish.models import StoredOrder
from zodra_cloud.replenish.snapshot import Snapshot


class RefundAnswer(StrEnum):
    """What the room that took the money says to a refund."""

    UNDER_WAY = "under_way"
    """It sees to it, and notes it on the order when the money has gone."""
    NOT_YET = "not_yet"
    """The money is not taken yet, or it is not known whether; ask again."""
    NOTHING_TAKEN = "nothing_taken"
    """And nothing will be: there is nothing to give back."""
    NOT_TAKEN_HERE = "not_taken_here"
    """The shop took it; it is asked to give it back."""
    NEEDS_PERSON = "needs_person"


class Refunder(Protocol):
    """Gives money back for a withdrawal, in the unit of work of the job that asks."""

    def __call__(
        self,
        connection: Connection,
        order: StoredOrder,
        /,
        *,
        amount_minor: int,
        cause: str,
        now: datetime,
        changes: Changes,
    ) -> RefundAnswer:
        """Set a refund going; the same cause is the same refund, however often it is asked."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """What a household saw: a page, and of which making."""

    html: str
    version: str
    """Changes with every template and text of it."""


Show = Callable[[StoredOrder, Snapshot, str], Page]
"""Renders the quote of an order as the page showed it when it was confirmed, in a time zone."""


def show_nothing(_order: StoredOrder, _snapshot: Snapshot, _time_zone: str) -> Page:
    """There is no page in this process; the proof then holds the facts, not their looks."""
    return Page("", "")


def shop_gives_back(
    _connection: Connection,
    _order: StoredOrder,
    /,
    *,
    amount_minor: int,
    cause: str,
    now: datetime,
    changes: Changes,
) -> RefundAnswer:
    """No money goes through us, so it is the shop that gives it back."""
    return RefundAnswer.NOT_TAKEN_HERE


@dataclass(frozen=True, slots=True)
class Rules:
    """How the room works; the defaults are the ones that give a household the most."""

    country: str = "NL"
    public_url: str = "http://127.0.0.1:8080"
    mail_on: bool = False
    labels: Labels = field(default_factory=lambda: Labels("NL"))
    trader: Trader = field(default_factory=Trader)
    days_min: int = DAYS
    exclusions: frozenset[Exclusion] = ALL_EXCLUSIONS
    may_wait_for_goods: bool = True
    show: Show = show_nothing
    refund: Refunder = shop_gives_back


DEFAULT: Final = Rules()
