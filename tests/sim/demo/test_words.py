"""English and Dutch say the same things."""

import inspect
import re
import string

import pytest

from zodra_sim.demo.person import walk
from zodra_sim.demo.telling.words import SENTENCES, THINGS, WAITS, awaited, figure, sentence


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_sentences_and_things() -> None:
    assert SENTENCES["en"].keys() == SENTENCES["nl"].keys()
    assert THINGS["en"].keys() == THINGS["nl"].keys()


@pytest.mark.parametrize("key", sorted(SENTENCES["en"]))
def test_a_sentence_has_the_same_fields_in_both_languages(key: str) -> None:
    assert fields(SENTENCES["en"][key]) == fields(SENTENCES["nl"][key])


@pytest.mark.parametrize("name", sorted(WAITS["en"] | WAITS["nl"]))
def test_a_wait_is_said_in_both_languages(name: str) -> None:
    assert fields(WAITS["en"][name]) == fields(WAITS["nl"][name])


def test_what_is_waited_for_is_said_in_the_language_of_its_sentence() -> None:
    assert (
        awaited("nl", "need", "btn-kitchen") == "de behoefte van de knop in de keuken op de pagina"
    )
    assert awaited("en", "shop", away="POST /faults: refused") == "the shop (POST /faults: refused)"


def test_every_wait_of_the_walk_has_words() -> None:
    asked = set(re.findall(r'Wait\("(\w+)"', inspect.getsource(walk)))
    assert asked == set(WAITS["en"])


def test_a_sentence_begins_with_a_capital() -> None:
    said = sentence("nl", "heating", device="de thermostaat in de woonkamer")
    assert said == "De thermostaat in de woonkamer vraagt warmte."


@pytest.mark.parametrize(("language", "said"), [("en", "4,009.5"), ("nl", "4.009,5")])
def test_a_figure_has_the_separators_of_its_language(language: str, said: str) -> None:
    assert figure(language, "4,009.5") == said
