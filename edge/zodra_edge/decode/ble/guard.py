"""A wall around parsers that others wrote: whatever happens inside, a frame gets an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Raised:
    """What a parser did instead of answering."""

    fault: str
    """The name of the exception. Never its words, which may quote the frame."""


def guarded(work: Callable[..., Answer], *arguments: object) -> Answer | Raised:
    """Call somebody else's code, and have an answer in any case.

    The libraries index past the end, unpack what is too short and decode text that is none; each
    does so on other bytes, and the next version on yet others. So this is the one place beside the
    supervisor that catches whatever comes.
    """
    try:
        return work(*arguments)
    except Exception as fault:
        return Raised(type(fault).__name__)
