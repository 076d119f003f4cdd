"""A household whose letters arrive, on both databases."""

from collections.abc import Iterator

import pytest

from law_world import MAILING, LawfulBusiness
from mail_server import Mailbox, mail_server
from zodra_cloud.store.engine import Database


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def home(database: Database, mailbox: Mailbox) -> Iterator[LawfulBusiness]:
    with mail_server(mailbox) as port:
        business = LawfulBusiness(database, port, MAILING)
        business.know_address()
        yield business
