"""What the commands say: both languages say the same, and every sentence is there."""

import re
import string
from pathlib import Path

import pytest

from zodra_contract.outcome import SignalState
from zodra_edge.feedback import KEPT, NOT_KEPT, PRACTICE
from zodra_edge.ladder import Mode, Stage
from zodra_edge.link import LinkState
from zodra_edge.nearby import Pool
from zodra_edge.status import Problem
from zodra_edge.words import LANGUAGES, Words, language_of, say
from zodra_edge.words.en import EN
from zodra_edge.words.nl import NL

SOURCE = Path(__file__).parents[2] / "edge" / "zodra_edge"
CLOSED = {
    "problem": {problem.name.lower() for problem in Problem},
    "light": {KEPT, NOT_KEPT, PRACTICE, *SignalState},
    "cloud": set(LinkState),
    "stage": set(Stage) - {"hearing"},
    "radio": set(Mode),
    "pool": {Pool.RECOGNISED, Pool.UNKNOWN},
    "storage": {"ok", "low", "full", "read_only", "io_error", "salvaged"},
    "clock": {"synced", "unsynced"},
    "counts": {"refused", "repeats"},
    "reason": {"buying_paused"},
}
"""Sentences that are asked for by the name of something in a closed list."""


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_sentences_with_the_same_facts() -> None:
    assert EN.keys() == NL.keys()
    assert {key: fields(text) for key, text in EN.items()} == {
        key: fields(text) for key, text in NL.items()
    }
    words = {key for key in EN if EN[key] == NL[key] and re.search("[a-z]{4}", EN[key])}
    assert {key for key in words if not re.fullmatch(r"[\W\d]*(\{[^}]*\}\W*)+", EN[key])} == {
        *("label_cloud", "label_radio", "lane_buffer"),
    }


def test_every_name_of_a_closed_list_has_its_words() -> None:
    missing = {f"{kind}_{name}" for kind, names in CLOSED.items() for name in names} - EN.keys()
    assert missing == set()
    for problem in Problem:
        assert Words("en").named("problem", problem.name.lower()) == problem


def test_no_sentence_is_missing_and_none_is_left_over() -> None:
    paths = [path for path in SOURCE.rglob("*.py") if path.parent.name != "words"]
    text = "".join(path.read_text() for path in [*paths, SOURCE / "words" / "__init__.py"])
    asked = {key for found in re.findall(r'\b(?:say|words)\(\s*"(\w+)"', text) for key in [found]}
    assert asked - EN.keys() == set()
    by_name = {f"{kind}_{name}" for kind, names in CLOSED.items() for name in names}
    quoted = set(re.findall(r"[\"'](\w+)[\"']", text))
    labels = {f"label_{name}" for name in quoted}
    assert EN.keys() - quoted - by_name - labels == set()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "nl_NL.UTF-8"}, "nl"),
        ({"LANG": "nl_BE"}, "nl"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "nl_NL.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "nl_NL", "LANG": "en_GB"}, "nl"),
    ],
)
def test_the_language_is_the_system_s(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_a_sentence_within_a_sentence_is_in_the_same_language() -> None:
    said = say("cannot_be_paired", where="A4", verdict=say("says_nothing"))
    assert "is niet te begrijpen" in said.in_language("nl")
    assert "cannot be understood" in said.in_language("en")
    assert {Words(one)("error") for one in LANGUAGES} == {"Error", "Fout"}


def test_a_sentence_that_was_made_in_english_is_said_again_where_it_is_known() -> None:
    dutch, keys = Words("nl"), ("mode_none", "mode_missed")
    assert dutch.again("btn and 1 more would be missed passively", keys) == (
        "btn and 1 more zou passief gemist worden"
    )
    assert dutch.again("something new", keys) == "something new"
    assert dutch.named("light", "a_newer_state") == "a_newer_state"
