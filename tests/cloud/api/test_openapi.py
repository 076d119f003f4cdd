"""The description: up to date, complete, and a page that needs nothing from elsewhere."""

import json
import re
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api_home import ApiHome, Caller
from zodra_cloud.api.problems import PROBLEM_TYPE, Code
from zodra_cloud.api.surface import described
from zodra_cloud.store.engine import Database

ROOT = Path(__file__).parents[3]
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in described()["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """Nothing here reaches the database."""
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()


def test_the_stored_description_is_what_the_code_says() -> None:
    """Run `make docs` when this fails."""
    written = runpy.run_path(str(ROOT / "scripts" / "openapi.py"))["text"]()
    assert (ROOT / "docs" / "openapi.json").read_text() == written


def test_what_is_served_is_what_is_stored(caller: Caller) -> None:
    del caller.headers["authorization"]
    served = caller.get("/api/openapi.json").json()
    stored = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert served.pop("servers") == [{"url": "http://testserver"}]
    assert served == {name: value for name, value in stored.items() if name != "servers"}


def named(operation: Any) -> set[str]:
    return {
        name
        for answer in operation["responses"].values()
        for name in answer["content"].get(PROBLEM_TYPE, {}).get("examples", {})
    }


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_call_is_described(name: str, operation: Any) -> None:
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert {"token_missing", "too_many_calls", "fault"} <= named(operation)
    asked = {each["name"].lower() for each in operation.get("parameters", ())}
    if not name.startswith("GET"):
        assert "idempotency-key" in asked
        assert {"scope_missing", "idempotency_key_reused", "call_in_flight"} <= named(operation)
    for answer in operation["responses"].values():
        for body in answer["content"].values():
            assert "schema" in body


def test_every_code_is_answered_somewhere() -> None:
    everywhere = set().union(*(named(operation) for _, operation in OPERATIONS))
    by_addresses_that_are_none = {Code.METHOD_NOT_ALLOWED}
    assert {code.value for code in Code} - everywhere - by_addresses_that_are_none == set()


def test_every_field_that_is_sent_is_described_with_an_example() -> None:
    schemas = described()["components"]["schemas"]
    for name in (
        "Confirmation",
        "Wanted",
        "RightOrNot",
        "Counted",
        "AgreementYes",
        "WithdrawalYes",
    ):
        for field, said in schemas[name]["properties"].items():
            assert said.get("examples") or "enum" in said or "$ref" in said, (name, field)


def test_the_page_names_every_address_and_code_and_loads_nothing(home: ApiHome) -> None:
    page = TestClient(home.surface()).get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in described()["paths"]:
        assert f"{path}</code>" in page.text
    for code in Code:
        assert f"id={code.value}>" in page.text
    assert re.findall(r"(?:src|href)=['\"]?(?!/|#)", page.text) == []
    assert "<script" not in page.text
