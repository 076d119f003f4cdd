"""Every call that does something does it once, however often it is sent.

The answer is kept under the caller's key in the transaction of the effect, so that there is never
the one without the other. Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api import policy, repository
from zodra_cloud.api.door import KEY, Works
from zodra_cloud.api.models import KeptAnswer, Token
from zodra_cloud.api.problems import Code, Problem, answer_to
from zodra_cloud.api.service import FORGET
from zodra_cloud.store import jobs
from zodra_cloud.store.types import to_ms

REPLAYED: Final = "idempotency-replayed"
IN_FLIGHT_RETRY_S: Final = 1
_FORGET_EVERY: Final = timedelta(hours=1)
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Done:
    """What a call did."""

    told: BaseModel
    headers: dict[str, str] = field(default_factory=dict)


Effect = Callable[[Connection, datetime], Done | Problem]
"""Does it in the unit of work and at the instant that it is given.

A `Problem` that is returned is an answer like any other, and kept; one that is raised rolls back.
"""


class Once:
    """Does calls, each once."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._under_way: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    def do(
        self, request: Request, token: Token, given: BaseModel | None, effect: Effect
    ) -> Response:
        """Do a call, or give the answer that it got before.

        Args:
            request: the call; the door has seen that it has a key.
            token: whose call it is.
            given: its body, if it has one.
            effect: what it does.

        Raises:
            Problem: the key belongs to another call, or its first call is under way.
        """
        key = policy.read_key(request.headers.get(KEY, ""))
        if key is None:
            raise Problem(Code.IDEMPOTENCY_KEY_MISSING)
        asked = policy.request_hash(
            request.method,
            request.url.path,
            _condition(request),
            None if given is None else given.model_dump(mode="json", exclude_unset=True),
        )
        with (
            self._alone((token.household_id, token.token_id, key)),
            self._works.database.write(token.household_id) as connection,
        ):
            now = self._works.clock.now()
            kept = repository.answer(connection, token.household_id, token.token_id, key)
            if kept is not None and now - kept.answered_at < policy.ANSWERS_KEPT:
                return _replayed(kept, asked)
            done = effect(connection, now)
            answer = _written(done, request)
            kept = _kept(answer, asked, now)
            repository.keep_answer(connection, token.household_id, token.token_id, key, kept)
            _forget_later(connection, token.household_id, now)
        return answer

    @contextmanager
    def _alone(self, name: tuple[str, str, str]) -> Iterator[None]:
        """Turn a second call away while the first is under way.

        In this process; between two, the household's unit of work makes the second wait, and it
        then gets the answer of the first.
        """
        with self._lock:
            if name in self._under_way:
                wait = {"retry-after": str(IN_FLIGHT_RETRY_S)}
                raise Problem(Code.CALL_IN_FLIGHT, headers=wait)
            self._under_way.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(name)


def _condition(request: Request) -> str:
    absent = request.headers.get("if-none-match", "")
    return request.headers.get("if-match", "") + (f" !{absent}" if absent else "")


def _replayed(kept: KeptAnswer, asked: str) -> Response:
    if kept.request_hash != asked:
        raise Problem(Code.IDEMPOTENCY_KEY_REUSED)
    headers = {**kept.headers, REPLAYED: "true"}
    return Response(kept.body, kept.status, headers)


def _written(done: Done | Problem, request: Request) -> Response:
    if isinstance(done, Problem):
        return answer_to(done, request)
    text = json.dumps(done.told.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return Response(text, 200, done.headers, "application/json")


def _kept(answer: Response, asked: str, now: datetime) -> KeptAnswer:
    headers: dict[str, str] = {
        name: value for name, value in answer.headers.items() if name != "content-length"
    }
    body: Any = answer.body
    return KeptAnswer(asked, answer.status_code, headers, bytes(body).decode(), now)


def _forget_later(connection: Connection, household_id: str, now: datetime) -> None:
    hour = to_ms(now) // _HOUR_MS
    jobs.enqueue(
        connection,
        kind=FORGET,
        key=f"{FORGET}:{household_id}:{hour}",
        household_id=household_id,
        payload={},
        due_at=now + policy.ANSWERS_KEPT + _FORGET_EVERY,
    )
