"""No card data ever touches us: it is typed in on the provider's page, and stays there."""

import io
import re
from pathlib import Path

import structlog
from sqlalchemy import inspect, text

from paying.home import PayingHome
from paying.peer import ASKS, BROKE, GOOD, Stripe

CVC = "737"


def test_no_card_data_in_our_database_our_logs_or_on_our_wire(
    home: PayingHome, peer: Stripe
) -> None:
    logs = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(logs))
    try:
        key = home.ordered()
        home.do_jobs()
        peer.counter.fill_in(home.link(key), BROKE)
        peer.counter.fill_in(home.link(key), ASKS)
        home.wait(60)
        home.ship(key)
        home.refund(key, 100, "withdrawal:1")
    finally:
        structlog.reset_defaults()
    assert home.state(key) == "captured"
    wire = b"".join(each.head.encode() + each.body + each.answer for each in peer.counter.wire)
    assert logs.getvalue()
    assert wire
    for place in (wire.decode(), logs.getvalue(), stored(home)):
        for number in (ASKS, BROKE, GOOD):
            assert number not in re.sub(r"[ -]", "", place)
        for field in ("cvc", "exp_month", "exp_year", "last4", '"number"', "card["):
            assert field not in place
    # No name, no address, no language of a person goes to the provider.
    sent = b"".join(each.head.encode() + each.body for each in peer.counter.wire).decode()
    for known in ("hh-1", "u-1", "btn-kitchen", "paper-towels"):
        assert known not in sent
    assert "sk_test" not in logs.getvalue() + stored(home)


def stored(home: PayingHome) -> str:
    with home.database.read() as connection:
        tables = inspect(connection).get_table_names()
        rows = [
            str(tuple(row))
            for table in tables
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))
        ]
    return "\n".join(rows)


def test_only_the_peer_process_imports_what_is_under_the_gpl() -> None:
    root = Path(__file__).parents[3]
    folders = ("contract", "edge", "cloud", "firmware-sim", "tests", "bench", "scripts", "deploy")
    importers = [
        path.name
        for folder in folders
        for path in (root / folder).rglob("*.py")
        if re.search(r"^\s*(?:from|import) localstripe", path.read_text(), re.MULTILINE)
    ]
    assert importers == ["localstripe_serve.py"]
