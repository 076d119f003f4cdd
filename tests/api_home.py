"""The API of a furnished home, as its household's own software sees it."""

import itertools
from collections.abc import Callable
from typing import Any, cast

from fastapi import FastAPI
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_home import Home
from zodra_cloud.api import service as api
from zodra_cloud.api import surface
from zodra_cloud.api.door import Works
from zodra_cloud.api.service import Scope
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import Shop
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions.jobs import SubscriptionJobs
from zodra_cloud.subscriptions.models import Room, Rules
from zodra_cloud.web.security import AttemptLimit, StreamLimit

BOTH = (Scope.READ, Scope.ACT)


class ApiHome(Home):
    """A home with the API in front of it, and clients that hold tokens."""

    calls_per_minute = 10_000
    streams_per_token = 4

    def __init__(self, database: Database, clock: FakeClock, **facts: Any) -> None:
        super().__init__(database, clock, **facts)
        self.subscriptions: SubscriptionJobs | None = None
        self._keys = itertools.count(1)

    def work(self) -> None:
        """Do the jobs that are due, those of subscriptions among them."""
        handlers = {
            **self.replenisher.handlers(),
            **self.offers.handlers(),
            **({} if self.subscriptions is None else self.subscriptions.handlers()),
        }
        while True:
            now = self.clock.now()
            with self.database.write() as connection:
                due = jobs.claim(connection, owner="test", now=now, limit=50, lease_s=60)
            if not due:
                return
            for job in due:
                handler = handlers.get(job.kind)
                if handler is not None:
                    handler(job)
                with self.database.write() as connection:
                    if jobs.still_leased(connection, job):
                        jobs.finish(connection, job, now)

    def works(self, call_off_allowed: bool = False) -> Works:
        streams = StreamLimit(self.streams_per_token)
        return Works(
            database=self.database,
            clock=self.clock,
            changes=self.changes,
            public_url="http://testserver",
            calls_per_minute=self.calls_per_minute,
            allow_call=AttemptLimit(self.calls_per_minute).allow,
            take_stream=streams.take,
            give_stream_back=streams.give_back,
            call_off_allowed=call_off_allowed,
        )

    def surface(self) -> FastAPI:
        return surface.create(self.works())

    def token(
        self, *scopes: Scope, days: int = 30, person_id: str | None = None
    ) -> tuple[str, api.Token]:
        with self.database.write(self.household_id) as connection:
            return api.make_token(
                connection,
                self.household_id,
                name="script",
                scopes=scopes or BOTH,
                days=days,
                person_id=person_id,
                now=self.clock.now(),
            )

    def caller(
        self, *scopes: Scope, app: FastAPI | None = None, person_id: str | None = None
    ) -> "Caller":
        secret, _ = self.token(*scopes, person_id=person_id)
        return Caller(app or self.surface(), secret, lambda: next(self._keys))


class Caller(TestClient):
    """A program with a token; every call that does something gets a fresh key by itself."""

    def __init__(self, app: FastAPI, secret: str, number: Callable[[], int]) -> None:
        super().__init__(app, raise_server_exceptions=False)
        self.headers["authorization"] = f"Bearer {secret}"
        self.headers["accept-language"] = "en"
        self._number = number

    def do(
        self, path: str, body: Any = None, *, key: str = "", method: str = "", **headers: str
    ) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["idempotency-key"] = key or f"key-{self._number()}"
        return self.request(
            method or ("PATCH" if "if-match" in given else "POST"),
            f"/api/v1{path}",
            json=body,
            headers=given,
        )

    def see(self, path: str) -> Any:
        answer = self.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def problem(answer: Any) -> tuple[int, str, str]:
    """Read status, code and next step of an answer that is a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    return answer.status_code, told["code"], told["next"]


def furnished(database: Database, clock: FakeClock, **facts: Any) -> ApiHome:
    home = ApiHome(database, clock, **facts)
    api.listen(database)
    home.subscriptions = SubscriptionJobs(
        database=database,
        clock=clock,
        changes=home.changes,
        shop=cast(Shop, home.shop),
        room=Room(Rules(), teller=lambda _connection, _told: True),
    )
    home.furnish(Purpose.REPLENISH, Purpose.OFFERS)
    return home
