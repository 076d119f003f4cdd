"""The cloud's job runner alone, as a process to be killed: DATABASE_URL SHOP_URL OWNER."""

import sys
import threading

from shop_process import API_KEY
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.merchants.ucp import UcpShop
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.models import Rules
from zodra_cloud.store.engine import Database
from zodra_cloud.store.runner import JobRunner


def main() -> None:
    database_url, shop_url, owner = sys.argv[1:]
    database, clock = Database.open(database_url), SystemClock()
    replenisher = Replenisher(
        database=database,
        clock=clock,
        changes=Changes(),
        shop=UcpShop(shop_url, API_KEY, clock.monotonic, 5.0, private_allowed=True),
        rules=Rules(),
    )
    runner = JobRunner(database, clock, replenisher.handlers(), owner)
    runner.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
