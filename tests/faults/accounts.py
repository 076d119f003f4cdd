"""The account of a street: what the shop sold, against what was said yes to, need by need."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from faults.shopline import ShopLine
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database
from zodra_contract.ids import derived_id

OUR_JOBS: Final = "('decide', 'quote', 'place', 'follow', 'cancel', 'expire_quote')"
SHOWN_MAX: Final = 5

Rows = Sequence[Any]
Findings = dict[str, list[str]]
"""What is wrong, by the check that noticed, with some examples; empty if all is well."""


@dataclass(frozen=True)
class Sold:
    """One order in the shop's own file."""

    order_id: str
    reference: str
    session_id: str
    buyer: str
    units: int
    status: str


@dataclass(frozen=True)
class Told:
    """One order as we tell of it."""

    household_id: str
    order_key: str
    signal_id: str
    state: str
    shop_order_id: str | None


def balance(database: Database, needs: int | None = None) -> Findings:
    """See that every need of every household is in exactly one place, at this moment."""
    with database.read() as connection:
        balances = replenish.operator_balances(connection)
    found = {"the balance": [str(each) for each in balances if not each.adds_up]}
    if needs is not None:
        found["needs without an end"] = [
            str(each) for each in balances if each.pending or each.asked or each.unclear
        ]
        counted = sum(each.needs for each in balances)
        found["needs lost or made up"] = [] if counted == needs else [f"{counted} of {needs}"]
    return _only_what_is_wrong(found)


def compare(
    rows: Callable[[str], Rows], shop_file: Path, line: ShopLine, said_yes: Mapping[str, str]
) -> tuple[Findings, Counter[str]]:
    """Compare the shop's own file with our orders, and with each request that was sent.

    Args:
        rows: reads our database.
        shop_file: the shop's.
        line: between the two.
        said_yes: household by order key.

    Returns:
        What is wrong, and the figures.
    """
    sold = _sold(shop_file)
    told = [
        Told(*row)
        for row in rows(
            "SELECT household_id, order_key, signal_id, state, shop_order_id FROM orders"
        )
    ]
    dead = rows(
        f"SELECT kind, key, last_error FROM jobs WHERE state = 'dead' AND kind IN {OUR_JOBS}"
    )
    found = {
        **_doubled(sold, told),
        **_unknown(sold, told, said_yes),
        "another key for one session": [
            session_id for session_id, keys in line.keys.items() if len(keys) > 1
        ],
        "a key that is not the order's": sorted(
            set(line.asked) - {each.order_key for each in told}
        ),
        "dead jobs": [str(tuple(each)) for each in dead],
    }
    figures = Counter(
        {
            "orders at the shop": len(sold),
            "orders delivered": sum(each.state == "delivered" for each in told),
            "orders cancelled at the shop": sum(each.status == "canceled" for each in sold),
            "keys asked more than once": sum(times > 1 for times in line.asked.values()),
        }
    )
    figures["duplicates"] = len(sold) - len({each.reference for each in sold})
    return _only_what_is_wrong(found), figures


def _doubled(sold: Sequence[Sold], told: Sequence[Told]) -> Findings:
    """Look for a second sale of anything, from four sides: each would show what another hides."""
    needs = {each.order_key: (each.household_id, each.signal_id) for each in told}
    households = {derived_id("b", each.household_id): each.household_id for each in told}
    due = Counter(each.household_id for each in told if each.shop_order_id is not None)
    units: Counter[str] = Counter()
    for each in sold:
        units[households.get(each.buyer, each.buyer)] += each.units
    return {
        "two orders under one key": _twice(each.reference for each in sold),
        "two orders of one quote": _twice(each.session_id for each in sold),
        # One need, one order, however many prices it was asked at.
        "two orders for one need": _twice(
            str(needs[each.reference]) for each in sold if each.reference in needs
        ),
        "goods that no order of ours explains": [
            f"{household_id}: {count} for {due[household_id]} orders"
            for household_id, count in units.items()
            if count != due[household_id]
        ],
    }


def _unknown(sold: Sequence[Sold], told: Sequence[Told], said_yes: Mapping[str, str]) -> Findings:
    ours = {each.shop_order_id for each in told} - {None}
    delivered = {each.order_key for each in told if each.state == "delivered"}
    cancelled = {each.order_key for each in told if each.state == "cancelled"}
    given_up = {each.reference for each in sold if each.status == "canceled"}
    bought = {each.reference for each in sold}
    arrived = {each.reference for each in sold if each.status == "delivered"}
    return {
        "an order at the shop that we do not know": [
            each.order_id for each in sold if each.order_id not in ours
        ],
        "an order of ours that the shop does not have": [
            str(each) for each in ours - {each.order_id for each in sold}
        ],
        "sold without a yes": [each.reference for each in sold if each.reference not in said_yes],
        "told of a delivery that the shop has not made": sorted(delivered - arrived),
        "not told of a delivery": sorted(arrived - delivered),
        "told of a cancelling that the shop has not made": sorted(cancelled & bought - given_up),
        "not told of a cancelling": sorted(given_up - cancelled),
    }


def _sold(shop_file: Path) -> list[Sold]:
    with closing(sqlite3.connect(shop_file)) as shop:
        rows = shop.execute(
            "SELECT o.order_id, o.reference, o.session_id,"
            " json_extract(s.document, '$.buyer_reference'),"
            " (SELECT sum(json_extract(line.value, '$.quantity'))"
            "  FROM json_each(s.document, '$.lines') AS line), o.status"
            " FROM orders o JOIN checkout_sessions s USING (session_id)"
        )
        return [Sold(*row) for row in rows]


def _twice(names: Any) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _only_what_is_wrong(found: Mapping[str, list[str]]) -> Findings:
    return {
        check: [f"{len(examples)} in all", *examples[:SHOWN_MAX]]
        for check, examples in found.items()
        if examples
    }
