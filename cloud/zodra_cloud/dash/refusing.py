"""Errors at the addresses of machines that no call of theirs answers itself: JSON, never a page.

Firmware for the classic service reads `message` out of `application/json`, and a login library
`error` (RFC 6749, 5.2); whoever is neither gets the same body as problem details (RFC 9457).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zodra_cloud.dash.wire import ACCEPT_TYPE, TYPE_VERSION
from zodra_cloud.kit.problem import PROBLEM_TYPE, HookNext, problem

FIRMWARE: Final = "/dash/"
HOOKS: Final = ("/merchants/", "/payments/stripe/")
"""Where shops and the payment provider send their events."""
LOGIN: Final = ("/oauth/token", "/oauth/revoke", "/auth/o2/token")

_MESSAGES: Final = {
    400: "the call cannot be read",
    403: "a page of another site cannot call this",
    404: "there is no such call; see the verbs in the documentation of the service",
    405: "the call is not made with this method; the header Allow names those that it is made with",
    413: "the body is larger than any call needs",
}
_CODES: Final = {
    400: "malformed",
    403: "foreign_site",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}
_FAULT: Final = "something is wrong on our side; make the same call again later"
_LOGIN_FAULT: Final = "server_error"


def refusal(
    request: Request, status: int, headers: Mapping[str, str] | None = None
) -> Response | None:
    """Answer an error of a call that a machine made; None at an address of people.

    Args:
        request: the call.
        status: of the answer.
        headers: that belong to it, such as `Allow`.
    """
    path = request.url.path
    is_login = path in LOGIN
    if path.startswith(HOOKS):
        return problem(status, _code(status), _message(status), headers)
    if not (is_login or path.startswith(FIRMWARE)):
        return None
    message = _message(status)
    following = HookNext.REPEAT if status >= 500 else HookNext.CORRECT
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": _code(status),
        "detail": message,
        "next": following.value,
    }
    if is_login:
        error = _LOGIN_FAULT if status >= 500 else "invalid_request"
        body |= {"error": error, "error_description": message}
    else:
        body["message"] = message
    is_classic = TYPE_VERSION in request.headers or ACCEPT_TYPE in request.headers
    kind = "application/json" if is_login or is_classic else PROBLEM_TYPE
    sent = {**(headers or {}), "cache-control": "no-store"}
    return JSONResponse(body, status, sent, kind)


def _message(status: int) -> str:
    return _MESSAGES.get(status, _FAULT if status >= 500 else _MESSAGES[400])


def _code(status: int) -> str:
    return _CODES.get(status, "fault" if status >= 500 else _CODES[400])
