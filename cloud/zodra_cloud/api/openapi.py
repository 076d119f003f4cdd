"""The description of the API: an OpenAPI 3.1 document from the routes, and a page for people."""

from html import escape
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from zodra_cloud.api.describing import examples
from zodra_cloud.api.describing.links import LINKS
from zodra_cloud.api.problems import PROBLEM_TYPE, RULES, Code, ProblemBody
from zodra_cloud.api.schemas.events import stream_schema
from zodra_cloud.api.words import DETAILS, TITLES

SERVER: Final = "https://zodra.example"
_ABOUT: Final = """For a household's own software: see needs, quotes and orders, answer and confirm,
cancel, set the limits of slots, and follow orders live.

Every call carries an access token of the household (`Authorization: Bearer zpt_...`) and sees that
household alone. A call that does something needs the scope `act` and an `Idempotency-Key`; a repeat
with the same key gets the same answer for 24 hours and does nothing twice. Errors are
`application/problem+json` with a `code` and a `next` step from closed lists; `detail` is in the
language of `Accept-Language` (en, nl). Lists come in pages: give `next_cursor` as `cursor`."""

_ALWAYS: Final = (
    Code.TOKEN_MISSING,
    Code.TOKEN_INVALID,
    Code.FOREIGN_SITE,
    Code.TOO_MANY_CALLS,
    Code.INVALID_REQUEST,
    Code.FAULT,
)
_UNSAFE: Final = (
    Code.SCOPE_MISSING,
    Code.IDEMPOTENCY_KEY_MISSING,
    Code.IDEMPOTENCY_KEY_INVALID,
    Code.IDEMPOTENCY_KEY_REUSED,
    Code.CALL_IN_FLIGHT,
    Code.MALFORMED_BODY,
    Code.BODY_TOO_LARGE,
    Code.UNSUPPORTED_MEDIA_TYPE,
)
_UNSAFE_METHODS: Final = frozenset({"post", "patch", "put", "delete"})
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_STREAM: Final[dict[str, Any]] = {
    "description": "Events, one after the other; each `data` is a JSON object.",
    "content": {
        "text/event-stream": {
            "schema": {"$ref": "#/components/schemas/StreamEvent"},
            "examples": {
                "late": {
                    "summary": "A promise that will not be kept",
                    "value": "event: order.late\nid: 17\n"
                    'data: {"kind": "order.late", "at": "2026-11-24T18:00:01Z", '
                    '"order_key": "o_1", "state": "shipped", '
                    '"promised_to_at": "2026-11-24T17:00:00Z"}\n\n',
                }
            },
        }
    },
}


def document(app: FastAPI) -> dict[str, Any]:
    """Describe the routes of an application.

    Args:
        app: with its routes; what it is served at is not in the document, but `SERVER`.
    """
    described = get_openapi(
        title="Zodra",
        version="1",
        openapi_version="3.1.0",
        summary="From the moment a need arises at home to a confirmed order.",
        description=_ABOUT,
        routes=app.routes,
        servers=[{"url": SERVER}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = described["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _add_problem(schemas)
    schemas["StreamEvent"] = stream_schema(schemas)
    described["components"]["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token that the household made: on its page, or with "
            "`zodra-cloud token make`.",
        }
    }
    described["components"]["examples"] = {
        code.value: {"summary": TITLES[code], "value": example(code)} for code in Code
    }
    described["security"] = [{"token": []}]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    examples.add_to(described)
    return described


def _add_problem(schemas: dict[str, Any]) -> None:
    made = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= made.pop("$defs")
    schemas["Problem"] = made


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    operation["operationId"] = operation["operationId"].partition("_api_v1")[0]
    answers = operation["responses"]
    answers.pop("422", None)
    codes = [*_ALWAYS, *(Code(each) for each in operation.pop("x-codes", ()))]
    if method in _UNSAFE_METHODS:
        codes += _UNSAFE
        answers["200"].setdefault("headers", {})["Idempotency-Replayed"] = {
            "description": "`true` if this is the answer that an earlier call got.",
            "schema": {"type": "string"},
        }
    if "{" in path:
        codes.append(Code.NOT_FOUND)
    if path.endswith("/events"):
        codes.append(Code.TOO_MANY_STREAMS)
        answers["200"] = _STREAM
    for target, link in LINKS.get(operation["operationId"], {}).items():
        answers["200"].setdefault("links", {})[target] = {"operationId": target, **link}
    for given in operation.get("parameters", ()):
        # Left out it is answered 428, which says more than that something is missing.
        needed = given["name"] == "if-match" and method == "patch"
        given["required"] = given.get("required", False) or needed
    for status in sorted({RULES[code][0] for code in codes}):
        answers[str(status)] = _answer(status, [c for c in codes if RULES[c][0] == status])


def _answer(status: int, codes: list[Code]) -> dict[str, Any]:
    named = sorted(set(codes), key=list(Code).index)
    answer: dict[str, Any] = {
        "description": "; ".join(f"`{code.value}`: {TITLES[code]}" for code in named) + ".",
        "content": {
            PROBLEM_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    code.value: {"$ref": f"#/components/examples/{code.value}"} for code in named
                },
            }
        },
    }
    if status == 429:
        answer["headers"] = _RETRY_AFTER
    return answer


def example(code: Code) -> dict[str, Any]:
    """Give the problem of a code, as it looks."""
    status, following = RULES[code]
    return {
        "type": f"{SERVER}/api/docs#{code.value}",
        "title": TITLES[code],
        "status": status,
        "code": code.value,
        "detail": DETAILS[code]["en"],
        "next": following.value,
        "errors": [],
    }


def page(described: dict[str, Any]) -> str:
    """Write the page for people: every address and every code, and nothing from elsewhere."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'><title>Zodra API</title>",
        f"<h1>Zodra API {escape(described['info']['version'])}</h1>",
        *(f"<p>{escape(each)}</p>" for each in described["info"]["description"].split("\n\n")),
        "<p>The whole description: <a href=/api/openapi.json>openapi.json</a></p>",
        "<h2>Addresses</h2>",
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation)
    parts.append("<h2>Codes</h2><dl>")
    for code in Code:
        status, following = RULES[code]
        parts.append(
            f"<dt id={code.value}><code>{code.value}</code> {status}, next:"
            f" <code>{following.value}</code><dd>{escape(DETAILS[code]['en'])}"
        )
    return "\n".join([*parts, "</dl></html>"])


def _operation(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    said = "".join(f"<p>{escape(each)}</p>" for each in operation["description"].split("\n\n"))
    given = [
        f"<li><code>{escape(each['name'])}</code> ({each['in']}"
        f"{', required' if each.get('required') else ''}):"
        f" {escape(each.get('description', ''))}"
        for each in operation.get("parameters", [])
    ]
    answers = [
        f"<li>{status}: {escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    ]
    return [
        f"<h3 id={operation['operationId']}><code>{method.upper()} {escape(path)}</code></h3>",
        said,
        f"<ul>{''.join(given)}</ul>" if given else "",
        f"<details><summary>Answers</summary><ul>{''.join(answers)}</ul></details>",
    ]
