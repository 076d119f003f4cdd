"""The composition root: builds every part from the settings and wires them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from zodra_cloud import lawful, retention
from zodra_cloud.api import service as api
from zodra_cloud.api import surface
from zodra_cloud.api.door import ApiFirst, Works
from zodra_cloud.dash import service as dash
from zodra_cloud.dash.calls import Calls
from zodra_cloud.dash.following import Follower
from zodra_cloud.dash.routes import Desk
from zodra_cloud.dash.routes import router as dash_calls
from zodra_cloud.dash.sealing import Seal
from zodra_cloud.dash.telling import MakerTeller
from zodra_cloud.fleet.service import SEND_COMMAND, CommandSender
from zodra_cloud.ingest.consumer import BrokerAccess, Consumer
from zodra_cloud.ingest.service import TELL_GATEWAY, GatewayTeller, on_metered
from zodra_cloud.ingest.writer import Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock, SystemClock
from zodra_cloud.merchants.routes import router as shop_events
from zodra_cloud.oauth.routes import router as oauth_tokens
from zodra_cloud.offers.jobs import OfferJobs
from zodra_cloud.offers.service import Rules as OfferRules
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.jobs import Cashier
from zodra_cloud.payments.models import Rules as PaymentRules
from zodra_cloud.payments.routes import router as payment_events
from zodra_cloud.payments.stripe.provider import StripeProvider
from zodra_cloud.payments.telling import Teller
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish.jobs import Replenisher
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.models import Rules as ReplenishRules
from zodra_cloud.settings import Settings
from zodra_cloud.shops import connect
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate
from zodra_cloud.store.runner import Handler, JobRunner
from zodra_cloud.subscriptions.jobs import SubscriptionJobs
from zodra_cloud.subscriptions.letters.writing import SubscriptionLetters
from zodra_cloud.subscriptions.models import Room
from zodra_cloud.subscriptions.models import Rules as SubscriptionRules
from zodra_cloud.subscriptions.work import foreseen
from zodra_cloud.web import site
from zodra_cloud.web.context import Site
from zodra_cloud.web.security import AttemptLimit, StreamLimit
from zodra_cloud.web.showing import show_quote

STOP_S: Final = 0.8
"""For the ingest's last commit, and for jobs under way, each."""

_log = structlog.get_logger("zodra_cloud")


class Cloud:
    """All parts of the service; made once, started once, stopped once."""

    def __init__(
        self,
        settings: Settings,
        *,
        instance: str,
        clock: Clock | None = None,
        jobs_at_once: int | None = None,
        beside: bool = False,
    ) -> None:
        """Make the parts.

        Args:
            settings: of the service.
            instance: the name under which it leases jobs; `only_one` keeps it for a data folder.
            clock: the system's, if not given.
            jobs_at_once: how many jobs may wait for somebody outside at the same time, prices
                aside; the setting if not given.
            beside: whether it works beside a process that serves: without broker and pages, and
                without the jobs that speak to gateways.
        """
        self.settings = settings
        self._beside = beside
        self.clock: Clock = clock or SystemClock()
        self.changes = Changes()
        self.database = Database.open(settings.database_url)
        self.consumer = _consumer(
            settings, instance, Writer(self.database, self.clock, self.changes)
        )
        self.shop = connect(settings.shop, self.clock)
        offers = self._offers()
        on_metered(self.database, foreseeing.keep)
        api.listen(self.database)
        market = settings.replenish.market(settings.shop.country)
        self.replenisher = Replenisher(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            shop=self.shop,
            rules=ReplenishRules(country=market.country, call_off_allowed=market.call_off),
            unbound=offers.consider,
            quotes_at_once=settings.replenish.quotes_at_once,
        )
        self.cashier = _cashier(settings, self.database, self.clock, self.changes)
        self.law = lawful.build(
            settings,
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            shop=self.shop,
            instance=instance,
            show=show_quote,
        )
        self.subscriptions = self._subscriptions()
        self.sweeper = retention.Sweeper(self.database, self.clock, settings.retention)
        self.runner = self._runner(
            instance, jobs_at_once or settings.replenish.orders_at_once, offers
        )

    def _offers(self) -> OfferJobs:
        return OfferJobs(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            rules=OfferRules(**self.settings.offers.model_dump()),
        )

    def _subscriptions(self) -> SubscriptionJobs:
        country = self.settings.shop.country
        given = self.settings.subscriptions.model_dump()
        asked = country in given.pop("ask_each_time_countries")
        rules = SubscriptionRules(country=country, ask_each_time=asked, **given)
        mail_on = self.settings.mail is not None
        letters = SubscriptionLetters(self.settings.web.public_url, mail_on=mail_on)
        return SubscriptionJobs(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            shop=self.shop,
            room=Room(rules, letters, foreseen),
        )

    def _runner(self, instance: str, jobs_at_once: int, offers: OfferJobs) -> JobRunner:
        makers = _follower(self.settings, self.database, self.clock)
        teller = GatewayTeller(self.database, self.clock, self.consumer, makers.hear)
        to_gateways: dict[str, Handler] = {
            TELL_GATEWAY: teller,
            SEND_COMMAND: CommandSender(self.database, self.clock, self.consumer),
        }
        return JobRunner(
            self.database,
            self.clock,
            {
                **({} if self._beside else to_gateways),
                **makers.handlers(),
                retention.JOB: self.sweeper,
                api.FORGET: api.Forgetter(self.database, self.clock),
                **self.replenisher.handlers(),
                **offers.handlers(),
                **({} if self.cashier is None else self.cashier.handlers()),
                **self.law.handlers,
                **self.subscriptions.handlers(),
            },
            owner=instance,
            workers=jobs_at_once,
            batches=self.replenisher.batches(),
            errands={
                **self.replenisher.errands(),
                **({} if self._beside else {TELL_GATEWAY: teller}),
            },
            others=not self._beside,
        )

    def start(self) -> None:
        """Migrate, then let jobs and messages come."""
        before, after = migrate(self.database)
        _log.info("database_ready", dialect=self.database.dialect, before=before, schema=after)
        self.sweeper.begin()
        self.runner.start()
        if not self._beside:
            self.consumer.start()

    def stop(self) -> None:
        """Take nothing more in, and let what is under way commit, for a bounded time."""
        self.changes.close()
        if not self._beside:
            self.consumer.stop(STOP_S)
        self.runner.stop(STOP_S)
        _log.info("stopped")

    def close(self) -> None:
        """Close the database and the connections to the shop and the payment provider."""
        self.database.close()
        self.shop.close()
        if self.cashier is not None:
            self.cashier.close()


def create_app(cloud: Cloud) -> FastAPI:
    """Make the web application around the parts; its lifespan starts and stops them."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(cloud.start)
        yield
        await run_in_threadpool(cloud.stop)

    app = FastAPI(title="Zodra", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    signed_with = cloud.settings.shop.webhook_secret
    if signed_with is not None:
        secrets = [signed_with.get_secret_value()]
        app.include_router(shop_events(cloud.clock, secrets, cloud.replenisher.hear_event))
    _add_makers(app, cloud)
    _add_payments(app, cloud)
    site.install(
        app,
        Site(
            database=cloud.database,
            clock=cloud.clock,
            changes=cloud.changes,
            public_url=cloud.settings.web.public_url,
            production=cloud.settings.dash.production,
            law=cloud.law.rules,
            shop=cloud.shop,
            payments_on=cloud.cashier is not None,
            call_off_allowed=cloud.settings.replenish.market(cloud.settings.shop.country).call_off,
        ),
    )
    _add_api(app, cloud)
    return app


def _consumer(settings: Settings, instance: str, writer: Writer) -> Consumer:
    broker = settings.broker
    access = BrokerAccess(
        host=broker.host,
        port=broker.port,
        username=broker.username,
        password=broker.password.get_secret_value(),
        tls=broker.tls,
        ca_file=str(broker.ca_file) if broker.ca_file else None,
        client_id=instance,
    )
    return Consumer(
        access,
        writer,
        rows_per_commit_max=settings.ingest.rows_per_commit_max,
        inbox_messages_max=settings.ingest.inbox_messages_max,
    )


def _follower(settings: Settings, database: Database, clock: Clock) -> Follower:
    private_allowed = settings.dash.private_address_allowed
    key = settings.dash.secrets_key
    seal = Seal(None if key is None else key.get_secret_value())
    teller = MakerTeller(database, clock, private_allowed=private_allowed, seal=seal)
    return Follower(database, clock, teller)


def _cashier(
    settings: Settings, database: Database, clock: Clock, changes: Changes
) -> Cashier | None:
    """Make the part that takes payments; None where the shop charges its own account."""
    wanted = settings.payments
    if wanted is None:
        return None
    hooks.on_order(database, payments.on_order)
    hooks.before_placing(database, payments.gate)
    teller = Teller(settings.web.public_url, mail_on=settings.mail is not None)
    payments.on_payment(database, teller.on_payment)
    return Cashier(
        database=database,
        clock=clock,
        changes=changes,
        provider=StripeProvider(
            wanted.base_url,
            wanted.api_key.get_secret_value(),
            clock.monotonic,
            private_allowed=wanted.private_address_allowed,
        ),
        rules=PaymentRules(
            return_url=f"{settings.web.public_url.rstrip('/')}/",
            link_lifetime=timedelta(minutes=wanted.link_minutes),
            keep_method=wanted.keep_method,
        ),
    )


def _add_payments(app: FastAPI, cloud: Cloud) -> None:
    wanted = cloud.settings.payments
    if wanted is not None and cloud.cashier is not None:
        secrets = [wanted.webhook_secret.get_secret_value()]
        app.include_router(payment_events(cloud.clock, secrets, cloud.cashier.hear_event))


def _add_api(app: FastAPI, cloud: Cloud) -> None:
    limits, market = cloud.settings.api, cloud.settings.replenish
    streams = StreamLimit(limits.streams_per_token)
    works = Works(
        database=cloud.database,
        clock=cloud.clock,
        changes=cloud.changes,
        public_url=cloud.settings.web.public_url,
        calls_per_minute=limits.calls_per_minute,
        allow_call=AttemptLimit(limits.calls_per_minute).allow,
        take_stream=streams.take,
        give_stream_back=streams.give_back,
        law=cloud.law.rules,
        call_off_allowed=market.market(cloud.settings.shop.country).call_off,
    )
    app.add_middleware(ApiFirst, api=surface.create(works))


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
