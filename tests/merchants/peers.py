"""The shops that the contract suite runs on, each behind a proxy that breaks what passes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2

from merchants.proxy import Proxy
from plain_http import NO_TLS
from shop_process import API_KEY, ShopProcess, free_port
from zodra_cloud.kit.outgoing import Outgoing
from zodra_cloud.merchants.oscar.api import Account
from zodra_cloud.merchants.oscar.shop import OscarShop
from zodra_cloud.merchants.port import Shop
from zodra_cloud.merchants.terms import Terms
from zodra_cloud.merchants.ucp import UcpShop

ROOT = Path(__file__).parents[2]
SHOPS = Path(__file__).parent / "shops"
PLUGIN = ROOT / "deploy" / "shops" / "oscar"
STARTED_WITHIN_S = 60
TERMS = Terms("the-shop", "The shop", terms_url="https://shop.example/terms")


class Connector(Shop, Protocol):
    """A shop's connector, which has connections to close."""

    def close(self) -> None: ...


Tamper = tuple[str, str, str]
"""Which request, and what in its answer becomes what."""


@dataclass
class Peer:
    """A shop, how to reach it, and what is true of it behind the connector's back."""

    proxy: Proxy
    connect: Callable[[float], Connector]
    sku: str
    scarce: tuple[str, int]
    """Something, and more of it than there is."""
    placing: str
    """The request that makes the order."""
    count: Callable[[str], int]
    """How many orders there really are under a key."""
    reprice: Callable[[bool], None]
    """Make `sku` half as dear again, or as dear as before."""
    empty: Callable[[bool], None]
    """Take `sku` off the shelf, or put it back."""
    tampers: dict[str, Tamper]
    """`currency`, `negative` and `quantity`: a quote that must not be believed."""
    holds_price: bool = False
    """A quote's price is what is paid, even if the catalogue's changed since."""
    gives_back: bool = True
    """The interface has cancelling and refunds."""
    wrong_key: Callable[[], Connector] | None = None
    share: float = 1.0
    """Of the orders that `make merchants` puts through faults: a slow shop takes fewer."""
    restart: Callable[[], None] | None = None
    """Kill the shop at once, and start it again on its own data."""


def to(proxy: Proxy, timeout_s: float) -> Outgoing:
    return Outgoing(proxy.url, time.monotonic, private_allowed=True, total_timeout_s=timeout_s)


@contextmanager
def ucp(folder: Path) -> Iterator[Peer]:
    with ShopProcess(folder, shipped_after_s=86_400) as shop:
        proxy = Proxy(shop.port)

        def connect(timeout_s: float, key: str = API_KEY) -> Connector:
            return UcpShop(proxy.url, key, time.monotonic, timeout_s, private_allowed=True)

        quoting = "POST /checkout-sessions$"
        try:
            yield Peer(
                proxy=proxy,
                connect=connect,
                sku="paper-towels-6",
                scarce=("hr-strap", 99),
                placing="POST /checkout-sessions/.*/complete",
                count=lambda reference: len(shop.orders(reference)),
                reprice=lambda up: shop.fault(price_factor=1.5 if up else 1),
                empty=lambda gone: shop.fault(out_of_stock=["paper-towels-6"] if gone else []),
                tampers={
                    "currency": (quoting, "EUR", "USD"),
                    "negative": (quoting, r'"amount":(\d)', r'"amount":-\1'),
                    "quantity": (quoting, r'"quantity":\d+', r'"quantity":1'),
                },
                wrong_key=lambda: connect(5.0, "not-the-key"),
                restart=lambda: _restart(shop),
            )
        finally:
            proxy.close()


class OscarProcess:
    """A django-oscar shop with oscarapi in a process of its own, on SQLite and loopback."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {
            **os.environ,
            "OSCAR_SHOP_FOLDER": str(folder),
            "OSCAR_SHOP_PLUGIN": "yes",
            "DJANGO_SETTINGS_MODULE": "oscar_settings",
            "PYTHONPATH": os.pathsep.join([str(SHOPS), str(PLUGIN)]),
            "PYTHONWARNINGS": "ignore",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "OscarProcess":
        with open(self.folder / "shop.log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(SHOPS / "oscar_serve.py"), str(self.port)],
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        until_answers(f"http://127.0.0.1:{self.port}/api/countries/", self._process, self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(signal.SIGTERM)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(STARTED_WITHIN_S)

    def manage(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "django", *words], env=self.environment, check=True, timeout=60
        )

    def sql(self, text: str, *bound: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "shop.db", timeout=20)) as database:
            rows = database.execute(text, bound).fetchall()
            database.commit()
            return rows

    def count(self, reference: str) -> int:
        (row,) = self.sql(
            "SELECT count(*) FROM order_order o JOIN order_shippingaddress a "
            "ON a.id = o.shipping_address_id WHERE a.notes = ?",
            f"zodra:{reference}",
        )
        return int(row[0])


def until_answers(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline:
        try:
            httpx2.get(url, trust_env=False, verify=NO_TLS, timeout=10)
        except httpx2.TransportError:
            assert process.poll() is None, (folder / "shop.log").read_text()[-2000:]
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the shop did not start: {(folder / 'shop.log').read_text()[-2000:]}")


@contextmanager
def oscar(shop: OscarProcess, *, plugin: bool) -> Iterator[Peer]:
    """The running shop, through oscarapi alone or through the plug-in too."""
    with closing(Proxy(shop.port)) as proxy:

        def connect(timeout_s: float, password: str = "shop-password") -> Connector:
            account = Account("zodra", password)
            return OscarShop(to(proxy, timeout_s), account, TERMS, plugin=plugin)

        def reprice(up: bool) -> None:
            price = "9.90" if up else "6.60"
            shop.sql(
                "UPDATE partner_stockrecord SET price = ? WHERE partner_sku = 'paper-towels-6'",
                price,
            )

        def empty(gone: bool) -> None:
            shop.sql(
                "UPDATE partner_stockrecord SET num_in_stock = coalesce(num_allocated, 0) + ? "
                "WHERE partner_sku = 'paper-towels-6'",
                0 if gone else 100_000,
            )

        setting_aside = r"PATCH /api/baskets/\d+/$"
        yield Peer(
            proxy=proxy,
            connect=connect,
            sku="1",
            scarce=("3", 3),
            placing="POST .*/checkout/",
            count=shop.count,
            reprice=reprice,
            empty=empty,
            tampers={
                "currency": (setting_aside, "EUR", "USD"),
                "negative": (setting_aside, r'("total_incl_tax":")', r"\1-"),
                "quantity": (r"GET /api/baskets/\d+/lines/", r'"quantity":\d+', '"quantity":1'),
            },
            gives_back=plugin,
            wrong_key=lambda: connect(5.0, "not-the-password"),
            restart=lambda: _restart(shop),
        )


def _restart(shop: ShopProcess | OscarProcess) -> None:
    shop.kill()
    shop.__enter__()
