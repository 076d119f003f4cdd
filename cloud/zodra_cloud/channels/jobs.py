"""Sends the letters that wait: as many on one connection as wait, one after the other.

Each letter's end is written before the next is begun, so a crash leaves at most one letter of
which nobody knows whether the server took it. Such a letter goes out again with the same
Message-ID: mail is delivered at least once, and a receiver that compares ids shows it once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy import Connection

from zodra_cloud.channels import mime, policy, repository, service
from zodra_cloud.channels.models import NO_ADDRESS, Letter, LetterEvent, LetterState
from zodra_cloud.channels.policy import OF_THE_SERVER, Fault
from zodra_cloud.channels.service import MAIL_JOB, moved
from zodra_cloud.channels.smtp import MailServer, Parcel, Sent, deliver
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job, Lane
from zodra_cloud.store.runner import Handler
from zodra_cloud.store.supervising import LEASE_S

LETTERS_A_CONNECTION_MAX: Final = 20

_log = structlog.get_logger("zodra_cloud.channels")


class Accepted(Protocol):
    """Hears, in the same commit, that a server took a letter."""

    def __call__(self, connection: Connection, letter: Letter, now: datetime, /) -> None:
        """Take part in the commit; must not wait for anybody."""
        ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom letters come from."""

    email: str
    name: str
    reply_to: str | None = None


def _nobody(_connection: Connection, _letter: Letter, _now: datetime) -> None:
    """Nobody listens."""


class MailSender:
    """The handler of `mail` jobs.

    Args:
        database: where letters and jobs are.
        clock: for instants and waits.
        server: how the mail server is reached.
        sender: whom letters come from.
        owner: under which name it leases the other letters that wait.
        accepted: hears of each letter that the server took.
        letters_max: on one connection.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        server: MailServer,
        sender: Sender,
        *,
        owner: str,
        accepted: Accepted = _nobody,
        letters_max: int = LETTERS_A_CONNECTION_MAX,
    ) -> None:
        self._database = database
        self._clock = clock
        self._server = server
        self._sender = sender
        self._owner = owner
        self._accepted = accepted
        self._letters_max = letters_max

    def handlers(self) -> dict[str, Handler]:
        """Give the handler by the kind of its job."""
        return {MAIL_JOB: self._send}

    def _send(self, job: Job) -> None:
        with self._database.write() as connection:
            others = jobs.claim(
                connection,
                owner=self._owner,
                now=self._clock.now(),
                limit=self._letters_max - 1,
                lease_s=LEASE_S,
                lane=Lane(frozenset({MAIL_JOB})),
            )
        ready: dict[str, tuple[Job, Letter]] = {}
        parcels: list[Parcel] = []
        for each in (job, *others):
            letter, email = self._read(each)
            if letter is None or email is None:
                self._end(each, letter)
                continue
            ready[letter.letter_id] = (each, letter)
            parcels.append(self._pack(letter, email))
        if parcels:
            self._deliver(ready, parcels)

    def _deliver(self, ready: dict[str, tuple[Job, Letter]], parcels: list[Parcel]) -> None:
        recipients = {parcel.letter_id: parcel.recipient for parcel in parcels}
        wait_s = 0
        for sent in deliver(self._server, parcels):
            job, letter = ready.pop(sent.letter_id)
            self._hear(job, sent, recipients[sent.letter_id])
            if sent.fault in OF_THE_SERVER:
                # The server's trouble was not that of those behind: they wait as long, and it is
                # no attempt of theirs.
                wait_s = policy.wait_s(sent.fault, letter.attempts) or policy.RETRIES_S[0]
        for job, letter in ready.values():
            with self._database.write(letter.household_id) as connection:
                jobs.again(connection, job, self._clock.now() + timedelta(seconds=wait_s))

    def _read(self, job: Job) -> tuple[Letter | None, str | None]:
        household_id = str(job.household_id)
        with self._database.read() as connection:
            found = repository.letter(connection, household_id, job.payload["id"])
            contact = repository.contact(connection, household_id)
        waits = found is not None and found.state is LetterState.WAITING
        return (found if waits else None), (None if contact is None else contact.email)

    def _end(self, job: Job, letter: Letter | None) -> None:
        """End the job of a letter that is not to be sent, or not any more."""
        now = self._clock.now()
        with self._database.write(job.household_id) as connection:
            kept = None if letter is None else moved(letter, LetterEvent.ADDRESS_GONE, now)
            if kept is not None:
                repository.save_letter(connection, replace(kept, last_error=NO_ADDRESS))
            jobs.finish(connection, job, now)

    def _pack(self, letter: Letter, email: str) -> Parcel:
        message = mime.to_bytes(
            letter.content,
            letter_id=letter.letter_id,
            sender=self._sender.email,
            sender_name=self._sender.name,
            reply_to=self._sender.reply_to,
            recipient=email,
            caused_at=letter.caused_at,
        )
        return Parcel(letter.letter_id, self._sender.email, email, message)

    def _hear(self, job: Job, sent: Sent, recipient: str) -> None:
        now = self._clock.now()
        with self._database.write(job.household_id) as connection:
            # Read anew: the household may have downloaded it in the meantime.
            letter = service.letter(connection, str(job.household_id), sent.letter_id)
            if sent.fault is None:
                taken = moved(letter, LetterEvent.ACCEPTED, now) or letter
                taken = replace(
                    taken,
                    attempts=letter.attempts + 1,
                    last_error=None,
                    accepted_at=now,
                    accepted_for=recipient,
                )
                repository.save_letter(connection, taken)
                self._accepted(connection, taken, now)
                jobs.finish(connection, job, now)
            else:
                self._hear_fault(connection, job, letter, sent, now)
        _say(letter, sent, now)

    def _hear_fault(
        self, connection: Connection, job: Job, letter: Letter, sent: Sent, now: datetime
    ) -> None:
        assert sent.fault is not None  # noqa: S101 - the caller looked
        wait_s = policy.wait_s(sent.fault, letter.attempts)
        error = sent.fault.value if sent.code is None else f"{sent.fault.value} {sent.code}"
        tried = replace(
            letter,
            attempts=letter.attempts + 1,
            unsure=letter.unsure + (sent.fault is Fault.UNSURE),
            last_error=error,
        )
        if wait_s is None:
            given_up = moved(tried, LetterEvent.GIVEN_UP, now) or tried
            repository.save_letter(connection, given_up)
            jobs.bury(connection, job, reason=error, now=now)
        else:
            repository.save_letter(connection, tried)
            jobs.again(connection, job, now + timedelta(seconds=wait_s))


def _say(letter: Letter, sent: Sent, now: datetime) -> None:
    say: Callable[..., object] = _log.info if sent.fault is None else _log.warning
    say(
        "letter_sent" if sent.fault is None else "letter_not_sent",
        household_id=letter.household_id,
        letter_id=letter.letter_id,
        kind=letter.kind.value,
        fault=None if sent.fault is None else sent.fault.value,
        code=sent.code,
        attempt=letter.attempts + 1,
        after_s=round((now - letter.caused_at).total_seconds(), 3),
    )
