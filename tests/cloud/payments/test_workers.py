"""Two workers at one payment, and a worker that is killed at it: the money is held once."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paying.home import PayingHome, paying_home
from paying.peer import GOOD, Stripe
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.payments.stripe.provider import StripeProvider
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database

WORKER = Path(__file__).parents[2] / "paying_worker.py"
WITHIN_S = 60

CONFIRM = "POST /v1/payment_intents/.*/confirm"
CAPTURE = "POST /v1/payment_intents/.*/capture"


def mandated(home: PayingHome, peer: Stripe) -> PayingHome:
    assert home.gives_mandate(peer.counter, GOOD).state.value == "live"
    return home


@pytest.mark.parametrize("verb", ["prepare", "authorize"])
def test_two_workers_that_ask_at_the_same_time_hold_the_money_once(
    home: PayingHome, peer: Stripe, provider: StripeProvider, verb: str
) -> None:
    """One is taken for dead while it waits for an answer, and goes on when the other is done."""
    mandated(home, peer)
    key = home.ordered()
    other_worked = False

    class Slow:
        """The provider, so slow that the lease of whoever asks runs out meanwhile."""

        def __getattr__(self, name: str) -> Any:
            return getattr(provider, name) if name != verb else self._slowly

        def _slowly(self, *asked: Any) -> Any:
            nonlocal other_worked
            answer = None if verb == "authorize" else provider.prepare(*asked)
            if not other_worked:
                other_worked = True
                # What was made is not listed yet where the other one looks.
                peer.proxy.break_next("rewrite", "limit=", pattern=r"pa_\w+", becomes="pa_other")
                if verb == "prepare":
                    peer.proxy.break_next("drop", CONFIRM)
                home.clock.advance(120)
                home.do_jobs()
            return provider.authorize(*asked) if answer is None else answer

    home.use(Slow())
    with pytest.raises(AssertionError, match="taken over"):
        home.do_jobs()
    home.waits(2)
    assert other_worked
    assert (home.state(key), peer.money(key)) == ("authorized", ["requires_capture"])


def test_two_workers_at_one_payment_hold_the_money_once(home: PayingHome, peer: Stripe) -> None:
    """A worker is taken for dead while it works, and wakes up after the other was done."""
    mandated(home, peer)
    key = home.ordered()
    with home.database.write() as connection:
        (first,) = [
            each
            for each in jobs.claim(
                connection, owner="one", now=home.clock.now(), limit=50, lease_s=0.001
            )
            if each.kind == "pay"
        ]
    home.clock.advance(1)
    home.do_jobs()
    assert home.state(key) == "authorized"
    with pytest.raises(AssertionError, match="taken over"):
        home.do(first)
    home.do_jobs()
    assert (home.state(key), peer.money(key)) == ("authorized", ["requires_capture"])
    assert len(peer.charges(key)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_that_is_killed_while_it_asks_holds_the_money_once(
    database: Database, database_url: str, peer: Stripe, provider: StripeProvider
) -> None:
    home = mandated(paying_home(database, provider), peer)
    key = home.ordered()
    _kill_between(peer, database_url, CONFIRM, lambda: home.state(key) == "authorized")
    assert peer.money(key) == ["requires_capture"]
    assert len(peer.charges(key)) == 1


def test_a_worker_that_is_killed_while_it_takes_the_money_takes_it_once(
    sqlite_home: PayingHome, tmp_path: Path, peer: Stripe
) -> None:
    home = mandated(sqlite_home, peer)
    key = home.ordered()
    home.do_jobs()
    told = home.shop.advance(key, ShopOrderState.SHIPPED)
    home.replenisher.hear_event(told, "ev-1", home.clock.now())
    url = f"sqlite:///{tmp_path / 'alone.db'}"
    _kill_between(peer, url, CAPTURE, lambda: home.state(key) == "captured")
    assert peer.money(key) == ["succeeded"]
    assert len(peer.charges(key)) == 1


def _kill_between(peer: Stripe, url: str, asked: str, through: Callable[[], bool]) -> None:
    peer.proxy.break_next("hang", asked)
    running = _worker(url, peer)
    try:
        _until(lambda: any(re.search(asked, each) for each in peer.proxy.seen))
        running.kill()
        running.wait()
        running = _worker(url, peer)
        _until(through)
    finally:
        running.kill()
        running.wait()


def _worker(database_url: str, peer: Stripe) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), database_url, peer.proxy.url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _until(said: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not said():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
