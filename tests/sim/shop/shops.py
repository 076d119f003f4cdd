"""A shop on a temporary file with a clock that tests turn, and one as a real process."""

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from plain_http import NO_TLS
from zodra_sim.shop import catalogue
from zodra_sim.shop.checkout import Shop, Wish
from zodra_sim.shop.settings import ShopSettings
from zodra_sim.shop.store import Store

API_KEY = "key-of-the-shop"
WEBHOOK_SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS13ZWJob29rLTMyYnl0ZXM="
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""
TOWELS = "paper-towels-6"
TOWELS_TOTAL = 1094
WISH = Wish("o_1", "b_1", "NL", ((TOWELS, 1),))


@dataclass
class HandClock:
    at: datetime = NOON
    steps: float = 0.0

    def now(self) -> datetime:
        return self.at

    def now_ms(self) -> int:
        return int(self.at.timestamp() * 1000)

    def monotonic(self) -> float:
        return self.at.timestamp()

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Opened:
    """A shop without HTTP around it."""

    shop: Shop
    clock: HandClock
    settings: ShopSettings

    def order(self, wish: Wish = WISH, key: str = "o_1", total: int = TOWELS_TOTAL) -> Any:
        session = self.shop.quote(wish)
        return self.shop.complete(getattr(session, "session_id", ""), key, total, "EUR")


def opened(folder: Path, clock: HandClock | None = None, **options: Any) -> Opened:
    settings = ShopSettings(port=1, data_dir=folder, api_key_file=folder / "key", **options)
    clock = clock or HandClock()
    counter = itertools.count(1)
    shop = Shop(
        Store(settings.database),
        catalogue.load(),
        settings,
        clock,
        lambda prefix: f"{prefix}_{next(counter)}",
    )
    return Opened(shop, clock, settings)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ShopProcess:
    """A shop in its own process, started through the command that users have."""

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "shop.toml"

    def write(self) -> None:
        (self.folder / "api.key").write_text(API_KEY + "\n")
        (self.folder / "webhook.secret").write_text(WEBHOOK_SECRET + "\n")
        values = {
            "port": self.port,
            "data_dir": "data",
            "api_key_file": "api.key",
            "webhook_secret_file": "webhook.secret",
            **self.options,
        }
        self.config.write_text("".join(f"{key} = {value!r}\n" for key, value in values.items()))

    def start(self) -> None:
        command = [sys.executable, "-m", "zodra_sim", "shop", "run", "--config", str(self.config)]
        with open(self.folder / "shop.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(750):
            assert self.process.poll() is None, (self.folder / "shop.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("the shop does not listen")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def end(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    def client(self, **options: Any) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"authorization": f"Bearer {API_KEY}"},
            timeout=options.get("timeout", 10),
            trust_env=False,
            verify=NO_TLS,
        )


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[ShopProcess]:
    shop = ShopProcess(folder, options)
    shop.write()
    shop.start()
    try:
        yield shop
    finally:
        if shop.process is not None and shop.process.poll() is None:
            shop.end()


def wish_json(reference: str = "o_1", sku: str = TOWELS, quantity: int = 1) -> dict[str, Any]:
    return {
        "line_items": [{"item": {"id": sku}, "quantity": quantity}],
        "currency": "EUR",
        "reference": reference,
        "buyer": {"reference": "b_1"},
        "context": {"address_country": "NL"},
        "a_field_from_the_future": True,
    }


def expected(total: int = TOWELS_TOTAL) -> dict[str, Any]:
    return {"expected_total": {"amount": total, "currency": "EUR"}}
