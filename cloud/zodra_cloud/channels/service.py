"""Contacts and letters, for the other rooms, the pages and the commands.

A letter is stored in the unit of work of the move that it tells, with the job that sends it. Where
mail is off or no address is known it is kept, and the household can download it; whether that is a
durable medium is the household's doing (it is once it has the file), so the operator is told.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.channels import policy, repository
from zodra_cloud.channels.content import Content, as_html
from zodra_cloud.channels.models import (
    LETTER_TRANSITIONS,
    MAIL_OFF,
    NO_ADDRESS,
    OWED,
    Contact,
    Letter,
    LetterEvent,
    LetterKind,
    LetterLine,
    LetterState,
    MailReport,
)
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_contract.ids import derived_id

MAIL_JOB: Final = "mail"
PROMISED_S: Final = 120.0
"""Within it a confirmation is on a durable medium."""
LETTERS_MAX: Final = 200
"""Of one household or order in one read."""
MEASURED_MAX: Final = 10_000

__all__ = [
    "LETTERS_MAX",
    "MAIL_JOB",
    "PROMISED_S",
    "Contact",
    "Content",
    "Draft",
    "Letter",
    "LetterKind",
    "LetterLine",
    "LetterState",
    "MailReport",
    "contact",
    "fetch",
    "forget_letters",
    "letter",
    "letters_about",
    "post",
    "remove_email",
    "report",
    "retry",
    "set_email",
    "troubled",
]

_log = structlog.get_logger("zodra_cloud.channels")


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter to be written."""

    household_id: str
    kind: LetterKind
    content: Content
    caused_at: datetime
    """The instant of the move that it tells; from here its time is counted."""
    order_key: str = ""
    name: str = ""
    """Tells letters of one kind about one order apart; the same name is the same letter."""


def contact(connection: Connection, household_id: str) -> Contact | None:
    """Give where a household's letters go."""
    return repository.contact(connection, household_id)


def set_email(
    connection: Connection,
    household_id: str,
    email: str,
    *,
    set_by: str,
    now: datetime,
    mail_on: bool,
) -> int:
    """Take a household's address; what the law owes it and was only kept is sent now.

    Returns:
        How many letters go out.

    Raises:
        BadRequest: it is no address that mail can be sent to; says why.
        UnknownThing: there is no such household.
    """
    fault = policy.email_fault(email)
    if fault is not None:
        raise BadRequest(f"the address {fault}")
    households.household(connection, household_id)
    repository.save_contact(connection, Contact(household_id, email, set_by, now))
    if not mail_on:
        return 0
    stuck = repository.letters_in(
        connection, household_id, (LetterState.KEPT, LetterState.FAILED), LETTERS_MAX
    )
    owed = [each for each in stuck if each.kind in OWED and each.in_hand_at is None]
    for each in owed:
        _send_again(connection, each, LetterEvent.ADDRESS_KNOWN, now)
    return len(owed)


def remove_email(connection: Connection, household_id: str) -> bool:
    """Forget a household's address; False if there was none. Letters that wait are then kept."""
    return repository.remove_contact(connection, household_id)


def post(connection: Connection, draft: Draft, *, now: datetime, mail_on: bool) -> str:
    """Write a letter in the caller's unit of work, with the job that sends it.

    Args:
        connection: of a unit of work that names the household.
        draft: what it says, and about what.
        now: the instant.
        mail_on: whether this service sends mail at all.

    Returns:
        Its id, the same for every repeat.
    """
    letter_id = derived_id("l", draft.household_id, draft.kind, draft.order_key, draft.name)
    address = repository.contact(connection, draft.household_id)
    why_kept = MAIL_OFF if not mail_on else NO_ADDRESS if address is None else None
    written = Letter(
        household_id=draft.household_id,
        letter_id=letter_id,
        kind=draft.kind,
        order_key=draft.order_key,
        content=draft.content,
        content_sha256=draft.content.sha256(),
        state=LetterState.WAITING if why_kept is None else LetterState.KEPT,
        attempts=0,
        unsure=0,
        last_error=why_kept,
        caused_at=draft.caused_at,
        state_at=now,
        accepted_at=None,
        accepted_for=None,
        fetched_at=None,
    )
    if repository.add_letter(connection, written):
        if why_kept is None:
            _enqueue(connection, written, now)
        after_commit(connection, lambda: _say(written))
    return letter_id


def letter(connection: Connection, household_id: str, letter_id: str) -> Letter:
    """Read one letter. Raises `UnknownThing`."""
    found = repository.letter(connection, household_id, letter_id)
    if found is None:
        raise UnknownThing("letter", letter_id)
    return found


def letters_about(connection: Connection, household_id: str, order_key: str) -> list[Letter]:
    """Read the letters about one order, oldest first."""
    return repository.letters_about(connection, household_id, order_key, LETTERS_MAX)


def fetch(
    connection: Connection, household_id: str, letter_id: str, *, now: datetime
) -> tuple[Letter, str]:
    """Give a letter as a file of HTML to keep, and note that the household has it.

    Raises:
        UnknownThing: the household has no such letter.
    """
    found = letter(connection, household_id, letter_id)
    noted = replace(found, fetched_at=found.fetched_at or now)
    if noted != found:
        repository.save_letter(connection, noted)
    content = found.content
    if content.document_name:
        return noted, as_html(content.document_title, content.language, content.document)
    return noted, as_html(content.subject, content.language, content.blocks)


def retry(connection: Connection, household_id: str, letter_id: str, *, now: datetime) -> bool:
    """Try a letter again that had failed; False if it had not."""
    found = letter(connection, household_id, letter_id)
    if found.state is not LetterState.FAILED:
        return False
    _send_again(connection, found, LetterEvent.TRY_AGAIN, now)
    return True


def troubled(connection: Connection, limit: int = LETTERS_MAX) -> list[LetterLine]:
    """List the letters that were refused or are only kept, newest first; an operator's read."""
    return repository.lines_in(connection, (LetterState.FAILED, LetterState.KEPT), limit)


def report(connection: Connection, *, since: datetime) -> MailReport:
    """Say how mail goes, and how long confirmations took; an operator's read."""
    counts = repository.counts(connection)
    spans = [
        (accepted - caused).total_seconds()
        for caused, accepted in repository.times(
            connection, LetterKind.CONFIRMATION, since, MEASURED_MAX
        )
    ]
    return MailReport(
        waiting=counts.get(LetterState.WAITING, 0),
        failed=counts.get(LetterState.FAILED, 0),
        kept=counts.get(LetterState.KEPT, 0),
        no_durable_medium=repository.owed(connection, OWED),
        measured=len(spans),
        p50_s=policy.percentile(spans, 0.5),
        p99_s=policy.percentile(spans, 0.99),
        late=sum(span > PROMISED_S for span in spans),
    )


def moved(letter: Letter, event: LetterEvent, now: datetime) -> Letter | None:
    """Give a letter after an event; None if its table has no such move."""
    state = LETTER_TRANSITIONS.get((letter.state, event))
    return None if state is None else replace(letter, state=state, state_at=now)


def _send_again(connection: Connection, found: Letter, event: LetterEvent, now: datetime) -> None:
    waiting = moved(found, event, now)
    if waiting is None:
        return
    repository.save_letter(connection, replace(waiting, attempts=0, last_error=None))
    _enqueue(connection, waiting, now)


def _enqueue(connection: Connection, letter: Letter, now: datetime) -> None:
    jobs.rearm(
        connection,
        kind=MAIL_JOB,
        key=f"{MAIL_JOB}:{letter.household_id}:{letter.letter_id}",
        household_id=letter.household_id,
        payload={"id": letter.letter_id},
        due_at=now,
    )


def _say(letter: Letter) -> None:
    _log.info(
        "letter_written",
        household_id=letter.household_id,
        letter_id=letter.letter_id,
        kind=letter.kind.value,
        order_key=letter.order_key,
        state=letter.state.value,
    )


def forget_letters(connection: Connection, before: datetime, limit: int) -> int:
    """Delete letters from before an instant, at most so many; gives how many.

    What the law owes a household (its confirmation and its acknowledgements) stays, and so does a
    letter that is still to be sent.
    """
    return repository.forget_letters(connection, before, limit)
