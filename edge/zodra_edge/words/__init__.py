"""What the commands of `zodra-edge` say to a person, in English and Dutch.

The way of the demo's words: a list a language, equal in keys and fields, which a test holds. What
is for programs (`--json`, logs, names in the settings) is English in every language.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from zodra_edge.words.en import EN

Language = Literal["en", "nl"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "nl")
_NAMED: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""In the order in which they count on a POSIX system."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that is not yet in any language."""

    key: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def in_language(self, language: Language) -> str:
        """Say it."""
        fields = {
            name: value.in_language(language) if isinstance(value, Said) else value
            for name, value in self.fields.items()
        }
        return _texts(language)[self.key].format(**fields)


class Words:
    """One person's language: `words("device_unknown", device_id="btn")`."""

    def __init__(self, language: Language) -> None:
        """Choose it."""
        self.language: Language = language

    def __call__(self, key: str, /, **fields: object) -> str:
        """Say a sentence."""
        return Said(key, fields).in_language(self.language)

    def named(self, kind: str, name: str, /, **fields: object) -> str:
        """Say the words for one name of a closed list; the name itself if it has none here.

        Such as `light_asked` for the state `asked` of a light.
        """
        key = f"{kind}_{name}"
        return self(key, **fields) if key in EN else name

    def again(self, english: str, keys: Iterable[str]) -> str:
        """Say what somebody said in English, if it was one of these sentences."""
        for key in keys:
            parts = re.split(r"\{(\w+)\}", EN[key])
            pattern = "".join(
                f"(?P<{part}>.+)" if place % 2 else re.escape(part)
                for place, part in enumerate(parts)
            )
            if (found := re.fullmatch(pattern, english)) is not None:
                return self(key, **found.groupdict())
        return english


ENGLISH: Final = Words("en")


def say(key: str, /, **fields: object) -> Said:
    """Keep a sentence for whoever knows the language."""
    return Said(key, fields)


def language_of(environment: Mapping[str, str]) -> Language:
    """Take the language that a system is set to; its locale need not be installed."""
    named = next((environment[name] for name in _NAMED if environment.get(name)), "")
    return "nl" if named.lower().startswith(("nl", "dutch")) else "en"


def _texts(language: Language) -> Mapping[str, str]:
    if language == "en":
        return EN
    # The agent itself never speaks Dutch, and need not keep it in memory.
    from zodra_edge.words.nl import NL

    return NL
