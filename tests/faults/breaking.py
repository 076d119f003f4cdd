"""What breaks on a street, and how each thing is broken; chance says when."""

import json
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from sqlalchemy.exc import DBAPIError
from standardwebhooks import Webhook

from faults.accounts import Findings
from faults.shopline import Point, keyless
from faults.town import HOUSEHOLD, SHOP, Town

TAKEN_OVER_S_MAX: Final = 3.0
LOOK_S: Final = 0.02
HELD_S: Final = 3.0
"""How long the shop ships nothing before households cancel, and again before it ships. By the
clock: orders that wait for their parcels keep others from being pressed, so that a number of orders
might never be reached."""
FORGER: Final = "whsec_" + "c29tZWJvZHkgZWxzZSdzIHNlY3JldA=="
POINTS: Final = {
    Point.KILL_BEFORE_SEND: 4,
    Point.KILL_ON_THE_WAY: 4,
    Point.KILL_AFTER_ACCEPT: 4,
    Point.KILL_AFTER_ANSWER: 4,
    Point.KILL_SHOP: 2,
    Point.STOP: 10,
    Point.RESET_BEFORE: 15,
    Point.RESET_AFTER: 30,
    # Holds a thread of a worker for its ten seconds.
    Point.SILENCE: 12,
    Point.UNAVAILABLE: 10,
    Point.FAILED_AFTER: 10,
    Point.NONSENSE_AFTER: 5,
}
"""What may happen to a request that orders something, by weight."""


@dataclass
class Breaker:
    """Breaks one town."""

    town: Town
    dice: random.Random
    keyless_percent: int
    confirmed: dict[str, str]
    """Household by order key, of the street."""
    did: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=dict)
    _held_since_s: float | None = None
    _cancel_told: bool = False

    def __post_init__(self) -> None:
        self.town.on_stopped = self.let_go_on

    def mend(self) -> None:
        """Start what was killed."""
        for name in self.town.mend():
            self.did["kills"] += 1
            self.did["kills of the shop"] += name == SHOP

    def cancel_now(self) -> bool:
        """Tell, once a spell, that the shop holds parcels and can still cancel; then end it."""
        since_s = self._held_since_s
        if since_s is None or (held_s := time.monotonic() - since_s) < HELD_S:
            return False
        if held_s > 2 * HELD_S:
            self.fault_shop(hold_parcels=False)
        told, self._cancel_told = self._cancel_told, True
        return not told

    def heal(self) -> None:
        """Break nothing any more."""
        self.town.line.disarm()
        self.mend()
        self.fault_shop(
            **dict.fromkeys(("fail_500", "garbage", "huge", "payment_declined"), 0),
            error_rate=0,
            price_factor=1,
            duplicate_events=False,
            reverse_events=False,
            hold_parcels=False,
        )

    def break_shop(self) -> None:
        """Give the shop its next ailments, each for so many requests."""
        dice = self.dice
        self.fault_shop(
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
        if dice.random() < 0.1 and self._held_since_s is None:
            self.fault_shop(hold_parcels=True)

    def fault_shop(self, **faults: Any) -> None:
        """Tell the shop, which may be starting anew."""
        try:
            self.town.shop.fault(**faults)
        except httpx2.HTTPError:
            self.did["shop was away"] += 1
            return
        if "hold_parcels" in faults:
            self._held_since_s = time.monotonic() if faults["hold_parcels"] else None
            self._cancel_told = False
        for name in ("duplicate_events", "reverse_events", "hold_parcels"):
            self.did[f"spells of {name.replace('_', ' ')}"] += bool(faults.get(name))

    def break_line(self) -> None:
        """Let something happen to the next request that orders something."""
        self.town.line.arm(*self.dice.choices(list(POINTS), list(POINTS.values())))

    def kill(self) -> None:
        """SIGKILL one process at an instant that nothing else decides."""
        time.sleep(self.dice.uniform(0.0, 0.05))
        self.town.kill(self.dice.choice(self.town.killable))
        self.did["killed at random"] += 1

    def steal_leases(self) -> None:
        """Let leases run out while their jobs are done, as if a worker had been too slow."""
        try:
            self._expire("", at_most=2)
        except sqlite3.OperationalError:
            self.did["leases not lost, for a lock"] += 1

    def _expire(self, and_where: str, at_most: int) -> int:
        """Let leases run out, but none under which an order may be in flight to a keyless shop.

        A lease is six times as long as a request may last, so none of them outlives it; and
        no service can keep a shop without keys from selling what is in flight twice.
        """
        leased = self.town.rows(
            "SELECT job_id, lease_token, kind, key FROM jobs"
            f" WHERE state = 'leased' AND lease_until > 1 {and_where} ORDER BY job_id LIMIT 20"
        )
        safe = [
            each
            for each in leased
            if each[2] != "place" or not keyless(each[3].rpartition(":")[2], self.keyless_percent)
        ]
        return sum(self._run_out(each[0], each[1]) for each in safe[:at_most])

    def _run_out(self, job_id: int, token: int) -> int:
        sql = (
            "UPDATE jobs SET lease_until = 1 WHERE state = 'leased'"
            f" AND job_id = {job_id} AND lease_token = {token}"
        )
        if self.town.sqlite_file is None:
            with self.town.household.database.write() as connection:
                # A process that stands still may hold the row.
                connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
                lost = connection.exec_driver_sql(sql).rowcount
        else:
            # Beside the one writer of this process, which may wait for a lock for seconds.
            with closing(sqlite3.connect(self.town.sqlite_file, timeout=0.5)) as file:
                file.execute("PRAGMA wal_autocheckpoint=0")
                lost = file.execute(sql).rowcount
                file.commit()
        self.did["leases lost"] += lost
        return int(lost)

    def let_go_on(self, name: str) -> None:
        """Let the leases of a process that stands still run out, wait for others, let it go on."""
        owner = self.town.owner(name)
        try:
            if self._expire(f"AND lease_owner = '{owner}'", at_most=10):
                self.did["stopped for longer than its lease"] += 1
                self._wait_until_taken_over(owner)
        except (DBAPIError, sqlite3.OperationalError):
            # It holds a lock that everybody waits for.
            self.did["stopped inside a transaction"] += 1
        finally:
            self.town.go_on(name)

    def _wait_until_taken_over(self, owner: str) -> None:
        if self.town.household.database.dialect == "sqlite":
            return
        until_s = time.monotonic() + TAKEN_OVER_S_MAX
        while time.monotonic() < until_s:
            (left,) = self.town.rows(
                "SELECT count(*) FROM jobs WHERE state = 'leased' AND lease_until = 1"
                f" AND lease_owner = '{owner}'"
            )
            if not left[0]:
                self.did["taken over from a process that stands still"] += 1
                return
            time.sleep(LOOK_S)

    def lose_connections(self) -> None:
        """End some of the service's connections inside PostgreSQL."""
        if self.town.household.database.dialect == "sqlite":
            return
        ended = self.town.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND application_name <> '{HOUSEHOLD}'"
            " ORDER BY random() LIMIT 3"
        )
        self.did["database connections lost"] += len(ended)

    def forge_event(self) -> None:
        """Tell the service of a delivery that no shop has signed."""
        if not self.confirmed:
            return
        key = self.dice.choice(list(self.confirmed)[-100:])
        event_id = f"ev_{self.dice.getrandbits(64):x}"
        now = datetime.now(UTC)
        body = json.dumps({"type": "order.delivered", "order": {"reference": key}})
        headers = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(FORGER).sign(event_id, now, body),
        }
        url = f"http://127.0.0.1:{self.town.port}/merchants/ucp/events"
        try:
            answer = httpx2.post(url, content=body, headers=headers, trust_env=False)
        except httpx2.HTTPError:
            return
        if answer.status_code != 401:
            self.findings["a forged event was taken"] = [str(answer.status_code)]
        self.did["forged events"] += 1
