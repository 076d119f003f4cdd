"""Puts the pages into the application: their guards, their routes, their errors."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import RedirectResponse, Response

from zodra_cloud.dash.refusing import refusal
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.web import security
from zodra_cloud.web.access import NotSignedIn
from zodra_cloud.web.answers import error_page
from zodra_cloud.web.context import Site
from zodra_cloud.web.render import FOREIGN
from zodra_cloud.web.routes import (
    connect,
    household,
    live,
    meta,
    operator,
    orders,
    sign_in,
    slots,
    standing,
    subscriptions,
    withdrawal,
)

PARTS: Final = (
    connect,
    household,
    live,
    meta,
    operator,
    orders,
    sign_in,
    slots,
    standing,
    subscriptions,
    withdrawal,
)
"""Every module with routes of pages; tests go through them all."""

_STATUS: Final[dict[type[Exception], int]] = {
    RequestValidationError: 400,
    BadRequest: 400,
    UnknownThing: 404,
}


def install(app: FastAPI, site: Site) -> None:
    """Put the pages into an application.

    Args:
        app: made with `docs_url=None, redoc_url=None, openapi_url=None`; our surface is pages.
        site: what the pages work with; also kept as `app.state.site`.
    """
    app.state.site = site
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=security.BODY_BYTES_MAX)
    app.add_middleware(
        security.Guard,
        public_origin=site.origin,
        refuse=lambda request, status: _refused(request, status, FOREIGN if status == 403 else ""),
    )
    for part in PARTS:
        app.include_router(part.router)
    app.add_exception_handler(NotSignedIn, _to_the_door)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, lambda request, fault: _refused(request, 500))
    for fault in _STATUS:
        app.add_exception_handler(fault, _named_error)


def _to_the_door(request: Request, fault: Exception) -> Response:
    if request.url.path.endswith("/events"):
        # A stream that reconnects would take the sign-in page for an empty stream, again and again.
        return error_page(request, 401)
    return RedirectResponse("/sign-in", status_code=303)


def _http_error(request: Request, fault: Exception) -> Response:
    if not isinstance(fault, HTTPException):
        return _refused(request, 500)
    return _refused(request, fault.status_code, headers=fault.headers)


def _named_error(request: Request, fault: Exception) -> Response:
    for kind, status in _STATUS.items():
        if isinstance(fault, kind):
            return _refused(request, status)
    return _refused(request, 500)


def _refused(
    request: Request, status: int, about: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Answer an error as whoever called reads it: devices JSON, people a page."""
    answer = refusal(request, status, headers)
    if answer is None:
        return error_page(request, status, about)
    for name, value in security.HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer
