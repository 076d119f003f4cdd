"""The service orders at the shop that its settings choose: one need, from press to delivered."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

import decide_load
from merchants.started import Started
from shop_process import free_port
from zodra_cloud import settings
from zodra_cloud.app import Cloud
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed

T = TypeVar("T")
WITHIN_S = 60.0
HOUSEHOLD = "hh-0"
CONFIG = """
database_url = "sqlite:///{folder}/cloud.db"
data_dir = "data"
log_level = "warning"
[web]
port = {port}
[broker]
port = 1
password_file = "broker.password"
[shop]
kind = "oscar"
base_url = "http://127.0.0.1:{shop_port}"
private_address_allowed = true
[shop.terms]
merchant_id = "oscars"
merchant_name = "Oscar's"
[shop.oscar]
username = "zodra"
password_file = "shop.password"
"""


@pytest.fixture
def household(tmp_path: Path, started: Started) -> Iterator[Cloud]:
    """The household's side of a service that runs beside it, with one press to decide."""
    (tmp_path / "broker.password").write_text("a secret\n")
    (tmp_path / "shop.password").write_text("shop-password\n")
    config = tmp_path / "cloud.toml"
    port, shop_port = free_port(), started.oscar().port
    config.write_text(CONFIG.format(folder=tmp_path, port=port, shop_port=shop_port))
    decide_load.prepare(f"sqlite:///{tmp_path}/cloud.db", 1)
    cloud = Cloud(settings.load(config), instance="household", beside=True)
    with closing(cloud):
        do(cloud, "UPDATE slots SET sku = '1'")
        serving = subprocess.Popen(
            [sys.executable, "-m", "zodra_cloud", "serve", "--config", str(config)],
            stdout=subprocess.DEVNULL,
        )
        try:
            yield cloud
        finally:
            serving.terminate()
            serving.wait(WITHIN_S)


def do(cloud: Cloud, sql: str) -> None:
    with cloud.database.write() as connection:
        connection.exec_driver_sql(sql)


def until(look: Callable[[], T]) -> T:
    deadline = time.monotonic() + WITHIN_S
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return found


def needs(cloud: Cloud) -> list[Any]:
    with cloud.database.read() as connection:
        return list(connection.exec_driver_sql("SELECT state FROM need_signals").scalars())


def quotes(cloud: Cloud) -> list[replenish.StoredQuote]:
    with cloud.database.read() as connection:
        return replenish.open_quotes(connection, HOUSEHOLD)


def test_a_need_is_quoted_ordered_and_delivered_at_the_real_oscar(
    household: Cloud, started: Started
) -> None:
    (quote,) = until(lambda: quotes(household))
    assert quote.snapshot is not None
    assert quote.snapshot.merchant_name == "Oscar's"
    with household.database.write(HOUSEHOLD) as connection:
        said = replenish.confirm(
            connection,
            HOUSEHOLD,
            quote.quote_id,
            snapshot_hash=quote.snapshot_hash or "",
            label="Order with obligation to pay",
            language="en",
            person_id="u-1",
            now=household.clock.now(),
            changes=household.changes,
        )
    assert isinstance(said, Confirmed)
    until(lambda: needs(household) == ["ordered"])
    shop = started.oscar()
    assert shop.count(said.order_key) == 1
    shop.sql(
        "UPDATE order_order SET status = 'Delivered' WHERE shipping_address_id IN"
        " (SELECT id FROM order_shippingaddress WHERE notes = ?)",
        f"zodra:{said.order_key}",
    )
    # An oscar without the plug-in tells nothing by itself; the next look is in a quarter minute.
    do(household, "UPDATE jobs SET due_at = 1 WHERE kind = 'follow' AND state = 'ready'")
    until(lambda: needs(household) == ["delivered"])
    assert shop.count(said.order_key) == 1
