"""What a household has in writing: the contract, what becomes of its order, and when it has it."""

from datetime import timedelta

from business_builders import HOUSEHOLD
from law_world import EMAIL, MAILING, LawfulBusiness
from mail_server import Mailbox, mail_server
from zodra_cloud.channels import service as channels
from zodra_cloud.channels.models import LetterKind, LetterState
from zodra_cloud.law import service as law
from zodra_cloud.law.models import Declared
from zodra_cloud.law.policy.withdrawing import WithdrawalState
from zodra_cloud.store.engine import Database


def test_an_order_is_confirmed_on_a_durable_medium_with_all_that_was_agreed(
    home: LawfulBusiness, mailbox: Mailbox
) -> None:
    key = home.order()
    (message,) = mailbox.taken
    assert mailbox.recipients == [EMAIL]
    assert message["Subject"] == "Confirmation of your order: Paper towels"
    text = message.get_body(("plain",))
    page = message.get_body(("html",))
    (document,) = message.iter_attachments()
    assert document.get_filename() == f"contract-{key}.html"
    assert text is not None
    assert page is not None
    for said in (text.get_content(), page.get_content(), document.get_content()):
        for agreed in (
            "€10.94",
            "€2.95",
            "Demo shop",
            "Order with obligation to pay",
            "within 14 days",
            "withdraw from contract here",
            f"https://home.example/orders/{key}/withdraw",
            "hereby give notice that I/We (*) withdraw",
            "Monday 23 November 2026 to Tuesday 24 November 2026",
        ):
            assert agreed in " ".join(said.split())
    (letter,) = home.letters(key)
    assert (letter.state, letter.accepted_for) == (LetterState.ACCEPTED, EMAIL)
    with home.database.read() as connection:
        report = channels.report(connection, since=home.clock.now() - timedelta(days=1))
    assert (report.measured, report.late, report.no_durable_medium) == (1, 0, 0)
    assert report.p99_s is not None


def test_a_household_hears_in_writing_what_becomes_of_its_order(
    home: LawfulBusiness, mailbox: Mailbox
) -> None:
    key = home.order()
    home.deliver(key)
    home.home.wait(86_400 + 60)
    assert mailbox.subjects == [
        "Confirmation of your order: Paper towels",
        "On its way: Paper towels",
        "Was it right? Paper towels",
    ]
    asked = mailbox.taken[-1].get_body(("plain",))
    assert asked is not None
    assert "You can withdraw from this order until" in asked.get_content()


def test_a_late_promise_is_said_before_anybody_asks(home: LawfulBusiness, mailbox: Mailbox) -> None:
    home.order()
    home.home.wait(3 * 86_400)
    assert mailbox.subjects[1] == "Later than promised: Paper towels"
    assert len(mailbox.taken) == 2


def test_without_an_address_the_confirmation_is_kept_and_sent_once_there_is_one(
    database: Database, mailbox: Mailbox
) -> None:
    with mail_server(mailbox) as port:
        home = LawfulBusiness(database, port, MAILING)
        key = home.order()
        (letter,) = home.letters(key)
        assert (letter.state, letter.last_error) == (LetterState.KEPT, "no_address")
        with database.read() as connection:
            assert channels.report(connection, since=home.clock.now()).no_durable_medium == 1
        home.clock.advance(600)
        assert home.know_address() == 1
        home.home.do_jobs()
        with database.read() as connection:
            report = channels.report(connection, since=home.clock.now() - timedelta(days=1))
    assert mailbox.subjects == ["Confirmation of your order: Paper towels"]
    assert (report.no_durable_medium, report.late, report.p99_s) == (0, 1, 600.0)


def test_a_household_without_mail_keeps_the_longer_period_until_it_has_the_file(
    database: Database,
) -> None:
    home = LawfulBusiness(database)
    key = home.order()
    home.deliver(key)
    long = home.choice(key).ends_at
    assert long is not None
    assert long - home.clock.now() > timedelta(days=365)
    (letter,) = home.letters(key, LetterKind.CONFIRMATION)
    assert (letter.state, letter.last_error) == (LetterState.KEPT, "mail_off")
    home.clock.advance(5 * 86_400)
    with database.write(HOUSEHOLD) as connection:
        fetched, page = law.fetch_letter(
            connection,
            HOUSEHOLD,
            letter.letter_id,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    assert fetched.fetched_at == home.clock.now()
    assert "Model withdrawal form" in page
    short = home.choice(key).ends_at
    assert short is not None
    assert timedelta(days=14) < short - home.clock.now() < timedelta(days=18)


def test_an_acknowledgement_that_is_downloaded_is_in_hand(database: Database) -> None:
    home = LawfulBusiness(database)
    key = home.order()
    home.deliver(key)
    said = home.withdraw(key)
    assert isinstance(said, Declared)
    with database.write(HOUSEHOLD) as connection:
        law.fetch_letter(
            connection,
            HOUSEHOLD,
            said.letter_id,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    assert home.choice(key).withdrawals[0].state is WithdrawalState.ACKNOWLEDGED
