"""What every route gets: whose token it is, and what the API works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, cast

from fastapi import Depends, Header, Request
from sqlalchemy import Connection

from zodra_cloud.api.door import Works
from zodra_cloud.api.models import Token
from zodra_cloud.api.once import Once
from zodra_cloud.api.policy import KEY_CHARS_MAX
from zodra_cloud.api.problems import Code


def token_of(request: Request) -> Token:
    """Give the token that the door let in; its household is the only one that a route may name."""
    return cast(Token, request.scope["state"]["token"])


def works_of(request: Request) -> Works:
    """Give what the API works with."""
    return cast(Works, request.app.state.works)


def once_of(request: Request) -> Once:
    """Give what does calls once."""
    return cast(Once, request.app.state.once)


def key_of(
    idempotency_key: Annotated[
        str,
        Header(
            min_length=1,
            max_length=2 * KEY_CHARS_MAX,
            pattern='^"?[!#-\\[\\]-~]+"?$',
            description="A new random value for each new wish; the same for each repeat of it.",
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ],
) -> str:
    """Describe the header that every unsafe call needs; the door has seen to it."""
    return idempotency_key


Caller = Annotated[Token, Depends(token_of)]
OnceOf = Annotated[Once, Depends(once_of)]
Keyed = Depends(key_of)


@contextmanager
def reading(request: Request) -> Iterator[Connection]:
    """Open a snapshot to read from."""
    with works_of(request).database.read() as connection:
        yield connection


def codes(*named: Code) -> dict[str, list[str]]:
    """Name the codes that only some routes answer, for the OpenAPI document."""
    return {"x-codes": [each.value for each in named]}
