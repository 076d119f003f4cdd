"""Letters that wait are sent, tried again, given up in sight, and never lost; on both databases."""

import socket
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from business_builders import HOUSEHOLD, Business
from mail_server import Mailbox, mail_server, reached, script, strange_server
from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import Content, paragraph
from zodra_cloud.channels.jobs import MailSender, Sender
from zodra_cloud.channels.models import Letter, LetterKind, LetterState
from zodra_cloud.channels.policy import RETRIES_S
from zodra_cloud.channels.service import MAIL_JOB, Draft
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database


class Post:
    """A household with an address, and letters to it."""

    def __init__(self, database: Database) -> None:
        self.home = Business(database).set_up()
        self.database = database
        self.clock = self.home.clock
        self.address("household@home.example")

    def address(self, email: str) -> int:
        with self.database.write(HOUSEHOLD) as connection:
            return channels.set_email(
                connection, HOUSEHOLD, email, set_by="u-1", now=self.clock.now(), mail_on=True
            )

    def through(self, port: int, **facts: Any) -> MailSender:
        sender = MailSender(
            self.database,
            self.clock,
            reached(port, **facts),
            Sender("orders@zodra.test", "Zodra"),
            owner=self.home.owner,
        )
        self.home.handlers |= sender.handlers()
        return sender

    def write(self, *names: str, kind: LetterKind = LetterKind.CONFIRMATION) -> list[str]:
        content = Content("Hello", "en", (paragraph("It is confirmed."),))
        with self.database.write(HOUSEHOLD) as connection:
            return [
                channels.post(
                    connection,
                    Draft(HOUSEHOLD, kind, content, self.clock.now(), "o_1", name),
                    now=self.clock.now(),
                    mail_on=True,
                )
                for name in names
            ]

    def letter(self, letter_id: str) -> Letter:
        with self.database.read() as connection:
            return channels.letter(connection, HOUSEHOLD, letter_id)

    def dead(self) -> list[tuple[str, str | None]]:
        with self.database.read() as connection:
            return [(each.kind, each.last_error) for each in jobs.dead(connection)]


@pytest.fixture
def post(database: Database) -> Post:
    return Post(database)


def test_letters_that_wait_go_on_one_connection_and_a_repeat_writes_none(post: Post) -> None:
    mailbox = Mailbox()
    first = post.write("a", "b", "c")
    assert post.write("a", "b", "c") == first
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.do_jobs()
    assert (len(mailbox.taken), mailbox.connections) == (3, 1)
    assert {str(each["Message-ID"]) for each in mailbox.taken} == {
        f"<{letter_id}@zodra.test>" for letter_id in first
    }
    assert all(post.letter(each).state is LetterState.ACCEPTED for each in first)
    assert mailbox.taken[0]["Auto-Submitted"] == "auto-generated"
    assert mailbox.taken[0]["List-Unsubscribe"] is None


def test_a_server_that_is_down_for_minutes_delays_and_loses_nothing(post: Post) -> None:
    (letter_id,) = post.write("a")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nobody = int(listening.getsockname()[1])
    post.through(nobody)
    post.home.do_jobs()
    for seconds in RETRIES_S[:4]:
        post.home.wait(seconds)
    found = post.letter(letter_id)
    assert (found.state, found.attempts, found.last_error) == (
        LetterState.WAITING,
        5,
        "unreachable",
    )
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.wait(RETRIES_S[4])
    assert len(mailbox.taken) == 1
    with post.database.read() as connection:
        report = channels.report(connection, since=post.clock.now() - timedelta(hours=1))
    assert (report.measured, report.p50_s, report.late) == (1, float(sum(RETRIES_S[:5])), 0)


def test_what_nobody_takes_for_three_days_is_given_up_in_sight_and_revived(post: Post) -> None:
    (letter_id,) = post.write("a")
    mailbox = Mailbox(answers={"RCPT": ["451 not now"] * (len(RETRIES_S) + 1)})
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.do_jobs()
        for seconds in RETRIES_S:
            assert post.dead() == []
            post.home.wait(seconds)
        assert post.dead() == [(MAIL_JOB, "refused_for_now 451")]
        assert post.letter(letter_id).state is LetterState.FAILED
        with post.database.write(HOUSEHOLD) as connection:
            (line,) = channels.troubled(connection)
            assert (line.letter_id, line.last_error) == (letter_id, "refused_for_now 451")
            assert channels.retry(connection, HOUSEHOLD, letter_id, now=post.clock.now())
            assert not channels.retry(connection, HOUSEHOLD, letter_id, now=post.clock.now())
        post.home.do_jobs()
    assert post.letter(letter_id).state is LetterState.ACCEPTED
    assert post.dead() == []


def test_an_address_that_is_refused_is_no_trouble_for_other_letters_and_can_be_corrected(
    post: Post,
) -> None:
    mailbox = Mailbox(answers={"RCPT": ["550 5.1.1 unknown"]})
    refused, taken = post.write("a", "b")
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.do_jobs()
        assert post.letter(refused).last_error == "refused 550"
        assert post.letter(taken).state is LetterState.ACCEPTED
        assert post.address("right@home.example") == 1
        post.home.do_jobs()
    assert post.letter(refused).accepted_for == "right@home.example"
    assert mailbox.recipients == ["household@home.example", "right@home.example"]


def test_an_answer_that_got_lost_sends_the_same_message_again(post: Post) -> None:
    (letter_id,) = post.write("a")
    lost = script(
        b"220 mail.test\r\n",
        b"250 mail.test\r\n",
        b"250 OK\r\n",
        b"250 OK\r\n",
        b"354 go\r\n",
        None,
    )
    with strange_server(lost) as port:
        post.through(port)
        post.home.do_jobs()
    assert (post.letter(letter_id).unsure, post.letter(letter_id).last_error) == (1, "unsure")
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.wait(RETRIES_S[0])
    assert [str(each["Message-ID"]) for each in mailbox.taken] == [f"<{letter_id}@zodra.test>"]
    assert (post.letter(letter_id).state, post.letter(letter_id).unsure) == (
        LetterState.ACCEPTED,
        1,
    )


def test_a_worker_that_dies_with_letters_leaves_them_to_the_next(post: Post) -> None:
    post.write("a", "b")
    with post.database.write() as connection:
        taken = jobs.claim(connection, owner="dead", now=post.clock.now(), limit=9, lease_s=60)
    assert len(taken) == 2
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.do_jobs()
        assert mailbox.taken == []
        post.home.wait(61)
    assert len(mailbox.taken) == 2


def test_more_letters_than_one_connection_takes_go_on_several(post: Post) -> None:
    mailbox = Mailbox()
    names = [str(number) for number in range(45)]
    post.write(*names, kind=LetterKind.NOTICE)
    with mail_server(mailbox) as port:
        post.through(port)
        post.home.do_jobs()
    assert (len(mailbox.taken), mailbox.connections) == (45, 3)


def test_a_server_in_trouble_costs_the_letters_behind_no_attempt(post: Post) -> None:
    names = post.write("a", "b", "c")
    post.through(1)
    with post.database.write() as connection:
        (job,) = jobs.claim(connection, owner="worker", now=post.clock.now(), limit=1, lease_s=60)
    post.home.do(job)
    assert sorted(post.letter(each).attempts for each in names) == [0, 0, 1]
    with post.database.read() as connection:
        due = jobs.next_due_at(connection)
    assert due == post.clock.now() + timedelta(seconds=RETRIES_S[0])


def test_an_address_that_goes_away_keeps_what_waits(post: Post) -> None:
    (letter_id,) = post.write("a")
    with post.database.write(HOUSEHOLD) as connection:
        assert channels.remove_email(connection, HOUSEHOLD)
        assert not channels.remove_email(connection, HOUSEHOLD)
    post.through(1)
    post.home.do_jobs()
    found = post.letter(letter_id)
    assert (found.state, found.last_error) == (LetterState.KEPT, "no_address")


@pytest.mark.parametrize("bad", ["x", "a@home.example\r\nBcc: all@home.example", "a@b"])
def test_an_address_that_is_none_is_not_taken(post: Post, bad: str) -> None:
    with pytest.raises(BadRequest, match="the address"):
        post.address(bad)
    with post.database.read() as connection:
        known = channels.contact(connection, HOUSEHOLD)
    assert known is not None
    assert known.email == "household@home.example"


def test_nobody_elses_letters_are_found(post: Post) -> None:
    (letter_id,) = post.write("a")
    with post.database.read() as connection, pytest.raises(UnknownThing):
        channels.letter(connection, "hh-2", letter_id)
    with post.database.write("hh-2") as connection, pytest.raises(UnknownThing):
        channels.set_email(
            connection, "hh-2", "a@home.example", set_by="u-1", now=post.clock.now(), mail_on=True
        )


def test_no_job_holds_an_address_or_a_word_of_a_letter(post: Post) -> None:
    post.write("a")
    with post.database.read() as connection:
        stored = connection.execute(text("SELECT payload FROM jobs")).scalars().all()
    assert all("@" not in each and "confirmed" not in each for each in stored)
