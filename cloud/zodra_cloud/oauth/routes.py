"""Where codes and refresh tokens are exchanged, and tokens revoked."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from zodra_cloud.kit.clock import Clock
from zodra_cloud.oauth import policy, service
from zodra_cloud.oauth.models import SCOPE, Answer
from zodra_cloud.oauth.server import AUTH_METHODS
from zodra_cloud.oauth.service import Registrar
from zodra_cloud.store.engine import Database

FORM_BYTES_MAX: Final = 16 * 1024
FIELDS_MAX: Final = 32
RETRY_AFTER_S: Final = 30

Limit = Callable[[str, float], bool]
"""Takes one attempt of an address at a monotonic instant; False if it has none left."""

_FORM: Final = "application/x-www-form-urlencoded"
_log = structlog.get_logger("zodra_cloud.oauth")


class Malformed(Exception):
    """A body that is no form, or names a parameter twice."""


async def _form(request: Request) -> dict[str, str] | Malformed:
    """Read the form, bounded; RFC 6749, 3.2: no parameter more than once."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            return Malformed(f"the body is over {FORM_BYTES_MAX} bytes")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
        return Malformed(f"send {_FORM}")
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        return Malformed("the body is no form")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        return Malformed("a parameter is there twice")
    return {name: value for name, value in parameters.items() if value}


def router(
    *, database: Database, clock: Clock, public_url: str, register: Registrar, limit: Limit
) -> APIRouter:
    """Make the routes.

    Args:
        database: where everything is.
        clock: for the lifetimes.
        public_url: how people reach the service; names the issuer.
        register: does what a household agreed to when its code is exchanged.
        limit: turns away an address that tries too often.
    """
    routes = APIRouter()
    issuer = public_url.rstrip("/")

    def answer(request: Request, form: dict[str, str] | Malformed, do: _Exchange) -> Response:
        address = request.client.host if request.client else ""
        if not limit(address, clock.monotonic()):
            return _slower()
        if isinstance(form, Malformed):
            return _said(Answer(400, _error("invalid_request", str(form)), {}))
        if not policy.may_be_credentials(request.headers.get("authorization", "")):
            return _said(_UNREADABLE)
        return _said(do(form, request.headers))

    @routes.post("/oauth/token")
    @routes.post("/auth/o2/token", include_in_schema=False)
    async def token(
        request: Request, form: Annotated[dict[str, str] | Malformed, Depends(_form)]
    ) -> Response:
        """Exchange a code or a refresh token for tokens."""

        def exchange(sent: dict[str, str], headers: Mapping[str, str]) -> Answer:
            return service.token(database, sent, _credentials(headers), register, clock.now())

        return await run_in_threadpool(answer, request, form, exchange)

    @routes.post("/oauth/revoke")
    async def revoke(
        request: Request, form: Annotated[dict[str, str] | Malformed, Depends(_form)]
    ) -> Response:
        """Revoke the grant that a token belongs to."""

        def end(sent: dict[str, str], headers: Mapping[str, str]) -> Answer:
            return service.revoke(database, sent, _credentials(headers), clock.now())

        return await run_in_threadpool(answer, request, form, end)

    @routes.get("/.well-known/oauth-authorization-server")
    def metadata() -> JSONResponse:
        """Say where everything is (RFC 8414)."""
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/oauth/authorize",
                "token_endpoint": f"{issuer}/oauth/token",
                "revocation_endpoint": f"{issuer}/oauth/revoke",
                "scopes_supported": [SCOPE],
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": AUTH_METHODS,
                "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
                "code_challenge_methods_supported": ["S256"],
            }
        )

    return routes


_Exchange = Callable[[dict[str, str], Mapping[str, str]], Answer]


def _credentials(headers: Mapping[str, str]) -> dict[str, str]:
    # authlib looks the header up under this spelling.
    given = headers.get("authorization")
    return {} if given is None else {"Authorization": given}


def _error(error: str, description: str) -> dict[str, Any]:
    return {"error": error, "error_description": description}


_UNREADABLE: Final = Answer(
    401,
    _error("invalid_client", "The Authorization header cannot be read"),
    {"WWW-Authenticate": 'Basic error="invalid_client"'},
)


def _said(answer: Answer) -> Response:
    error = answer.body.get("error")
    if error is not None:
        _log.info("oauth_refused", error=error, status=answer.status)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    headers.pop("content-type", None)
    headers |= {"cache-control": "no-store", "pragma": "no-cache"}
    return JSONResponse(answer.body, answer.status, headers)


def _slower() -> Response:
    return JSONResponse(
        _error("temporarily_unavailable", "Too many attempts; wait and try again"),
        429,
        {"retry-after": str(RETRY_AFTER_S), "cache-control": "no-store"},
    )
