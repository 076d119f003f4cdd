"""What other rooms use of the API: tokens of a household, and the listeners that fill its streams.

Every function works inside the caller's unit of work. The household comes from the session or the
token, never from the request.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.api import policy, repository
from zodra_cloud.api.models import Scope, Token
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.kit.clock import Clock
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish.models import At, StoredOrder, StoredQuote
from zodra_cloud.replenish.states import OrderNews, QuoteState
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.types import from_ms, to_ms

__all__ = [
    "FORGET",
    "TOKEN_DAYS",
    "TOKEN_DAYS_MAX",
    "Forgetter",
    "Scope",
    "Token",
    "access",
    "listen",
    "make_token",
    "note_order",
    "note_quotes",
    "revoke_token",
    "tokens",
]

FORGET: Final = "api_forget"
"""The job that deletes answers which were kept long enough."""
TOKEN_DAYS: Final = 90
TOKEN_DAYS_MAX: Final = policy.TOKEN_DAYS_MAX
TOKENS_SHOWN_MAX: Final = 100
_ID_BYTES: Final = 9
_TIDY_EVERY: Final = 100
_TOLD_QUOTES: Final = frozenset(QuoteState) - {QuoteState.REQUESTED}
"""That a shop is being asked is over in a second, and nobody has to do anything about it."""


def make_token(
    connection: Connection,
    household_id: str,
    *,
    name: str,
    scopes: Collection[Scope],
    days: int,
    person_id: str | None = None,
    now: datetime,
) -> tuple[str, Token]:
    """Make an access token for a household's own software.

    Args:
        connection: of a unit of work that names the household.
        household_id: of the session.
        name: what the household calls it.
        scopes: what it allows; always read, and act if it shall also answer and change.
        days: how long it lives.
        person_id: whose acts its calls are; the one person of the household if not given.
        now: the instant.

    Returns:
        The secret, which is not stored and cannot be shown again, and the token.

    Raises:
        UnknownThing: there is no such household.
        BadRequest: what is asked for cannot be; says which part and why.
    """
    households.household(connection, household_id)
    people = sorted(households.person_ids(connection, household_id))
    live = repository.count_live(connection, household_id, now)
    fault = policy.token_fault(name, scopes, days, live)
    if fault is not None:
        raise BadRequest(f"token: {fault}")
    made_at = from_ms(to_ms(now))  # as the column keeps it
    secret = policy.TOKEN_PREFIX + secrets.token_urlsafe(policy.TOKEN_BYTES)
    token = Token(
        household_id=household_id,
        token_id=f"t_{secrets.token_hex(_ID_BYTES)}",
        name=name.strip(),
        scopes=frozenset(scopes),
        person_id=person_id or people[0],
        created_at=made_at,
        expires_at=made_at + timedelta(days=days),
        revoked_at=None,
        last_used_at=None,
    )
    repository.add_token(connection, token, policy.hashed(secret))
    return secret, token


def tokens(connection: Connection, household_id: str) -> list[Token]:
    """List the tokens of a household, newest first, those that ended included."""
    return repository.tokens(connection, household_id, TOKENS_SHOWN_MAX)


def revoke_token(
    connection: Connection, household_id: str, token_id: str, *, now: datetime
) -> None:
    """End a token at once, its streams within seconds. Raises `UnknownThing`."""
    if not repository.revoke(connection, household_id, token_id, now):
        raise UnknownThing("live token", token_id)


def access(connection: Connection, presented: str, now: datetime) -> Token | None:
    """Read the token of a secret; None unless it is live."""
    if not policy.may_be_token(presented):
        return None
    found = repository.token_by_hash(connection, policy.hashed(presented))
    return found if found is not None and policy.is_live(found, now) else None


def note_used(connection: Connection, token: Token, now: datetime) -> None:
    """Keep that a token was used, to the hour."""
    repository.note_used(connection, token.household_id, token.token_id, now)


def note_order(connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
    """Append an order's news to its household's streams; a listener of `replenish.hooks`."""
    kind, told = _order_event(order, news)
    number = repository.add_event(
        connection, order.household_id, kind, order.order_key, told, at.now
    )
    _tidy(connection, order.household_id, number)


def note_quotes(connection: Connection, quotes: Sequence[StoredQuote], at: At) -> None:
    """Append quotes' states to their households' streams; a listener of `replenish.hooks`."""
    told = [each for each in quotes if each.state in _TOLD_QUOTES]
    if not told:
        return
    listening = repository.listening(connection, {each.household_id for each in told}, at.now)
    for quote in told:
        event = _quote_event(quote)
        if event is not None and quote.household_id in listening:
            number = repository.add_event(
                connection, quote.household_id, event[0], None, event[1], at.now
            )
            _tidy(connection, quote.household_id, number)


def _tidy(connection: Connection, household_id: str, number: int | None) -> None:
    if number is not None and number % _TIDY_EVERY == 0:
        repository.forget_events(connection, household_id, number - policy.EVENTS_KEPT)


def _order_event(order: StoredOrder, news: OrderNews) -> tuple[str, dict[str, Any]]:
    """Say what a stream tells of an order's move: its kind and its values."""
    return f"order.{news.value}", {
        "order_key": order.order_key,
        "signal_id": order.signal_id,
        "device_id": order.device_id,
        "slot_key": order.slot_key,
        "state": order.state.value,
        "reason": order.reason,
        "delivery_from_at": _written(order.delivery_from_at),
        "delivery_to_at": _written(order.delivery_to_at),
        "promised_to_at": _written(order.promised_to_at),
        "late_at": _written(order.late_at),
        "tracking_url": order.tracking_url,
    }


def _quote_event(quote: StoredQuote) -> tuple[str, dict[str, Any]] | None:
    """Say what a stream tells of a quote's state; None if it tells nothing."""
    if quote.state not in _TOLD_QUOTES:
        return None
    return f"quote.{quote.state.value}", {
        "quote_id": quote.quote_id,
        "signal_id": quote.signal_id,
        "device_id": quote.device_id,
        "slot_key": quote.slot_key,
        "state": quote.state.value,
        "reason": quote.reason,
        "expires_at": _written(quote.expires_at),
    }


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def listen(database: Database) -> None:
    """Fill the streams from now on, in every process that moves orders."""
    hooks.on_order(database, note_order)
    hooks.on_quotes(database, note_quotes)


class Forgetter:
    """The handler of `api_forget` jobs: deletes a household's answers after a day."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, job: Job) -> None:
        """Delete what was kept long enough."""
        assert job.household_id is not None  # noqa: S101 - whoever stores one names it
        before = self._clock.now() - policy.ANSWERS_KEPT
        with self._database.write(job.household_id) as connection:
            repository.forget_answers(connection, job.household_id, before)
