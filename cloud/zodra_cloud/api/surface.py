"""The API as one application, beside the pages."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Literal

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from zodra_cloud.api import openapi
from zodra_cloud.api.door import GUARDED, HEADERS, Door, Works
from zodra_cloud.api.once import Once
from zodra_cloud.api.problems import (
    DOCS_PATH,
    FIELD_CHARS_MAX,
    Code,
    FieldError,
    Problem,
    answer_to,
    safe_value,
)
from zodra_cloud.api.routes import (
    agreements,
    events,
    home,
    needs,
    orders,
    quotes,
    slots,
    subscriptions,
    withdrawals,
)
from zodra_cloud.errors import UnknownThing

ERRORS_MAX: Final = 10
"""Parts that are named in one answer; who has more wrong reads the description again."""

_HTTP: Final = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED, 400: Code.MALFORMED_BODY}
_PLACES: Final[dict[str, Literal["body", "path", "query", "header"]]] = {
    "body": "body",
    "path": "path",
    "query": "query",
    "header": "header",
}


def create(works: Works) -> FastAPI:
    """Make the API around what it works with; `door.ApiFirst` puts it beside the pages."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.works = works
    app.state.once = Once(works)
    app.state.public_url = works.public_url
    _add_routes(app)
    servers = [{"url": works.public_url.rstrip("/")}]

    @app.get("/api/openapi.json", include_in_schema=False)
    def describe() -> JSONResponse:
        return JSONResponse({**described(), "servers": servers})

    @app.get(DOCS_PATH, include_in_schema=False)
    def explain() -> HTMLResponse:
        return HTMLResponse(openapi.page(described()))

    app.add_middleware(Door, works=works)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(UnknownThing, _unknown)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    return app


@cache
def described() -> dict[str, Any]:
    """Describe the API; made when somebody first asks, and the same for everybody."""
    app = FastAPI()
    _add_routes(app)
    return openapi.document(app)


def _add_routes(app: FastAPI) -> None:
    parts = (
        home, needs, quotes, orders, withdrawals, subscriptions, slots, agreements, events
    )  # fmt: skip
    for part in parts:
        app.include_router(
            part.router, prefix=GUARDED.rstrip("/"), dependencies=[Depends(_knows_its_query)]
        )


def _knows_its_query(request: Request) -> None:
    """Refuse a name that the call does not have, which would otherwise filter nothing unsaid."""
    # A route tells its path below the prefix under which it was included.
    path = f"{GUARDED.rstrip('/')}{request.scope['route'].path_format}"
    known = _query_names(path, request.method.lower())
    unknown = sorted(request.query_params.keys() - known)[:ERRORS_MAX]
    if unknown:
        rule = f"none of this call's names: {', '.join(sorted(known)) or 'it has none'}"
        raise Problem(
            Code.INVALID_REQUEST,
            tuple(
                FieldError(
                    place="query",
                    field=name[:FIELD_CHARS_MAX].encode("ascii", "replace").decode(),
                    rule=rule,
                    value=safe_value(request.query_params[name]),
                )
                for name in unknown
            ),
        )


@cache
def _query_names(path: str, method: str) -> frozenset[str]:
    parameters = described()["paths"][path][method].get("parameters", ())
    return frozenset(each["name"] for each in parameters if each["in"] == "query")


def _problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)  # noqa: S101 - registered for nothing else
    return answer_to(fault, request)


def _unknown(request: Request, _fault: Exception) -> Response:
    return answer_to(Problem(Code.NOT_FOUND), request)


def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101 - registered for nothing else
    code = _HTTP.get(fault.status_code, Code.INVALID_REQUEST)
    headers = dict(fault.headers or {})
    return answer_to(Problem(code, headers=headers), request)


def _invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)  # noqa: S101 - registered for nothing else
    found: Sequence[Any] = fault.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return answer_to(Problem(Code.MALFORMED_BODY), request)
    errors = tuple(_error(each) for each in found[:ERRORS_MAX])
    return answer_to(Problem(Code.INVALID_REQUEST, errors), request)


def _error(found: dict[str, Any]) -> FieldError:
    place, *inside = found["loc"]
    names = ".".join(str(each) for each in inside)[:FIELD_CHARS_MAX]
    return FieldError(
        place=_PLACES.get(str(place), "body"),
        field=names.encode("ascii", "replace").decode(),
        rule=str(found["msg"]),
        value=safe_value(found.get("input")),
    )


def _fault(request: Request, _fault: Exception) -> Response:
    """Answer what nobody foresaw; it is raised again, and the server logs it."""
    answer = answer_to(Problem(Code.FAULT), request)
    answer.headers.update(HEADERS)
    return answer
