"""The values that other rooms and pages see of contacts and letters."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from zodra_cloud.channels.content import Content


class LetterKind(StrEnum):
    """What a letter is about. None of them is marketing. A name is never reused."""

    CONFIRMATION = "confirmation"
    """Of the contract; promised within two minutes of the order."""
    SHIPPED = "shipped"
    LATE = "late"
    FOLLOW_UP = "follow_up"
    """It was delivered; was it right?"""
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    WITHDRAWAL = "withdrawal"
    """Acknowledges a withdrawal, with its content, date and time."""
    NOTICE = "notice"
    """Of another room: a charge announced, a payment to approve, a subscription changed."""


OWED: Final = frozenset({LetterKind.CONFIRMATION, LetterKind.WITHDRAWAL})
"""The law asks for these on a durable medium; one that waits for an address stays owed."""


class LetterState(StrEnum):
    """Where a letter is."""

    WAITING = "waiting"
    """A job sends it."""
    ACCEPTED = "accepted"
    """A mail server took it for delivery; more than that a sender cannot know."""
    KEPT = "kept"
    """There is no way to send it; the household can download it from its page."""
    FAILED = "failed"
    """Refused, or not taken for three days: an operator sees it."""


class LetterEvent(StrEnum):
    """What can happen to a letter."""

    ACCEPTED = "accepted"
    GIVEN_UP = "given_up"
    ADDRESS_KNOWN = "address_known"
    ADDRESS_GONE = "address_gone"
    TRY_AGAIN = "try_again"


LETTER_TRANSITIONS: Final = {
    (LetterState.WAITING, LetterEvent.ACCEPTED): LetterState.ACCEPTED,
    (LetterState.WAITING, LetterEvent.GIVEN_UP): LetterState.FAILED,
    (LetterState.WAITING, LetterEvent.ADDRESS_GONE): LetterState.KEPT,
    (LetterState.KEPT, LetterEvent.ADDRESS_KNOWN): LetterState.WAITING,
    (LetterState.FAILED, LetterEvent.ADDRESS_KNOWN): LetterState.WAITING,
    (LetterState.FAILED, LetterEvent.TRY_AGAIN): LetterState.WAITING,
}

MAIL_OFF: Final = "mail_off"
NO_ADDRESS: Final = "no_address"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a household's letters go."""

    household_id: str
    email: str
    set_by: str
    """`operator`, or the person's id."""
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as stored."""

    household_id: str
    letter_id: str
    """Derived, so that the same move writes the same letter; also its Message-ID."""
    kind: LetterKind
    order_key: str
    """Empty if it is about no order."""
    content: Content
    content_sha256: str
    state: LetterState
    attempts: int
    unsure: int
    """Attempts whose answer got lost after the letter was handed over: it may have come twice."""
    last_error: str | None
    caused_at: datetime
    """The instant of the move that it tells."""
    state_at: datetime
    accepted_at: datetime | None
    accepted_for: str | None
    """The address that the server took it for."""
    fetched_at: datetime | None
    """When the household first downloaded it."""

    @property
    def in_hand_at(self) -> datetime | None:
        """When the household had it on a durable medium: mailed, or downloaded."""
        known = [each for each in (self.accepted_at, self.fetched_at) if each is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True)
class MailReport:
    """How mail goes, for the operator."""

    waiting: int
    failed: int
    kept: int
    no_durable_medium: int
    """Of the kept and failed: owed by law, and not downloaded either."""
    measured: int
    """Confirmations that a server took, in the time looked at."""
    p50_s: float | None
    """From the order at the shop to the server's yes."""
    p99_s: float | None
    late: int
    """Took longer than two minutes."""


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One letter in an operator's list: no content and no address."""

    household_id: str
    letter_id: str
    kind: LetterKind
    order_key: str
    state: LetterState
    last_error: str | None
    caused_at: datetime
