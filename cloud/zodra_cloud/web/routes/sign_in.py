"""Signing in with a one-time link, signing out, and the choice of language."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zodra_cloud.households import service as households
from zodra_cloud.web import access, security
from zodra_cloud.web.access import OwnForm, SignedIn, site_of
from zodra_cloud.web.answers import LANGUAGE_COOKIE, back_to, language_of, page, remember_language
from zodra_cloud.web.i18n import LANGUAGES, Speech, choose_language
from zodra_cloud.web.render import Message, Shell, render
from zodra_cloud.web.returning import may_return, next_of

router = APIRouter()

_BACK: Final = frozenset({"/", "/operator", "/sign-in", "/connections"})
_PLACE: Final = re.compile(
    r"/(orders|subscriptions|products|slots)(/[A-Za-z0-9_-]{1,64}){0,3}", re.ASCII
)
"""Where the language switch may lead back to; anything else leads home."""
_TOKEN_CHARS_MAX: Final = 128


@router.get("/sign-in", dependencies=[Depends(access.anyone)])
def sign_in_page(request: Request, token: str = "") -> Response:
    """Show the button that uses the link up; opening the page alone does not.

    Mail programs and chats open links before people do. A GET that signed in would burn the link.
    """
    shell = Shell(language_of(request), "/sign-in")
    return page(request, render("sign_in.html", shell, token=token[:_TOKEN_CHARS_MAX]))


@router.post("/sign-in", dependencies=[Depends(access.anyone)])
def sign_in(request: Request, token: Annotated[str, Form()]) -> Response:
    """Use the link up and set the session cookie."""
    site = site_of(request)
    address = request.client.host if request.client else ""
    if not site.sign_in_attempts.allow(address, site.clock.monotonic()):
        raise HTTPException(429)
    now = site.clock.now()
    with site.database.write() as connection:
        redeemed = households.redeem_link(connection, token, now=now)
    if redeemed is None:
        return _used_up(request)
    session_id, session = redeemed
    answer = back_to(next_of(request))
    answer.set_cookie(
        access.session_cookie(site),
        session_id,
        max_age=int((session.expires_at - now).total_seconds()),
        path="/",
        secure=site.https,
        httponly=True,
        samesite="lax",
    )
    if LANGUAGE_COOKIE not in request.cookies:
        remember_language(answer, choose_language(session.language))
    return answer


@router.post("/sign-out", dependencies=[OwnForm])
def sign_out(request: Request, visitor: SignedIn) -> Response:
    """End the session on the server, and forget the cookie."""
    site = site_of(request)
    with site.database.write() as connection:
        households.sign_out(connection, visitor.session.session_hash, now=site.clock.now())
    answer = back_to("/sign-in")
    answer.delete_cookie(
        access.session_cookie(site), secure=site.https, httponly=True, samesite="lax"
    )
    return answer


@router.post("/language", dependencies=[Depends(access.anyone)])
def choose(
    request: Request,
    language: Annotated[str, Form()],
    back: Annotated[str, Form()] = "/",
    form_token: Annotated[str, Form()] = "",
) -> Response:
    """Change the language; for someone signed in it is remembered with the person too."""
    if language not in LANGUAGES:
        raise HTTPException(400)
    chosen = choose_language(language)
    visitor = access.visitor_of(request)
    if visitor is not None and security.is_form_token(form_token, visitor.session_id):
        with site_of(request).database.write() as connection:
            households.set_language(connection, visitor.session.person_id, chosen)
    answer = back_to(back if _leads_back(back) else "/")
    remember_language(answer, chosen)
    return answer


def _leads_back(path: str) -> bool:
    return path in _BACK or _PLACE.fullmatch(path) is not None or may_return(path)


def _used_up(request: Request) -> Response:
    language = language_of(request)
    speech = Speech.of(language)
    said = Message(
        speech.say("This link no longer works"),
        speech.say("It was used already, or its fifteen minutes are over. Ask for a new one."),
    )
    return page(request, render("message.html", Shell(language, "/sign-in"), page=said), 410)
