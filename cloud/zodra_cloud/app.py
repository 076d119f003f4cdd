"""The composition root: builds every part from the settings and wires them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from zodra_cloud.dash import service as dash
from zodra_cloud.dash.calls import Calls
from zodra_cloud.dash.following import Follower
from zodra_cloud.dash.routes import Desk
from zodra_cloud.dash.routes import router as dash_calls
from zodra_cloud.dash.telling import MakerTeller
from zodra_cloud.fleet.service import SEND_COMMAND, CommandSender
from zodra_cloud.ingest.consumer import BrokerAccess, Consumer
from zodra_cloud.ingest.service import TELL_GATEWAY, GatewayTeller
from zodra_cloud.ingest.writer import Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock, SystemClock
from zodra_cloud.merchants.routes import router as shop_events
from zodra_cloud.merchants.ucp import UcpShop
from zodra_cloud.oauth.routes import router as oauth_tokens
from zodra_cloud.offers.jobs import OfferJobs
from zodra_cloud.offers.service import Rules as OfferRules
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.models import Rules as ReplenishRules
from zodra_cloud.settings import Settings
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate
from zodra_cloud.store.runner import JobRunner
from zodra_cloud.web import site
from zodra_cloud.web.context import Site
from zodra_cloud.web.security import AttemptLimit

STOP_S: Final = 0.8
"""For the ingest's last commit, and for jobs under way, each."""

_log = structlog.get_logger("zodra_cloud")


class Cloud:
    """All parts of the service; made once, started once, stopped once."""

    def __init__(self, settings: Settings, *, instance: str, clock: Clock | None = None) -> None:
        """Make the parts; `instance` is the name that `only_one` keeps for this data folder."""
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
                client_id=instance,
            ),
            Writer(self.database, self.clock, self.changes),
            rows_per_commit_max=settings.ingest.rows_per_commit_max,
            inbox_messages_max=settings.ingest.inbox_messages_max,
        )
        self.shop = UcpShop(
            settings.shop.base_url,
            settings.shop.api_key.get_secret_value(),
            self.clock.monotonic,
            private_allowed=settings.shop.private_address_allowed,
        )
        offers = OfferJobs(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            rules=OfferRules(**settings.offers.model_dump()),
        )
        self.replenisher = Replenisher(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            shop=self.shop,
            rules=ReplenishRules(country=settings.shop.country),
            unbound=offers.consider,
        )
        makers = Follower(
            self.database,
            self.clock,
            MakerTeller(
                self.database,
                self.clock,
                private_allowed=settings.dash.private_address_allowed,
            ),
        )
        self.runner = JobRunner(
            self.database,
            self.clock,
            {
                TELL_GATEWAY: makers.beside(
                    GatewayTeller(self.database, self.clock, self.consumer)
                ),
                **makers.handlers(),
                SEND_COMMAND: CommandSender(self.database, self.clock, self.consumer),
                **self.replenisher.handlers(),
                **offers.handlers(),
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
        """Close the database and the connections to the shop."""
        self.database.close()
        self.shop.close()


def create_app(cloud: Cloud) -> FastAPI:
    """Make the web application around the parts; its lifespan starts and stops them."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(cloud.start)
        yield
        await run_in_threadpool(cloud.stop)

    app = FastAPI(title="Zodra", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    secret = cloud.settings.shop.webhook_secret.get_secret_value()
    app.include_router(shop_events(cloud.clock, [secret], cloud.replenisher.hear_event))
    _add_makers(app, cloud)
    site.install(
        app,
        Site(
            database=cloud.database,
            clock=cloud.clock,
            changes=cloud.changes,
            public_url=cloud.settings.web.public_url,
            production=cloud.settings.dash.production,
        ),
    )
    return app


def _add_makers(app: FastAPI, cloud: Cloud) -> None:
    limits = cloud.settings.dash
    app.include_router(
        oauth_tokens(
            database=cloud.database,
            clock=cloud.clock,
            public_url=cloud.settings.web.public_url,
            register=dash.registrar(cloud.changes),
            limit=AttemptLimit(limits.token_requests_per_minute).allow,
        )
    )
    calls = Calls(cloud.database, cloud.clock)
    desk = Desk(calls, cloud.clock, AttemptLimit(limits.calls_per_minute).allow)
    app.include_router(dash_calls(desk))
