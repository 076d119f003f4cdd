"""The examples of the description are calls that were made, and what they were answered."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_examples import walk
from api_home import furnished
from cloud_builders import FakeClock
from zodra_cloud.api.describing import examples
from zodra_cloud.api.surface import described
from zodra_cloud.store.engine import Database

OPERATIONS = [
    operation
    for path, methods in described()["paths"].items()
    for operation in methods.values()
    # A stream shows its own example, as text.
    if not path.endswith("/events")
]


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """The same calls on both databases are in the other tests of the API."""
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()


def test_the_stored_examples_are_what_the_calls_give_today(database: Database) -> None:
    """Run with EXAMPLES=write, then `make docs`, when this fails."""
    clock = FakeClock()
    made = json.dumps(walk(furnished(database, clock), clock), indent=1) + "\n"
    if os.environ.get("EXAMPLES") == "write":
        examples.FILE.write_text(made)
    assert examples.FILE.read_text() == made


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: str(each["operationId"]))
def test_every_call_shows_what_is_sent_and_what_comes_back(operation: Any) -> None:
    shown = operation["responses"]["200"]["content"]["application/json"]["examples"]
    (reference,) = (each["$ref"] for each in shown.values())
    assert reference.rpartition("/")[2] in described()["components"]["examples"]
    for given in operation.get("parameters", ()):
        assert given["in"] != "path" or given["example"]
    wanted = operation.get("requestBody", {}).get("content", {}).get("application/json")
    takes_nothing = wanted is None or "Nothing" in str(wanted["schema"])
    assert takes_nothing or wanted["example"]
