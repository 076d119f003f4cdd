"""Households that press, answer twice at once and change their minds, while everything breaks.

A process of its own, for one town with its own database, shop and service:

    python -m faults.buying FOLDER DATABASE_URL --workers 2 --orders 1000 --chance 7/orders

SIGTERM ends it early: what is under way still comes to its end, and the account is made.
"""

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import decide_load
from faults import accounts
from faults.accounts import OUR_JOBS, Findings, Rows
from faults.breaking import Breaker
from faults.orders import SO_FAR
from faults.shopline import Replay
from faults.town import Town
from zodra_cloud import logs
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed

UNDER_WAY_MAX: Final = 200
"""Needs without an end yet; above it nobody presses, so that no price goes stale in a queue."""
PRESSES_AT_ONCE: Final = 40
ANSWERS_AT_ONCE: Final = 100
PEOPLE: Final = ("u-1", "u-2")
"""Of one household, each with a device: both say yes to the same quote at the same time."""
END_S_MAX: Final = 300.0
"""For the last needs, when nothing is broken any more."""
NOTHING_TO_DO_S: Final = 0.03
COUNT_AGAIN_S: Final = 0.2
STANDS_STILL_S: Final = 180.0
"""Without one more order; then something is wrong that nothing broken on purpose explains."""
TELL_S: Final = 5.0
FINAL: Final = "('delivered', 'already_on_its_way', 'refused', 'expired')"
ASKS_SHOP: Final = "('quote', 'place', 'follow', 'cancel')"

CANCEL_WHILE_HELD: Final = 10
"""Wishes to cancel before the shop ships again; at other times nearly all of them come too late."""

BREAKS: Final = {
    "break_shop": (1, 20),
    "break_line": (5, 35),
    "steal_leases": (1, 10),
    "change_minds": (5, 60),
    "click_again": (5, 35),
    "forge_event": (20, 60),
    "lose_connections": (60, 140),
    "kill": (50, 250),
    "check_balance": (400, 600),
}
"""What happens, and between how many orders."""


@dataclass
class Street:
    """The households of one town, and what chance does to all of it."""

    town: Town
    dice: random.Random
    orders: int
    """How many the shop shall take."""
    keyless_percent: int = 0
    calm: bool = False
    """Nothing breaks: a control shows its own fault alone."""
    pressed: int = 0
    confirmed: dict[str, str] = field(default_factory=dict)
    """Household by order key: what it said yes to."""
    needs: int = 0
    did: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=dict)
    stopping: bool = False
    _clicked: list[Rows] = field(default_factory=list)
    _next: Counter[str] = field(default_factory=Counter)
    """After how many orders each thing breaks again."""

    def __post_init__(self) -> None:
        self.database = self.town.household.database
        self.breaker = Breaker(
            self.town, self.dice, self.keyless_percent, self.confirmed, self.did, self.findings
        )
        self._began = self._told_at = self._taken_at = time.monotonic()
        self._taken = 0
        self._counted_at = 0.0

    # What households do

    def press(self, households: int) -> None:
        """Let some households press their button for the first time, and a few once more."""
        first, self.pressed = self.pressed, self.pressed + households
        self.town.until_it_works(
            lambda: decide_load.store(self.database, range(first, self.pressed))
        )
        # Some press again at once, some when the order of the first press is anywhere.
        again = self.dice.sample(range(max(0, first - 300), self.pressed), households // 10)
        self.needs += households + len(again)
        if again:
            ids = [f"hh-{number}" for number in again]
            signal_id = f"p_{self.pressed}"
            self.town.until_it_works(lambda: decide_load.press_again(self.database, ids, signal_id))

    def answer(self, pool: ThreadPoolExecutor) -> int:
        """Let households answer their quotes: most say yes, each of them twice at the same time."""
        found = self.town.rows(
            "SELECT household_id, quote_id, snapshot_hash FROM quotes WHERE state = 'open'"
            f" LIMIT {ANSWERS_AT_ONCE}"
        )
        rolls = [self.dice.random() for _quote in found]
        no = {quote[1] for quote, roll in zip(found, rolls, strict=True) if roll < 0.02}
        clicks = [(quote, person) for quote in found for person in PEOPLE]
        said = list(pool.map(lambda it: self._say(*it, yes=it[0][1] not in no), clicks))
        for quote, first, second in zip(found, said[::2], said[1::2], strict=True):
            keys = {each.order_key for each in (first, second) if isinstance(each, Confirmed)}
            if len(keys) > 1:
                self.findings["two orders for two clicks"] = sorted(keys)
            for key in keys:
                self.confirmed[key] = quote[0]
                self._clicked.append(quote)
        self.did["double submits"] += len(found) - len(no)
        return len(found)

    def _say(self, quote: Rows, person_id: str, *, yes: bool) -> object:
        household_id, quote_id, snapshot_hash = quote
        who: dict[str, Any] = {"person_id": person_id, "changes": self.town.household.changes}

        def click() -> object:
            now = self.town.household.clock.now()
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

        return self.town.until_it_works(click)

    def click_again(self) -> None:
        """Say yes once more to a quote of some time ago, wherever its order stands."""
        if self._clicked:
            quote = self.dice.choice(self._clicked[-200:])
            said = self._say(quote, self.dice.choice(PEOPLE), yes=True)
            if isinstance(said, Confirmed) and said.order_key not in self.confirmed:
                self.findings["an order for a late click"] = [said.order_key]
            self.did["late clicks"] += 1

    def change_minds(self, households: int = 1, recent: int = 200) -> None:
        """Let some households cancel one of the recent orders, wherever it stands."""
        if self.confirmed:
            for _household in range(households):
                self._change_mind(self.dice.choice(list(self.confirmed)[-recent:]))

    def _change_mind(self, key: str) -> None:
        now, changes = self.town.household.clock.now(), self.town.household.changes

        def cancel() -> None:
            with self.database.write(self.confirmed[key]) as connection:
                replenish.cancel(
                    connection,
                    self.confirmed[key],
                    key,
                    person_id=PEOPLE[0],
                    now=now,
                    changes=changes,
                )

        self.town.until_it_works(cancel)
        self.did["wishes to cancel"] += 1

    # A run

    def run(self) -> None:
        """Press until the shop took enough, break things all the while, then let it end.

        What breaks next is a matter of orders rather than of seconds, so that a machine on which
        all this is slow gets on between two kills as well.
        """
        with ThreadPoolExecutor(8) as pool:
            while (taken := len(self.town.line.accepted)) < self.orders and self._goes_on(taken):
                self.breaker.mend()
                missing = self.orders - taken
                if self._has_room(missing):
                    self.press(min(PRESSES_AT_ONCE, missing))
                answered = self.answer(pool)
                if not self.calm:
                    self._break(taken)
                if not answered:
                    time.sleep(NOTHING_TO_DO_S)
                self._tell()
            self.let_it_end(pool)

    def _goes_on(self, taken: int) -> bool:
        if taken != self._taken:
            self._taken, self._taken_at = taken, time.monotonic()
        if time.monotonic() - self._taken_at > STANDS_STILL_S:
            self.findings["it stands still"] = [str(each) for each in self._stuck()]
            return False
        return not self.stopping

    def _break(self, taken: int) -> None:
        if self.breaker.cancel_now():
            self.change_minds(CANCEL_WHILE_HELD, recent=4 * CANCEL_WHILE_HELD)
        for what, between in BREAKS.items():
            if taken >= self._next[what]:
                self._next[what] = taken + self.dice.randint(*between)
                self.town.until_it_works(
                    getattr(self if hasattr(self, what) else self.breaker, what)
                )

    def _tell(self) -> None:
        """Say how far it is, for whoever waits."""
        if time.monotonic() - self._told_at >= TELL_S:
            self._told_at = time.monotonic()
            print(f"{SO_FAR}{len(self.town.line.accepted)}", file=sys.stderr, flush=True)

    def let_it_end(self, pool: ThreadPoolExecutor) -> None:
        """Mend everything, answer what is left, and wait for the last need."""
        self.did["seconds"] = round(time.monotonic() - self._began)
        self.breaker.heal()
        until_s = time.monotonic() + END_S_MAX
        while self._under_way():
            if time.monotonic() > until_s:
                self.findings["it did not end"] = [str(each) for each in self._stuck()]
                return
            self.breaker.mend()
            self.town.until_it_works(self._let_time_pass)
            if not self.answer(pool):
                time.sleep(0.2)

    def _let_time_pass(self) -> None:
        """Bring what waits to ask a shop again to its instant, so that nobody waits for that.

        So that an order whose cancelling waits until no request can be in flight any more waits
        no longer either: that none is, is known here.
        """
        now_ms = int(time.time() * 1_000)
        with self.database.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE jobs SET due_at = {now_ms} WHERE state = 'ready' AND due_at > {now_ms}"
                f" AND kind IN {ASKS_SHOP}"
            )
            connection.exec_driver_sql(
                f"UPDATE orders SET unclear_since = unclear_since - 120000 WHERE state = 'unknown'"
                f" AND cancel_wanted_at IS NOT NULL AND unclear_since > {now_ms - 120_000}"
            )

    # What must be true

    def check_balance(self) -> None:
        """See that every need of every household is in exactly one place, at this moment."""
        self.findings.update(accounts.balance(self.database))
        self.did["balances looked at"] += self.pressed

    def check_end(self) -> None:
        """Compare what the shop sold with what was said yes to, and see that all has ended."""
        self.findings.update(accounts.balance(self.database, self.needs))
        found, figures = accounts.compare(
            self.town.rows, self.town.shop_file, self.town.line, self.confirmed
        )
        self.findings.update(found)
        self.did.update(figures)
        self.did.update(self.town.line.did)
        self.did["tries again of a household"] = self.town.tries_again
        self.did["processes that ended by themselves"] = self.town.ended_by_themselves
        self.did["needs"] = self.needs
        self.did["confirmed"] = len(self.confirmed)

    def _has_room(self, missing: int) -> bool:
        """Tell whether more shall press; now and then, since all needs are counted for it."""
        if time.monotonic() - self._counted_at < COUNT_AGAIN_S:
            return False
        self._counted_at = time.monotonic()
        return self._under_way() < min(UNDER_WAY_MAX, missing)

    def _under_way(self) -> int:
        (row,) = self.town.rows(f"SELECT count(*) FROM need_signals WHERE state NOT IN {FINAL}")
        return int(row[0])

    def _stuck(self) -> Rows:
        return self.town.rows(
            "SELECT j.kind, j.state, j.failures, j.last_error, count(*) FROM jobs j"
            f" WHERE j.state <> 'done' AND j.kind IN {OUR_JOBS} GROUP BY 1, 2, 3, 4"
        )


def main(arguments: Sequence[str]) -> int:
    """Run one street to its end, and say what was done; 1 if anything is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--chance", required=True)
    parser.add_argument("--keyless", type=int, default=30)
    parser.add_argument("--replay", type=Replay, action="append", default=[])
    parser.add_argument("--calm", action="store_true")
    given = parser.parse_args(arguments)
    logs.set_up("error")
    town = Town(
        given.folder,
        given.url,
        given.workers,
        keyless_percent=given.keyless,
        replay=given.replay,
    )
    with town:
        dice = random.Random(given.chance)
        street = Street(town, dice, given.orders, given.keyless, given.calm)

        def stop(_number: int, _frame: object) -> None:
            street.stopping = True

        signal.signal(signal.SIGTERM, stop)
        street.run()
        street.check_end()
        if street.findings:
            print(town.said(), file=sys.stderr)
    print(json.dumps({**street.did, "findings": street.findings}))
    return 1 if street.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
