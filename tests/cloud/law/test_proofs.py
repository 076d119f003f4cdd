"""What was shown can be proved, and a proof that was touched anywhere fails."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from business_builders import HOUSEHOLD
from law_world import LawfulBusiness
from zodra_cloud.errors import UnknownThing
from zodra_cloud.law import service as law
from zodra_cloud.law.policy import proof
from zodra_cloud.law.proving import faults_of
from zodra_cloud.law.rules import Rules
from zodra_cloud.store.engine import Database
from zodra_cloud.web.showing import page_version, show_quote

KEPT = Rules(show=show_quote)


@pytest.fixture
def home(database: Database) -> LawfulBusiness:
    return LawfulBusiness(database, rules=KEPT)


def exported(home: LawfulBusiness, key: str) -> dict[str, Any]:
    with home.database.read() as connection:
        return law.export(connection, HOUSEHOLD, key)


def test_a_proof_holds_what_the_household_saw_and_said(home: LawfulBusiness) -> None:
    key = home.order()
    home.clock.advance(60)
    home.deliver(key)
    home.clock.advance(60)
    home.withdraw(key)
    sealed = exported(home, key)
    assert faults_of(sealed) == []
    parts = sealed["parts"]
    order = home.home.order(key)
    assert parts["confirmation"]["label"] == "Order with obligation to pay"
    assert parts["shown"]["snapshot_sha256"] == order.order.snapshot_hash
    assert parts["shown"]["page_version"] == page_version()
    for said in ("Order with obligation to pay", "€10.94", "Paper towels", "Demo shop"):
        assert said in parts["shown"]["page_html"]
    assert [letter["kind"] for letter in parts["letters"]] == [
        "confirmation",
        "shipped",
        "withdrawal",
    ]
    assert parts["withdrawals"][0]["statement"]["label"] == "confirm withdrawal"
    assert parts["mark"]["sha256"] in json.dumps(parts["letters"][0]["content"])


def test_a_file_of_either_kind_verifies_and_one_changed_letter_does_not(
    home: LawfulBusiness,
) -> None:
    sealed = exported(home, home.order())
    for text in (json.dumps(sealed), law.as_html(sealed)):
        assert law.check_file(text.encode())[1] == []
    for old, new in (("10.94", "10.95"), ("1094", "1095"), ("Demo shop", "Demo shap")):
        for text in (json.dumps(sealed), law.as_html(sealed)):
            if old in text:
                assert law.check_file(text.replace(old, new, 1).encode())[1] != []


def test_the_readable_side_alone_cannot_be_changed(home: LawfulBusiness) -> None:
    text = law.as_html(exported(home, home.order()))
    readable, _script, rest = text.partition("<script")
    touched = readable.replace("Order with obligation to pay", "Confirm") + "<script" + rest
    assert law.check_file(touched.encode())[1] == [
        "the page that people read is not the one that its contents make"
    ]


def test_who_recomputes_every_hash_still_disagrees_with_the_letter(home: LawfulBusiness) -> None:
    parts = copy.deepcopy(exported(home, home.order())["parts"])
    parts["snapshot"]["total_minor"] = 1
    parts["shown"]["snapshot_sha256"] = proof.sha256_of(parts["snapshot"])
    shown = {name: parts[name] for name in ("snapshot", "shown", "confirmation")}
    parts["mark"] = {"sha256": proof.seal(shown)["whole_sha256"]}
    assert faults_of(proof.seal(parts)) == ["the confirmation that was sent carries another mark"]


def test_an_order_without_a_proof_says_so(home: LawfulBusiness) -> None:
    with pytest.raises(UnknownThing), home.database.read() as connection:
        law.export(connection, HOUSEHOLD, "o_nobody")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff", b"<html>", b'{"version": "zodra-proof-1"}', b"[" * 9_999],
)
def test_what_is_no_proof_is_said_to_be_none(content: bytes) -> None:
    assert law.check_file(content)[1] != []


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = [here] if here else []
    for key, child in children:
        found += paths(child, (*here, key))
    return found


def example() -> dict[str, Any]:
    snapshot = {"total_minor": 1_094, "titles": {"": "Paper towels"}}
    shown = {
        "snapshot": snapshot,
        "shown": {"snapshot_sha256": proof.sha256_of(snapshot), "page_html": "<p>x</p>"},
        "confirmation": {"label": "Order with obligation to pay", "order_key": "o_1"},
    }
    mark = proof.seal(shown)["whole_sha256"]
    return proof.seal({**shown, "mark": {"sha256": mark}, "letters": [], "history": [{"at": "x"}]})


EXAMPLE = example()


@settings(deadline=None)
@given(st.sampled_from(paths(EXAMPLE)), st.one_of(st.integers(), st.text(), st.none()))
def test_no_value_of_a_proof_can_be_changed(path: tuple[Any, ...], value: Any) -> None:
    assert faults_of(EXAMPLE) == []
    touched = copy.deepcopy(EXAMPLE)
    *way, last = path
    place = touched
    for step in way:
        place = place[step]
    if place[last] == value:
        return
    place[last] = value
    assert faults_of(touched) != []


@settings(deadline=None)
@given(st.sampled_from(paths(EXAMPLE)))
def test_nothing_of_a_proof_can_be_taken_away(path: tuple[Any, ...]) -> None:
    touched = copy.deepcopy(EXAMPLE)
    *way, last = path
    place = touched
    for step in way:
        place = place[step]
    del place[last]
    assert faults_of(touched) != []
