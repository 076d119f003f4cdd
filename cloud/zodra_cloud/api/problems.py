"""Errors of the API: RFC 9457 problem details, with a code and a next step from closed lists."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse

from zodra_cloud.api.words import DETAILS, TITLES, choose

PROBLEM_TYPE: Final = "application/problem+json"
DOCS_PATH: Final = "/api/docs"
FIELD_CHARS_MAX: Final = 100
VALUE_CHARS_MAX: Final = 100


class Next(StrEnum):
    """What the caller's software does next. A name is never reused."""

    CORRECT = "correct"
    """Correct the call, then send it with a new Idempotency-Key."""
    MAKE_TOKEN = "make_token"  # noqa: S105 - a name
    """The household makes an access token with the scope that is needed."""
    WAIT = "wait"
    """Wait as long as Retry-After says, then repeat the same call with the same key."""
    REPEAT = "repeat"
    """Repeat the same call with the same key, a few times, ever more slowly."""
    READ_AGAIN = "read_again"
    """Read the thing again, show it to the person again, and let them decide."""
    ASK_PERSON = "ask_person"
    """Only a person of the household can go on, on its page."""
    STOP = "stop"
    """There is nothing to do: it is so."""


class Code(StrEnum):
    """Every code that a problem can carry. A name is never reused."""

    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    MALFORMED_BODY = "malformed_body"
    INVALID_REQUEST = "invalid_request"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - a name
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a name
    SCOPE_MISSING = "scope_missing"
    FOREIGN_SITE = "foreign_site"
    TOO_MANY_CALLS = "too_many_calls"
    TOO_MANY_STREAMS = "too_many_streams"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    CALL_IN_FLIGHT = "call_in_flight"
    IF_MATCH_MISSING = "if_match_missing"
    CHANGED_MEANWHILE = "changed_meanwhile"
    MAY_NOT_CONFIRM = "may_not_confirm"
    NO_CONSENT = "no_consent"
    QUOTE_EXPIRED = "quote_expired"
    QUOTE_CLOSED = "quote_closed"
    QUOTE_CHANGED = "quote_changed"
    WRONG_LABEL = "wrong_label"
    ALREADY_ON_ITS_WAY = "already_on_its_way"
    QUESTION_CLOSED = "question_closed"
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    NOTHING_TO_ANSWER = "nothing_to_answer"
    SLOT_RULE = "slot_rule"
    SUBSCRIPTION_REFUSED = "subscription_refused"
    CALL_OFF_NOT_ALLOWED = "call_off_not_allowed"
    AGREEMENT_REFUSED = "agreement_refused"
    WITHDRAWAL_REFUSED = "withdrawal_refused"
    FAULT = "fault"


RULES: Final[dict[Code, tuple[int, Next]]] = {
    Code.NOT_FOUND: (404, Next.STOP),
    Code.METHOD_NOT_ALLOWED: (405, Next.CORRECT),
    Code.BODY_TOO_LARGE: (413, Next.CORRECT),
    Code.UNSUPPORTED_MEDIA_TYPE: (415, Next.CORRECT),
    Code.MALFORMED_BODY: (400, Next.CORRECT),
    Code.INVALID_REQUEST: (422, Next.CORRECT),
    Code.TOKEN_MISSING: (401, Next.MAKE_TOKEN),
    Code.TOKEN_INVALID: (401, Next.MAKE_TOKEN),
    Code.SCOPE_MISSING: (403, Next.MAKE_TOKEN),
    Code.FOREIGN_SITE: (403, Next.STOP),
    Code.TOO_MANY_CALLS: (429, Next.WAIT),
    Code.TOO_MANY_STREAMS: (429, Next.WAIT),
    Code.IDEMPOTENCY_KEY_MISSING: (400, Next.CORRECT),
    Code.IDEMPOTENCY_KEY_INVALID: (400, Next.CORRECT),
    Code.IDEMPOTENCY_KEY_REUSED: (422, Next.CORRECT),
    Code.CALL_IN_FLIGHT: (409, Next.WAIT),
    Code.IF_MATCH_MISSING: (428, Next.READ_AGAIN),
    Code.CHANGED_MEANWHILE: (412, Next.READ_AGAIN),
    Code.MAY_NOT_CONFIRM: (403, Next.ASK_PERSON),
    Code.NO_CONSENT: (409, Next.ASK_PERSON),
    Code.QUOTE_EXPIRED: (409, Next.READ_AGAIN),
    Code.QUOTE_CLOSED: (409, Next.READ_AGAIN),
    Code.QUOTE_CHANGED: (409, Next.READ_AGAIN),
    Code.WRONG_LABEL: (422, Next.CORRECT),
    Code.ALREADY_ON_ITS_WAY: (409, Next.STOP),
    Code.QUESTION_CLOSED: (409, Next.READ_AGAIN),
    Code.TOO_LATE_TO_CANCEL: (409, Next.STOP),
    Code.NOTHING_TO_ANSWER: (409, Next.STOP),
    Code.SLOT_RULE: (422, Next.CORRECT),
    Code.SUBSCRIPTION_REFUSED: (409, Next.READ_AGAIN),
    Code.CALL_OFF_NOT_ALLOWED: (403, Next.STOP),
    Code.AGREEMENT_REFUSED: (409, Next.READ_AGAIN),
    Code.WITHDRAWAL_REFUSED: (409, Next.READ_AGAIN),
    Code.FAULT: (500, Next.REPEAT),
}
"""Status and next step of each code."""


class FieldError(BaseModel):
    """One part of the call that is not usable."""

    model_config = ConfigDict(frozen=True)

    place: Literal["body", "path", "query", "header"] = Field(
        description="Where the part is.", examples=["body"]
    )
    field: str = Field(description="Its name; dots lead into the body.", examples=["quantity"])
    rule: str = Field(
        description="What it has to be, in English.", examples=["1001 is not from 1 to 1000"]
    )
    value: JsonValue = Field(
        default=None,
        description="What was sent, if it is a number, true, false or a short word.",
        examples=[1001],
    )


class ProblemBody(BaseModel):
    """A problem as RFC 9457 describes it, with our own members."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "https://zodra.example/api/docs#quote_expired",
                    "title": "Quote expired",
                    "status": 409,
                    "code": "quote_expired",
                    "detail": "That price is no longer valid. Nothing was ordered.",
                    "next": "read_again",
                    "errors": [],
                }
            ]
        }
    )

    type: str = Field(description="Address of the description of the code.")
    title: str = Field(description="What the code means; never changes, always English.")
    status: int = Field(ge=400, le=599, description="The status of the answer.")
    code: Code = Field(description="What is wrong: go by this.")
    detail: str = Field(description="For a person, in the language of Accept-Language.")
    next: Next = Field(description="What to do next: go by this.")
    errors: list[FieldError] = Field(description="Which parts of the call are not usable.")


@dataclass(eq=False)
class Problem(Exception):
    """An answer that says no; raised before anything is done, returned after that."""

    code: Code
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """Give the status of the answer."""
        return RULES[self.code][0]


def body_of(problem: Problem, request: Request) -> dict[str, Any]:
    """Write a problem in the language that the caller prefers."""
    status, following = RULES[problem.code]
    language = choose(request.headers.get("accept-language"))
    public_url = str(request.app.state.public_url).rstrip("/")
    return ProblemBody(
        type=f"{public_url}{DOCS_PATH}#{problem.code.value}",
        title=TITLES[problem.code],
        status=status,
        code=problem.code,
        detail=DETAILS[problem.code][language],
        next=following,
        errors=list(problem.errors),
    ).model_dump(mode="json")


def answer_to(problem: Problem, request: Request) -> JSONResponse:
    """Answer with a problem."""
    language = choose(request.headers.get("accept-language"))
    return JSONResponse(
        body_of(problem, request),
        problem.status,
        {"content-language": language, "vary": "accept-language", **problem.headers},
        PROBLEM_TYPE,
    )


def safe_value(value: Any) -> JsonValue:
    """Give what was sent if it can be shown in an answer and a log; else nothing."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, str) and len(value) <= VALUE_CHARS_MAX and value.isascii():
        return value if value.isprintable() else None
    return None


def invalid(place: Literal["body", "path", "query", "header"], name: str, rule: str) -> Problem:
    """Make the problem of one part that is not usable."""
    return Problem(Code.INVALID_REQUEST, (FieldError(place=place, field=name, rule=rule),))
