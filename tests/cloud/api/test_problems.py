"""Refusals: a code and a next step from closed lists, and a detail in the caller's language."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_home import ApiHome, Caller, problem
from zodra_cloud.api.problems import RULES, Code, Next
from zodra_cloud.api.words import DETAILS, TITLES, choose
from zodra_cloud.store.engine import Database

KEY = {"idempotency-key": "k"}


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """Nothing here reaches the database."""
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()


def test_every_code_has_a_rule_a_title_and_words_in_both_languages() -> None:
    names = {code.value for code in Code}
    assert {code.value for code in RULES} == set(TITLES) == set(DETAILS) == names
    for code, said in DETAILS.items():
        assert set(said) == {"en", "nl"}, code
        assert said["en"] != said["nl"], code
    assert {following for _, following in RULES.values()} == set(Next)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("nl", "nl"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("en,nl;q=0.5", "en"),
        ("nl;q=0.2, en;q=0.7", "en"),
        ("fr, nl;q=0.1", "nl"),
        ("nl;q=0", "en"),
        ("nl;q=x", "en"),
        ("nl;q=nan", "en"),
        (";;,,q=", "en"),
    ],
)
def test_the_language_is_the_one_preferred(asked: str | None, language: str) -> None:
    assert choose(asked) == language


def test_only_the_detail_is_in_the_callers_language(caller: Caller) -> None:
    english = caller.get("/api/v1/needs/p_1").json()
    dutch = caller.get("/api/v1/needs/p_1", headers={"accept-language": "nl-NL"})
    assert dutch.headers["content-language"] == "nl"
    told = dutch.json()
    assert told.pop("detail") == DETAILS["not_found"]["nl"]
    assert english.pop("detail") == DETAILS["not_found"]["en"]
    assert told == english
    assert told["type"] == "http://testserver/api/docs#not_found"


def test_addresses_and_methods_that_are_none(caller: Caller) -> None:
    assert problem(caller.get("/api/v1/nothing")) == (404, "not_found", "stop")
    assert problem(caller.get("/api/nothing"))[1] == "not_found"
    wrong = caller.post("/api/v1/me", headers=KEY)
    assert problem(wrong) == (405, "method_not_allowed", "correct")
    assert wrong.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{", "application/json", "malformed_body"),
        (b'{"needed": NaN}', "application/json", "invalid_request"),
        (b"[" * 30_000, "application/json", "malformed_body"),
        (b'{"needed": true}', "text/plain", "unsupported_media_type"),
        (b'{"needed": true}', "application/json; charset=latin-1", "unsupported_media_type"),
        (b"needed=true", "application/x-www-form-urlencoded", "unsupported_media_type"),
        (b'{"needed": true}', "", "unsupported_media_type"),
        (b"\xff\xfe{}", "application/json", "malformed_body"),
        (b'{"needed": "' + b"x" * 70_000 + b'"}', "application/json", "body_too_large"),
        (b"", "application/json", "invalid_request"),
        (b"[]", "application/json", "invalid_request"),
        (b'{"needed": "perhaps"}', "application/json", "invalid_request"),
        (b'{"needed": true, "also": 1}', "application/json", "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bodies_that_are_not_taken(caller: Caller, content: bytes, kind: str, code: str) -> None:
    headers = {**KEY, **({"content-type": kind} if kind else {})}
    answer = caller.post("/api/v1/quotes/q-1/answer", content=content, headers=headers)
    assert problem(answer)[:2] == (RULES[Code(code)][0], code)


def test_a_body_without_end_is_not_read_to_it(caller: Caller) -> None:
    sent: list[int] = []

    def endless() -> Any:
        while len(sent) < 10_000:
            sent.append(1)
            yield b" " * 10_000

    headers = {**KEY, "content-type": "application/json"}
    answer = caller.post("/api/v1/quotes/q-1/answer", content=endless(), headers=headers)
    assert problem(answer)[:2] == (413, "body_too_large")


def test_a_refusal_names_field_rule_and_value(caller: Caller) -> None:
    told = caller.do("/slots/btn-kitchen/button-1", {"quantity": 0}, if_match="*").json()
    assert told["code"] == "invalid_request"
    assert told["errors"] == [
        {
            "place": "body",
            "field": "quantity",
            "rule": "Input should be greater than or equal to 1",
            "value": 0,
        }
    ]
    bad = caller.get("/api/v1/needs", params={"limit": 101}).json()["errors"][0]
    assert (bad["place"], bad["field"], bad["value"]) == ("query", "limit", "101")


@pytest.mark.parametrize("name", ["a b", "x" * 65, "..", "%00", "é", "a%2Fb"])
def test_ids_that_cannot_be_are_refused(caller: Caller, name: str) -> None:
    assert caller.get(f"/api/v1/orders/{name}").status_code in (404, 422)


def test_a_name_in_the_query_that_a_call_does_not_have_is_refused(caller: Caller) -> None:
    told = caller.get("/api/v1/orders?stat=open&limit=5")
    assert problem(told) == (422, "invalid_request", "correct")
    (error,) = told.json()["errors"]
    assert (error["place"], error["field"], error["value"]) == ("query", "stat", "open")
    assert "limit" in error["rule"]
    assert caller.get("/api/v1/orders?limit=5").status_code == 200


def test_every_answer_carries_the_guards_headers(home: ApiHome, caller: Caller) -> None:
    del caller.headers["authorization"]
    for path in ("/api/v1/me", "/api/openapi.json", "/api/docs", "/api/none"):
        answer = caller.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["cache-control"] == "no-store", path
