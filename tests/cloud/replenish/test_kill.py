"""Exactly one order, whichever process is killed between the request and its answer."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from business_builders import Business
from shop_process import ShopProcess
from zodra_cloud.consent.service import Purpose
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database

WITHIN_S = 60
WORKER = Path(__file__).parents[2] / "business_worker.py"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ShopProcess]:
    folder = tmp_path / "shop"
    folder.mkdir()
    with ShopProcess(folder, shipped_after_s=86_400) as running:
        yield running


def worker(database_url: str, shop: ShopProcess) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), database_url, shop.url, "worker"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until(said: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not said():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def confirmed(home: Business, shop: ShopProcess) -> str:
    home.press()
    home.do_jobs()
    # Only the worker under test may answer the shop from here on.
    shop.fault(timeout_after_accept=1)
    placed = home.confirm(home.quotes()[0])
    assert isinstance(placed, Confirmed)
    return placed.order_key


@pytest.mark.parametrize("killed", ["worker", "shop"])
def test_a_kill_between_request_and_answer_leaves_one_order(
    database: Database, database_url: str, shop: ShopProcess, killed: str
) -> None:
    client = shop.client()
    home = Business(database, clock=SystemClock(), shop=client).set_up(Purpose.REPLENISH)
    key = confirmed(home, shop)
    running = worker(database_url, shop)
    try:
        until(lambda: len(shop.orders(key)) == 1)
        assert home.order(key).order.state is OrderState.SUBMITTING
        if killed == "worker":
            running.kill()
            running.wait()
            running = worker(database_url, shop)
        else:
            shop.kill()
            shop.__enter__()
        until(lambda: home.order(key).order.state is OrderState.PLACED)
    finally:
        running.kill()
        running.wait()
        client.close()
    assert len(shop.orders(key)) == 1
    passed = [step.state.value for step in home.order(key).steps]
    assert passed == ["confirmed", "submitting", "unknown", "placed"]
    assert home.balance().adds_up
