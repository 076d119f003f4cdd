"""Refusals to other machines: problem details (RFC 9457) with a code, and what to do next."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

PROBLEM_TYPE: Final = "application/problem+json"


class HookNext(StrEnum):
    """What a sender of events does next. A name is never reused."""

    CORRECT = "correct"
    """Sending it again as it is helps nobody."""
    REPEAT = "repeat"
    """Send the same event again, ever more slowly."""


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Answer that an event was not taken in.

    Args:
        status: of the answer; from 500 on the sender is asked to repeat.
        code: which rule it broke, from the closed list of the caller.
        detail: for a person: the part that breaks it, and the rule; nothing that was sent.
        headers: that belong to the answer.
        more: further members of the body.
    """
    following = HookNext.REPEAT if status >= 500 else HookNext.CORRECT
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "next": following.value,
        **more,
    }
    sent = {**(headers or {}), "cache-control": "no-store"}
    return JSONResponse(body, status, sent, PROBLEM_TYPE)
