"""A whole service that takes orders for many households, in processes that can be killed.

The shop is `zodra-sim shop`, the service `zodra-cloud serve`, and on PostgreSQL `zodra-cloud work`
beside it; each is started as users start it. The household's part, the yes, is done here, through
the same parts on the same database, since a page for each of a hundred thousand would test pages.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final

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


class Town:
    """The processes, by name: `shop`, `serve`, and a worker for each further one."""

    def __init__(self, folder: Path, url: str, workers: int) -> None:
        self._folder = folder
        port = free_port()
        (folder / "catalogue.toml").write_text(CATALOGUE)
        self.shop = ShopProcess(
            folder,
            catalogue_file=str(folder / "catalogue.toml"),
            shipped_after_s=1.0,
            delivered_after_s=1.0,
            event_retry_s_min=0.2,
            webhook_url=f"http://127.0.0.1:{port}/merchants/ucp/events",
        )
        self.shop_file = folder / "shop" / "shop.db"
        self._config = folder / "cloud.toml"
        self._config.write_text(CLOUD.format(url=url, port=port, shop=self.shop.url))
        self._commands = {"serve": ["serve"]} | {
            f"work-{number}": ["work", "--name", str(number)] for number in range(workers)
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()
        # Made as the service makes it, with all that listens to a yes; it does no jobs.
        self.household = Cloud(settings.load(self._config), instance="household", beside=True)
        self.killable = (*self._commands, "shop")

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
        self.household.close()

    def kill(self, name: str) -> None:
        """SIGKILL, and the same again from the start."""
        if name == "shop":
            self.shop.kill()
            self.shop.__enter__()
            return
        self._running[name].kill()
        self._running[name].wait()
        self._start(name)

    def said(self) -> str:
        """Give the end of what the processes wrote."""
        logs = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{each.name}: {each.read_text()[-2_000:]}" for each in logs)

    def _start(self, name: str) -> None:
        command = [sys.executable, "-m", "zodra_cloud", *self._commands[name]]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*command, "--config", str(self._config)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )

    def _end(self) -> None:
        for each in self._running.values():
            each.kill()
            each.wait()

    def _leave_checkpoints_to_the_service(self) -> None:
        """As in the service: on SQLite one connection checkpoints, and it is not this one."""
        if self.household.database.dialect == "sqlite":
            with self.household.database.write() as connection:
                connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
