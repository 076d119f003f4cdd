"""A whole service that takes orders for many households, in processes that can be killed.

The shop is `zodra-sim shop`, the service `zodra-cloud serve`, and on PostgreSQL `zodra-cloud work`
beside it: at first, and after one kill in ten, started as users start them, else forked from a
process that has imported them already. Each reaches the shop through a line of its own. The
household's part, the yes, is done here, through the same parts on the same database, since a page
for each of a hundred thousand would test pages.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from faults.accounts import Rows
from faults.nursery import Cold, Running, Warm, nursery
from faults.shopline import Point, Replay, ShopLine
from shop_process import ShopProcess, free_port
from zodra_cloud import settings
from zodra_cloud.app import Cloud
from zodra_cloud.store.migrate import migrate

SKU: Final = "towels"
PRICE_MINOR: Final = 799
CATALOGUE: Final = f"""
[merchant]
id = "demo-shop"
name = "Demo shop"
currency = "EUR"
countries = ["NL"]
[shipping]
id = "standard"
title = "Standard"
price = 295
free_from = 2500
vat_percent = 21
[[items]]
sku = "{SKU}"
title = {{ en = "Towels", nl = "Doekjes" }}
price = {PRICE_MINOR}
vat_percent = 21
stock = 1000000
"""
CLOUD: Final = """
database_url = "{url}"
data_dir = "cloud"
log_level = "error"
[web]
port = {port}
[broker]
port = 1
password_file = "api.key"
[shop]
base_url = "{shop}"
api_key_file = "api.key"
webhook_secret_file = "webhook.secret"
private_address_allowed = true
"""
"""There is no broker: no gateway is registered either, so nobody is to be told."""


COLD_EVERY: Final = 10
TRY_AGAIN_MAX: Final = 10
SHOP: Final = "shop"
HOUSEHOLD: Final = "household"
"""Our own name at PostgreSQL: the connections that are ended there are the service's."""
_STRUCK: Final = {
    Point.KILL_BEFORE_SEND,
    Point.KILL_ON_THE_WAY,
    Point.KILL_AFTER_ACCEPT,
    Point.KILL_AFTER_ANSWER,
}

_T = TypeVar("_T")


class Town:
    """The processes, by name: `shop`, `serve`, and a worker for each further one.

    Args:
        folder: where all of it writes.
        url: of the database.
        workers: beside the process that serves.
        keyless_percent: the share of references that the shop sells without looking at keys.
        replay: controls.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        workers: int,
        *,
        keyless_percent: int = 0,
        replay: Collection[Replay] = (),
    ) -> None:
        self._folder = folder
        self.port = free_port()
        (folder / "catalogue.toml").write_text(CATALOGUE)
        self.shop = ShopProcess(
            folder,
            catalogue_file=str(folder / "catalogue.toml"),
            shipped_after_s=0.5,
            delivered_after_s=0.5,
            event_retry_s_min=0.2,
            keyless_percent=keyless_percent,
            webhook_url=f"http://127.0.0.1:{self.port}/merchants/ucp/events",
        )
        self.shop_file = folder / "shop" / "shop.db"
        self.sqlite_file = url.partition("sqlite:///")[2] or None
        self._commands = {"serve": ["serve"]} | {
            f"work-{number}": ["work", "--name", str(number)] for number in range(workers)
        }
        self.line = ShopLine(
            self.shop.port,
            self._commands,
            self._strike,
            keyless_percent=keyless_percent,
            replay=replay,
        )
        self._configs = {name: folder / f"{name}.toml" for name in self._commands}
        for name, config in self._configs.items():
            shop = f"http://127.0.0.1:{self.line.ports[name]}"
            config.write_text(CLOUD.format(url=url, port=self.port, shop=shop))
        self._nursery = nursery()
        self._started = 0
        self._running: dict[str, Running] = {}
        self._struck: set[str] = set()
        self.on_stopped: Callable[[str], None] = self.go_on
        """Called in a thread of its own when a process stands still; has to let it go on."""
        self.tries_again = 0
        self.ended_by_themselves = 0
        self._lock = threading.Lock()
        self._stack = ExitStack()
        # Made as the service makes it, with all that listens to a yes; it does no jobs.
        ours = folder / "household.toml"
        named = f"{url}&application_name={HOUSEHOLD}" if workers else url
        ours.write_text(CLOUD.format(url=named, port=self.port, shop=self.shop.url))
        self.household = Cloud(settings.load(ours), instance=HOUSEHOLD, beside=True)

    def __enter__(self) -> "Town":
        with self._stack as stack:
            migrate(self.household.database)
            self._leave_checkpoints_to_the_service()
            stack.enter_context(self.shop)
            stack.callback(self._end)
            for name in self._commands:
                self._start(name)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        self.line.close()
        self.household.close()

    @property
    def killable(self) -> tuple[str, ...]:
        """The names of all processes."""
        return (*self._commands, SHOP)

    def kill(self, name: str) -> None:
        """SIGKILL; `mend` starts it again."""
        with self._lock:
            self._struck.add(name)
            if name == SHOP:
                self.shop.kill()
            else:
                self._signal(name, signal.SIGKILL)

    def mend(self) -> list[str]:
        """Start what was killed, and give its names.

        As a supervisor does, it also starts what ended by itself; that is told apart.
        """
        with self._lock:
            ended = {name for name, each in self._running.items() if not each.alive()}
            self.ended_by_themselves += len(ended - self._struck)
            struck = sorted(self._struck | ended)
            self._struck.clear()
            for name in struck:
                if name == SHOP:
                    self.shop.__enter__()
                else:
                    self._running[name].kill()
                    self._start(name)
        return struck

    def go_on(self, name: str) -> None:
        """SIGCONT."""
        with self._lock:
            self._signal(name, signal.SIGCONT)

    def owner(self, name: str) -> str:
        """Give the name under which a process leases jobs."""
        if name == "serve":
            return (self._folder / "cloud" / "instance").read_text().strip()
        return f"worker-{name.partition('-')[2]}"

    def rows(self, sql: str) -> Rows:
        """Read our database."""

        def read() -> Rows:
            with self.household.database.read() as connection:
                return connection.exec_driver_sql(sql).fetchall()

        return self.until_it_works(read)

    def until_it_works(self, do: Callable[[], _T]) -> _T:
        """Try again when another process wrote for longer than we wait."""
        for _attempt in range(TRY_AGAIN_MAX):
            try:
                return do()
            except DBAPIError:
                self.tries_again += 1
        return do()

    def said(self) -> str:
        """Give the end of what the processes wrote."""
        logs = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{each.name}: {each.read_text()[-2_000:]}" for each in logs)

    def _strike(self, point: Point, sender: str) -> None:
        """What the line asks for, in its thread, at the very moment."""
        if point in _STRUCK:
            with self._lock:
                if sender not in self._struck:
                    self._struck.add(sender)
                    self._signal(sender, signal.SIGKILL)
        elif point is Point.KILL_SHOP:
            with self._lock:
                if SHOP not in self._struck:
                    self._struck.add(SHOP)
                    self.shop.kill()
        elif point is Point.STOP and sender not in self._struck:
            with self._lock:
                self._signal(sender, signal.SIGSTOP)
            # Never in the thread of the street: that may wait for a lock of the one that stands.
            threading.Thread(target=self.on_stopped, args=(sender,), daemon=True).start()

    def _signal(self, name: str, number: signal.Signals) -> None:
        if self._running[name].alive():
            os.kill(self._running[name].pid, number)

    def _start(self, name: str) -> None:
        command = [*self._commands[name], "--config", str(self._configs[name])]
        log = self._folder / f"{name}.log"
        cold = self._started < len(self._commands) or self._started % COLD_EVERY == 0
        self._started += 1
        self._running[name] = Cold(command, log) if cold else Warm(self._nursery, command, log)

    def _end(self) -> None:
        for each in self._running.values():
            each.kill()

    def _leave_checkpoints_to_the_service(self) -> None:
        """As in the service: on SQLite one connection checkpoints, and it is not this one."""
        if self.household.database.dialect == "sqlite":
            with self.household.database.write() as connection:
                connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
