"""What the commands say: both languages say the same, and every sentence is there."""

import re
import string
from pathlib import Path

import pytest

from zodra_edge.words import LANGUAGES, Words, language_of, say
from zodra_edge.words.en import EN
from zodra_edge.words.nl import NL

SOURCE = Path(__file__).parents[2] / "edge" / "zodra_edge"
USED = re.compile(r'\b(?:say|words)\(\s*"(\w+)"|Said\(\s*"(\w+)"')


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_sentences_with_the_same_facts() -> None:
    assert EN.keys() == NL.keys()
    assert {key: fields(text) for key, text in EN.items()} == {
        key: fields(text) for key, text in NL.items()
    }
    same = {key for key in EN if EN[key] == NL[key]}
    assert same == {"as_told"}


def test_no_sentence_is_missing_and_none_is_left_over() -> None:
    text = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    used = {one or other for one, other in USED.findall(text)}
    assert used - EN.keys() == set()
    # Chosen by a condition, in one call; and said by the name of the attribute.
    assert EN.keys() - used == {"buying_resumed", "error"}


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
