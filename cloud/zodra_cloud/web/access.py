"""Who may see what: every route names one of the scopes below, or the application does not start.

The household of a request is the session's, never a part of its address; so an id of another
household is simply not found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Form, Request
from starlette.exceptions import HTTPException

from zodra_cloud.households import service as households
from zodra_cloud.households.models import Role, Session
from zodra_cloud.web import security
from zodra_cloud.web.answers import language_of, note_of
from zodra_cloud.web.context import Site
from zodra_cloud.web.i18n import Language, Speech
from zodra_cloud.web.render import Shell

SESSION_COOKIE: Final = "zodra_session"


class NotSignedIn(Exception):
    """The request carries no live session."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone who is signed in, and how to talk to them."""

    session: Session
    session_id: str
    speech: Speech

    @property
    def household_id(self) -> str:
        """The one household of this visitor; only behind the scope `household_member`."""
        if self.session.household_id is None:
            raise HTTPException(403)
        return self.session.household_id

    def shell(self, request: Request, path: str) -> Shell:
        """Make what surrounds a page for this visitor."""
        return Shell(
            language=self.speech.language,
            path=path,
            signed_in=True,
            form_token=security.form_token(self.session_id),
            note=note_of(request, self.speech),
            household=self.session.role is Role.HOUSEHOLD,
        )


def site_of(request: Request) -> Site:
    """Give what the pages work with."""
    return cast(Site, request.app.state.site)


def session_cookie(site: Site) -> str:
    """Name the cookie; over https with the prefix that ties it to this host (RFC 6265bis)."""
    return f"__Host-{SESSION_COOKIE}" if site.https else SESSION_COOKIE


def visitor_of(request: Request) -> Visitor | None:
    """Read the visitor from the session cookie."""
    site = site_of(request)
    session_id = request.cookies.get(session_cookie(site), "")
    if not session_id:
        return None
    with site.database.read() as connection:
        session = households.session(connection, session_id, now=site.clock.now())
    if session is None:
        return None
    language: Language = language_of(request, session.language)
    return Visitor(session, session_id, Speech.of(language, session.time_zone))


def anyone() -> None:
    """Scope: no sign-in needed; shows nothing of anybody."""


def signed_in(request: Request) -> Visitor:
    """Scope: whoever is signed in, of either role."""
    visitor = visitor_of(request)
    if visitor is None:
        raise NotSignedIn
    return visitor


def household_member(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Scope: someone of a household, for that household alone."""
    if visitor.session.role is not Role.HOUSEHOLD or visitor.session.household_id is None:
        raise HTTPException(403)
    return visitor


def operator(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Scope: an operator, for the fleet and the balances, never a household's page."""
    if visitor.session.role is not Role.OPERATOR:
        raise HTTPException(403)
    return visitor


def own_form(
    visitor: Annotated[Visitor, Depends(signed_in)], form_token: Annotated[str, Form()] = ""
) -> None:
    """Require the session's form token; beside the scope of every form of someone signed in."""
    if not security.is_form_token(form_token, visitor.session_id):
        raise HTTPException(403)


SCOPES: Final[frozenset[Callable[..., Any]]] = frozenset(
    {anyone, signed_in, household_member, operator}
)

SignedIn = Annotated[Visitor, Depends(signed_in)]
HouseholdMember = Annotated[Visitor, Depends(household_member)]
Operator = Annotated[Visitor, Depends(operator)]
OwnForm = Depends(own_form)
