"""A payment provider to pay through, behind a proxy that breaks what passes."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from merchants.proxy import Proxy
from paying.counter import Counter
from plain_http import NO_TLS
from shop_process import free_port
from zodra_cloud.payments.stripe.provider import StripeProvider

WITHIN_S = 30
# A test run that is killed cannot stop its peer; the kernel then does.
_END_WITH_US = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
GOOD = "4242424242424242"
ASKS = "4000002500003155"
"""Wants to see the household approve, every time."""
BROKE = "4000000000000341"
"""Can be kept, and is declined when it is charged."""
API_KEY = "sk_test_zodra"
SECRET = "whsec_of_nobody"
MONEY = ("requires_capture", "succeeded")
"""States of a charge in which a bank holds or has paid the money."""


class Stripe:
    """The provider, how to reach it, and what is true of it behind the connector's back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.counter = Counter(port)
        self.proxy = Proxy(self.counter.port)

    def connect(
        self, timeout_s: float = 20.0, api_key: str = API_KEY, **facts: bool
    ) -> StripeProvider:
        return StripeProvider(
            self.proxy.url, api_key, time.monotonic, timeout_s, private_allowed=True, **facts
        )

    def charges(self, order_key: str) -> list[dict[str, Any]]:
        """Every charge there ever was for an order."""
        found = self.counter.intents()
        return [each for each in found if each["metadata"].get("zodra_order") == order_key]

    def money(self, order_key: str) -> list[str]:
        """The charges of an order in which money is held or taken, as their states."""
        return [each["status"] for each in self.charges(order_key) if each["status"] in MONEY]

    def refunds(self, order_key: str) -> list[int]:
        """What went back of an order."""
        back: list[int] = []
        for charge in self.charges(order_key):
            if charge["latest_charge"] is not None:
                path = f"/v1/refunds?payment_intent={charge['id']}"
                back += [each["amount"] for each in self.counter.ask("GET", path)[1]["data"]]
        return back

    def close(self) -> None:
        self.proxy.close()
        self.counter.close()


@contextmanager
def stripe(folder: Path) -> Iterator[Stripe]:
    """Start localstripe and what stands before it."""
    port = free_port()
    with open(folder / "localstripe.log", "wb") as log:
        process = subprocess.Popen(
            [
                *_END_WITH_US,
                *(sys.executable, str(Path(__file__).parent / "localstripe_serve.py"), str(port)),
            ],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    peer = Stripe(port)
    try:
        _until_answers(port, process, folder)
        yield peer
    finally:
        peer.close()
        process.terminate()
        process.wait(WITHIN_S)


def _until_answers(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False, verify=NO_TLS)
        except httpx2.TransportError:
            assert process.poll() is None, (folder / "localstripe.log").read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError("localstripe did not start")
