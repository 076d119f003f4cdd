"""The values of the room: tokens, answers that are kept, events that streams tell."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """What a token allows. A name is never reused."""

    READ = "read"
    """Everything of the household that its own page shows."""
    ACT = "act"
    """Answer, confirm, cancel and change, as the person who made the token."""


@dataclass(frozen=True, slots=True)
class Token:
    """One access token, without its secret."""

    household_id: str
    token_id: str
    name: str
    """What the household calls it."""
    scopes: frozenset[Scope]
    person_id: str
    """Who made it; what it does counts as this person's."""
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To the hour."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a call was answered, for its repeats."""

    request_hash: str
    status: int
    headers: dict[str, str]
    body: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an order or a quote, in the order of the commits."""

    number: int
    """Counts from 1 in each household."""
    kind: str
    order_key: str | None
    told: dict[str, Any]
    at: datetime
