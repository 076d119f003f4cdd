"""The job runner of payments alone, as a process to be killed: DATABASE_URL PROVIDER_URL."""

import sys
import threading

from paying.home import PAY_RULES
from paying.peer import API_KEY
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.jobs import Cashier
from zodra_cloud.payments.stripe.provider import StripeProvider
from zodra_cloud.replenish import hooks
from zodra_cloud.store.engine import Database
from zodra_cloud.store.runner import JobRunner


def main() -> None:
    database_url, provider_url = sys.argv[1:]
    database, clock = Database.open(database_url), SystemClock()
    hooks.on_order(database, payments.on_order)
    cashier = Cashier(
        database=database,
        clock=clock,
        changes=Changes(),
        provider=StripeProvider(provider_url, API_KEY, clock.monotonic, 20.0, private_allowed=True),
        rules=PAY_RULES,
    )
    runner = JobRunner(database, clock, cashier.handlers(), "worker", others=False)
    runner.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
