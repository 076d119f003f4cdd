"""A Medusa 2 shop on PostgreSQL, in processes of its own, for `make merchants`."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from merchants.medusa_seed import ADMIN, Admin, Seeded, seed
from merchants.peers import TERMS, Connector, Peer, to, until_answers
from merchants.proxy import Proxy
from postgresql_server import PostgresqlServer
from shop_process import free_port
from zodra_cloud.merchants.medusa.shop import Access, MedusaShop

DATABASE = "medusa"
TOWELS = "paper-towels-6"


class MedusaProcess:
    """The shop; `folder` holds Node's packages, brought by `scripts/merchants.sh`."""

    def __init__(self, folder: Path, logs: Path, server: PostgresqlServer) -> None:
        self._folder = folder
        self._logs = logs
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        server.create(DATABASE)
        self.conninfo = server.url(DATABASE).partition("host=")[2]
        # A folder in the host's place is a unix socket; without `sslmode` Medusa tries TLS on it.
        socket_folder = quote(self.conninfo, safe="")
        self._environment = {
            **os.environ,
            "DATABASE_URL": f"postgres://zodra@{socket_folder}/{DATABASE}?sslmode=disable",
            "JWT_SECRET": secrets.token_hex(16),
            "COOKIE_SECRET": secrets.token_hex(16),
            "MEDUSA_DISABLE_TELEMETRY": "true",
            "NODE_ENV": "production",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def _medusa(self, *words: str) -> list[str]:
        node = (self._folder / ".node").read_text().strip()
        return [node, str(self._folder / "node_modules/@medusajs/cli/cli.js"), *words]

    def _run(self, *words: str) -> None:
        with open(self._logs / "shop.log", "ab") as log:
            subprocess.run(
                self._medusa(*words),
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                check=True,
                timeout=300,
            )

    def __enter__(self) -> "MedusaProcess":
        self._run("db:migrate")
        self._run("user", "-e", ADMIN[0], "-p", ADMIN[1])
        with open(self._logs / "shop.log", "ab") as log:
            self._process = subprocess.Popen(
                self._medusa("start", "--host", "127.0.0.1", "-p", str(self.port)),
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_answers(f"{self.url}/health", self._process, self._logs)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        # The command starts the server as a child of its own.
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)

    def sql(self, text: str, *bound: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(f"host={self.conninfo} user=zodra dbname={DATABASE}") as database:
            return database.execute(text, bound).fetchall()


@contextmanager
def medusa(folder: Path, logs: Path) -> Iterator[Peer]:
    """Start PostgreSQL and the shop, fill its catalogue, and put the proxy before it."""
    with PostgresqlServer(durable=False) as server, MedusaProcess(folder, logs, server) as shop:
        seeded = seed(shop.url)
        admin = Admin(shop.url)
        proxy = Proxy(shop.port)
        try:
            yield _peer(shop, seeded, admin, proxy)
        finally:
            proxy.close()
            admin.close()


def _peer(shop: MedusaProcess, seeded: Seeded, admin: Admin, proxy: Proxy) -> Peer:
    towels = seeded.variants[TOWELS]

    def connect(timeout_s: float, key: str = seeded.secret_key) -> Connector:
        access = Access(seeded.publishable_key, key, seeded.customer_id, seeded.region_id)
        return MedusaShop(to(proxy, timeout_s), access, TERMS)

    def count(reference: str) -> int:
        (row,) = shop.sql(
            'SELECT count(*) FROM "order" o JOIN order_address a ON a.id = o.shipping_address_id '
            "WHERE a.company = %s",
            f"zodra:{reference}",
        )
        return int(row[0])

    def reprice(up: bool) -> None:
        prices = [{"currency_code": "eur", "amount": 11.98 if up else 7.99}]
        admin.post(f"/products/{seeded.products[TOWELS]}/variants/{towels}", {"prices": prices})

    def empty(gone: bool) -> None:
        path = f"/inventory-items/{seeded.inventory[TOWELS]}/location-levels"
        (level,) = admin.get(path)["inventory_levels"]
        admin.post(
            f"{path}/{seeded.location_id}",
            {"stocked_quantity": level["reserved_quantity"] if gone else 100_000},
        )

    return Peer(
        proxy=proxy,
        connect=connect,
        sku=towels,
        scarce=(seeded.variants["soap-refill"], 3),
        placing="POST /store/carts/.*/complete",
        count=count,
        reprice=reprice,
        empty=empty,
        tampers={
            "currency": ("POST /store/carts", '"eur"', '"usd"'),
            "negative": ("POST /store/carts", r'"(item_total|total)":', r'"\1":-'),
            "quantity": ("POST /store/carts", r'"quantity":\d+', '"quantity":1'),
        },
        holds_price=True,
        share=0.25,
        wrong_key=lambda: connect(20.0, "sk_" + "0" * 64),
    )
