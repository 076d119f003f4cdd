"""The composition root: builds every part from the settings and wires them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from zodra_cloud.fleet.service import SEND_COMMAND, CommandSender
from zodra_cloud.ingest.consumer import BrokerAccess, Consumer
from zodra_cloud.ingest.service import TELL_GATEWAY, GatewayTeller
from zodra_cloud.ingest.writer import Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock, SystemClock
from zodra_cloud.settings import Settings
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate
from zodra_cloud.store.runner import JobRunner

STOP_S: Final = 0.8
"""For the ingest's last commit, and for jobs under way, each."""

_log = structlog.get_logger("zodra_cloud")


class Cloud:
    """All parts of the service; made once, started once, stopped once."""

    def __init__(self, settings: Settings, *, instance: str, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.changes = Changes()
        self.database = Database.open(settings.database_url)
        broker = settings.broker
        self.consumer = Consumer(
            BrokerAccess(
                host=broker.host,
                port=broker.port,
                username=broker.username,
                password=broker.password.get_secret_value(),
                tls=broker.tls,
                ca_file=str(broker.ca_file) if broker.ca_file else None,
                client_id=broker.client_id,
            ),
            Writer(self.database, self.clock, self.changes),
            rows_per_commit_max=settings.ingest.rows_per_commit_max,
            inbox_messages_max=settings.ingest.inbox_messages_max,
        )
        self.runner = JobRunner(
            self.database,
            self.clock,
            {
                TELL_GATEWAY: GatewayTeller(self.database, self.consumer),
                SEND_COMMAND: CommandSender(self.database, self.clock, self.consumer),
            },
            owner=instance,
        )

    def start(self) -> None:
        """Migrate, then let jobs and messages come."""
        before, after = migrate(self.database)
        _log.info("database_ready", dialect=self.database.dialect, before=before, schema=after)
        self.runner.start()
        self.consumer.start()

    def stop(self) -> None:
        """Take nothing more in, and let what is under way commit, for a bounded time."""
        self.changes.close()
        self.consumer.stop(STOP_S)
        self.runner.stop(STOP_S)
        _log.info("stopped")

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def create_app(cloud: Cloud) -> FastAPI:
    """Make the web application around the parts; its lifespan starts and stops them."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(cloud.start)
        yield
        await run_in_threadpool(cloud.stop)

    return FastAPI(
        title="Zodra", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
