"""Where a person goes on after signing in or changing the language: a login that waits for them.

Only our own authorization page is led back to, never an address that somebody else chose.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

AUTHORIZE: Final = "/oauth/authorize"
NEXT_COOKIE: Final = "zodra_next"
NEXT_LIFETIME_S: Final = 900
"""As long as a sign-in link works."""
NEXT_CHARS_MAX: Final = 3_000
"""Browsers keep cookies of 4 KiB; a login with everything in it takes less than one."""


def may_return(path: str) -> bool:
    """Tell whether a path is a login that waits."""
    return (
        path.startswith(f"{AUTHORIZE}?")
        and len(path) <= NEXT_CHARS_MAX
        and path.isascii()
        and path.isprintable()
    )


def here(request: Request) -> str:
    """Write where the person is, with the query as it was sent."""
    return f"{AUTHORIZE}?{request.url.query}"


def remember_next(answer: Response, path: str, *, secure: bool) -> None:
    """Keep the login for after the sign-in."""
    if may_return(path):
        # Quoted characters only, so that no cookie syntax can be met.
        answer.set_cookie(
            NEXT_COOKIE,
            path.replace(";", "%3B").replace(",", "%2C").replace('"', "%22"),
            max_age=NEXT_LIFETIME_S,
            httponly=True,
            samesite="lax",
            secure=secure,
        )


def next_of(request: Request) -> str:
    """Give the login that waits, or the first page."""
    path = request.cookies.get(NEXT_COOKIE, "")
    return path if may_return(path) else "/"


def forget_next(request: Request, answer: Response) -> None:
    """Forget the login once it was led back to."""
    if NEXT_COOKIE in request.cookies:
        answer.delete_cookie(NEXT_COOKIE, httponly=True, samesite="lax")
