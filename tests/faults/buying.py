"""Households that press, answer twice at once and change their minds, while everything breaks.

Run by `test_orders` as a process of its own: FOLDER DATABASE_URL WORKERS ORDERS CHANCE.
"""

import json
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from sqlalchemy.exc import DBAPIError

import decide_load
from faults.town import Town
from zodra_cloud import logs
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed

UNDER_WAY_MAX: Final = 200
"""Needs without an end yet; above it nobody presses, so that no price goes stale in a queue."""
PRESSES_AT_ONCE: Final = 20
ANSWERS_AT_ONCE: Final = 100
PERSON: Final = "u-1"
TRY_AGAIN_MAX: Final = 10
END_S_MAX: Final = 900.0
"""For the last needs, when nothing is broken any more; most of it is waiting to ask again."""
FINAL: Final = "('delivered', 'already_on_its_way', 'refused', 'expired')"
OUR_JOBS: Final = "('decide', 'quote', 'place', 'follow', 'cancel', 'expire_quote')"
ASKS_SHOP: Final = "('quote', 'place', 'follow', 'cancel')"

BREAKS: Final = {
    "break_shop": (1, 20),
    "steal_leases": (1, 10),
    "change_minds": (5, 60),
    "kill": (10, 190),
    "check_balance": (400, 600),
}
"""What happens, and between how many orders: one in a hundred orders is a kill."""

Rows = Sequence[Any]


@dataclass
class Street:
    """The households of one town, and what chance does to all of it."""

    town: Town
    dice: random.Random
    orders: int
    """How many the shop shall take."""
    pressed: int = 0
    confirmed: dict[str, str] = field(default_factory=dict)
    """Household by order key: what it said yes to."""
    needs: int = 0
    did: Counter[str] = field(default_factory=Counter)
    _next: Counter[str] = field(default_factory=Counter)
    """After how many orders each thing breaks again."""

    def __post_init__(self) -> None:
        self.database = self.town.household.database

    # What households do

    def press(self) -> None:
        """Let some households press their button for the first time, and a few once more."""
        first, self.pressed = self.pressed, self.pressed + PRESSES_AT_ONCE
        decide_load.store(self.database, range(first, self.pressed))
        # Some press again at once, some when the order of the first press is anywhere.
        again = self.dice.sample(range(max(0, first - 300), self.pressed), PRESSES_AT_ONCE // 10)
        ids = [f"hh-{number}" for number in again]
        decide_load.press_again(self.database, ids, f"p_{self.pressed}")
        self.needs += PRESSES_AT_ONCE + len(ids)

    def answer(self, pool: ThreadPoolExecutor) -> int:
        """Let households answer their quotes: most say yes, each of them twice at the same time."""
        found = self._rows(
            "SELECT household_id, quote_id, snapshot_hash FROM quotes WHERE state = 'open'"
            f" LIMIT {ANSWERS_AT_ONCE}"
        )
        twice = [quote for quote in found for _click in range(2)]
        rolls = [self.dice.random() for _quote in found]
        no = {quote[1] for quote, roll in zip(found, rolls, strict=True) if roll < 0.02}
        said = list(pool.map(lambda quote: self._say(quote, yes=quote[1] not in no), twice))
        for quote, first, second in zip(found, said[::2], said[1::2], strict=True):
            keys = {each.order_key for each in (first, second) if isinstance(each, Confirmed)}
            assert len(keys) <= 1, (quote, first, second)
            for key in keys:
                self.confirmed[key] = quote[0]
        return len(found)

    def _say(self, quote: Rows, *, yes: bool) -> object:
        household_id, quote_id, snapshot_hash = quote
        who: dict[str, Any] = {"person_id": PERSON, "changes": self.town.household.changes}
        for attempt in range(TRY_AGAIN_MAX):
            now = self.town.household.clock.now()
            try:
                with self.database.write(household_id) as connection:
                    if not yes:
                        return replenish.decline(connection, household_id, quote_id, now=now, **who)
                    return replenish.confirm(
                        connection,
                        household_id,
                        quote_id,
                        snapshot_hash=snapshot_hash,
                        label="Order with obligation to pay",
                        language="en",
                        now=now,
                        **who,
                    )
            except DBAPIError:
                # Another process wrote for longer than we wait, as in a checkpoint.
                if attempt == TRY_AGAIN_MAX - 1:
                    raise
        return None

    def change_minds(self) -> None:
        """Let one household cancel, wherever its order stands."""
        if not self.confirmed:
            return
        key = self.dice.choice(list(self.confirmed)[-200:])
        now, changes = self.town.household.clock.now(), self.town.household.changes
        with self.database.write(self.confirmed[key]) as connection:
            replenish.cancel(
                connection, self.confirmed[key], key, person_id=PERSON, now=now, changes=changes
            )
        self.did["wishes to cancel"] += 1

    # What breaks

    def break_shop(self) -> None:
        """Give the shop its next ailments, each for so many requests."""
        dice = self.dice
        self.fault_shop(
            # A silent shop costs a worker its ten seconds, so it is the rarest.
            timeout_after_accept=int(dice.random() < 0.03),
            hang_up_after_accept=dice.randrange(6),
            fail_500=dice.randrange(4),
            garbage=dice.randrange(4),
            huge=int(dice.random() < 0.1),
            error_rate=dice.choice((0, 0, 0.02)),
            payment_declined=dice.choice((0, 0, 1)),
            # Every price that waits for its yes goes stale by it.
            price_factor=1.2 if dice.random() < 0.03 else 1,
            duplicate_events=dice.random() < 0.05,
            reverse_events=dice.random() < 0.05,
        )

    def fault_shop(self, **faults: Any) -> None:
        """Tell the shop, which may be starting anew."""
        try:
            self.town.shop.fault(**faults)
        except httpx2.HTTPError:
            self.did["shop was away"] += 1

    def kill(self) -> None:
        """SIGKILL one process at an instant that nothing else decides."""
        time.sleep(self.dice.uniform(0.0, 0.3))
        self.town.kill(self.dice.choice(self.town.killable))
        self.did["kills"] += 1

    def steal_leases(self) -> None:
        """Let leases run out while their jobs are done, as if a worker had been too slow."""
        with self.database.write() as connection:
            stolen = connection.exec_driver_sql(
                "UPDATE jobs SET lease_until = 1 WHERE state = 'leased' AND job_id IN"
                " (SELECT job_id FROM jobs WHERE state = 'leased' ORDER BY job_id LIMIT 2)"
            )
        self.did["leases lost"] += stolen.rowcount

    # A run

    def run(self) -> None:
        """Press until the shop took enough, break things all the while, then let it end.

        What breaks next is a matter of orders rather than of seconds, so that a machine on which
        all this is slow gets on between two kills as well.
        """
        with ThreadPoolExecutor(8) as pool:
            while (taken := self._taken()) < self.orders:
                if self._under_way() < min(UNDER_WAY_MAX, self.orders):
                    self.press()
                answered = self.answer(pool)
                for what, between in BREAKS.items():
                    if taken >= self._next[what]:
                        self._next[what] = taken + self.dice.randint(*between)
                        getattr(self, what)()
                if answered < ANSWERS_AT_ONCE:
                    time.sleep(0.05)
            self.let_it_end(pool)

    def let_it_end(self, pool: ThreadPoolExecutor) -> None:
        """Mend everything, answer what is left, and wait for the last need."""
        self.fault_shop(
            **dict.fromkeys(
                ("timeout_after_accept", "hang_up_after_accept", "fail_500", "garbage", "huge"), 0
            ),
            error_rate=0,
            price_factor=1,
            payment_declined=0,
            duplicate_events=False,
            reverse_events=False,
        )
        until_s = time.monotonic() + END_S_MAX
        while left := self._under_way():
            assert time.monotonic() < until_s, (left, self._stuck(), self.town.said())
            self._let_time_pass()
            if not self.answer(pool):
                time.sleep(0.5)

    def _let_time_pass(self) -> None:
        """Bring what waits to ask a shop again to its instant, so that nobody waits for that."""
        with self.database.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE jobs SET due_at = {int(time.time() * 1_000)}"
                f" WHERE state = 'ready' AND kind IN {ASKS_SHOP}"
            )

    # What must be true

    def check_balance(self) -> None:
        """See that every need of every household is in exactly one place, at this moment."""
        with self.database.read() as connection:
            balances = replenish.operator_balances(connection)
        assert [each for each in balances if not each.adds_up] == []
        self.did["balances looked at"] += len(balances)

    def check_end(self) -> None:
        """Compare what the shop sold with what was said yes to, and see that all has ended."""
        self.check_balance()
        with self.database.read() as connection:
            balances = replenish.operator_balances(connection)
        waiting = [each for each in balances if each.pending or each.asked or each.unclear]
        assert waiting == []
        assert sum(each.needs for each in balances) == self.needs
        dead = self._rows(f"SELECT * FROM jobs WHERE state = 'dead' AND kind IN {OUR_JOBS}")
        assert dead == []
        with closing(sqlite3.connect(self.town.shop_file)) as shop:
            sold = Counter(key for (key,) in shop.execute("SELECT reference FROM orders"))
        ours = {
            key: (household_id, signal_id, state)
            for key, household_id, signal_id, state in self._rows(
                "SELECT order_key, household_id, signal_id, state FROM orders"
            )
        }
        twice = {key: times for key, times in sold.items() if times > 1}
        assert twice == {}
        assert set(sold) <= set(ours), "the shop has an order that we do not know"
        assert set(sold) <= set(self.confirmed), "nobody said yes to it"
        # One need, one order, however many prices it was asked at.
        needs = Counter(ours[key][:2] for key in sold)
        assert {need: times for need, times in needs.items() if times > 1} == {}
        delivered = {key for key, (_, _, state) in ours.items() if state == "delivered"}
        assert delivered <= set(sold), "we tell of an order that the shop does not have"
        self.did["orders at the shop"] = len(sold)
        self.did["orders delivered"] = len(delivered)

    def _under_way(self) -> int:
        (row,) = self._rows(f"SELECT count(*) FROM need_signals WHERE state NOT IN {FINAL}")
        return int(row[0])

    def _taken(self) -> int:
        (row,) = self._rows("SELECT count(*) FROM orders WHERE shop_order_id IS NOT NULL")
        return int(row[0])

    def _stuck(self) -> Rows:
        return self._rows(
            "SELECT j.kind, j.state, j.failures, j.last_error, count(*) FROM jobs j"
            f" WHERE j.state <> 'done' AND j.kind IN {OUR_JOBS} GROUP BY 1, 2, 3, 4"
        )

    def _rows(self, sql: str) -> Rows:
        with self.database.read() as connection:
            return connection.exec_driver_sql(sql).fetchall()


def main() -> None:
    """Run one street to its end, and say what was done."""
    folder, url, workers, orders, name = sys.argv[1:]
    logs.set_up("error")
    with Town(Path(folder), url, int(workers)) as town:
        street = Street(town, random.Random(name), int(orders))
        try:
            street.run()
            street.check_end()
        except BaseException:
            print(town.said(), file=sys.stderr)
            raise
    print(json.dumps({"needs": street.needs, "confirmed": len(street.confirmed), **street.did}))


if __name__ == "__main__":
    main()
