"""The service's own parts at work: real workers, real time, a real mail server."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from business_builders import HOUSEHOLD, Business
from cloud_serving import until
from law_world import RefundingShop
from mail_server import Mailbox, mail_server
from zodra_cloud import lawful
from zodra_cloud.channels import service as channels
from zodra_cloud.consent.service import Purpose
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.settings import load
from zodra_cloud.store.engine import Database
from zodra_cloud.store.runner import JobRunner

CONFIG = """
database_url = "sqlite:///nowhere"
data_dir = "data"
[broker]
password_file = "secret"
[shop]
base_url = "http://127.0.0.1:9"
api_key_file = "secret"
webhook_secret_file = "secret"
private_address_allowed = true
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "orders@zodra.test"
"""


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database, clock=SystemClock(), shop=RefundingShop()).set_up(Purpose.REPLENISH)


def test_a_confirmation_is_with_the_mail_server_well_within_its_two_minutes(
    home: Business, tmp_path: Path
) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        (tmp_path / "secret").write_text("a secret\n")
        (tmp_path / "cloud.toml").write_text(CONFIG.format(port=port))
        built = lawful.build(
            load(tmp_path / "cloud.toml"),
            database=home.database,
            clock=home.clock,
            changes=home.changes,
            shop=home.shop,
            instance="test",
        )
        with home.database.write(HOUSEHOLD) as connection:
            channels.set_email(
                connection,
                HOUSEHOLD,
                "a@home.example",
                set_by="operator",
                now=home.clock.now(),
                mail_on=True,
            )
        handlers: dict[str, Any] = {**home.handlers, **built.handlers}
        runner = JobRunner(
            home.database, home.clock, handlers, "test", batches=home.replenisher.batches()
        )
        runner.start()
        try:
            home.press()
            until(lambda: bool(home.quotes()), "a quote")
            (quote,) = home.quotes()
            said = [home.confirm(quote) for _ in range(2)]
            assert isinstance(said[0], Confirmed)
            assert said[0] == said[1]
            until(lambda: bool(mailbox.taken), "a letter")
            until(lambda: _report(home).measured == 1, "its time")
        finally:
            runner.stop(5)
    assert len(mailbox.taken) == 1
    report = _report(home)
    assert (report.late, report.waiting, report.no_durable_medium) == (0, 0, 0)
    with home.database.read() as connection:
        kept = connection.execute(text("SELECT count(*) FROM proofs")).scalar_one()
    assert kept == 1


def _report(home: Business) -> channels.MailReport:
    with home.database.read() as connection:
        return channels.report(connection, since=home.clock.now().replace(year=2000))
