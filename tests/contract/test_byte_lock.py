"""Every message is locked byte by byte: a reader in the field must read what we wrote last year.

A record changes only when a field is added, which is visible in review as a change to a file under
`records/`. The file of a new message is added by hand, so that a
change of the wire is never an accident.
"""

import json
from pathlib import Path

import pytest

from contract.examples import DOWN, UP
from zodra_contract.envelope import (
    DownMessage,
    UpMessage,
    read_command,
    read_outcome,
    read_receipt,
    read_up,
    to_bytes,
)

RECORDS = Path(__file__).parent / "records" / "v1"
READERS = {
    "receipt": read_receipt,
    "receipt_refused": read_receipt,
    "command": read_command,
    "signal_outcome": read_outcome,
}


@pytest.mark.parametrize("name", [*UP, *DOWN])
def test_what_we_write_is_the_record(name: str) -> None:
    message: UpMessage | DownMessage = {**UP, **DOWN}[name]
    assert to_bytes(message) == (RECORDS / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", UP)
def test_a_record_from_a_gateway_reads_as_the_message(name: str) -> None:
    read = read_up((RECORDS / f"{name}.json").read_bytes())
    assert (read.message, read.unreadable) == (UP[name], ())


@pytest.mark.parametrize("name", DOWN)
def test_a_record_from_the_cloud_reads_as_the_message(name: str) -> None:
    assert READERS[name]((RECORDS / f"{name}.json").read_bytes()) == DOWN[name]


def test_an_outcome_without_a_round_is_of_the_first() -> None:
    body = json.loads((RECORDS / "signal_outcome.json").read_bytes())
    del body["round"]
    assert read_outcome(json.dumps(body).encode()).round == 1


def test_there_is_no_record_without_a_message() -> None:
    assert {path.stem for path in RECORDS.glob("*.json")} == {*UP, *DOWN}
