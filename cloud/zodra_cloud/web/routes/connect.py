"""Where a household lets a maker's device in, and where it sees and ends that."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from zodra_cloud.api import service as api
from zodra_cloud.dash import service as dash
from zodra_cloud.dash.service import DeviceView, Wanted
from zodra_cloud.oauth import service as oauth
from zodra_cloud.oauth.service import Asked, NotAsked
from zodra_cloud.web import access
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, language_of, page
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.render import Message, Shell, render
from zodra_cloud.web.returning import AUTHORIZE, forget_next, here, may_return, remember_next
from zodra_cloud.web.security import POLICY
from zodra_cloud.web.views.connect import connect_page, connections_page, field_of, tokens_page

router = APIRouter()

CONNECTIONS: Final = "/connections"
TOKENS: Final = "/tokens"
FIELDS_MAX: Final = 40


async def _form(request: Request) -> FormData:
    """Read all fields of a form; how many slots there are, only the device's model says."""
    return await request.form(max_fields=FIELDS_MAX, max_files=0)


Picked = Annotated[FormData, Depends(_form)]


@router.get(AUTHORIZE, dependencies=[Depends(access.anyone)])
@router.get("/ap/oa", dependencies=[Depends(access.anyone)])
def authorize(request: Request) -> Response:
    """Ask the household whether a device may be connected, and what its slots shall hold."""
    visitor = access.visitor_of(request)
    if visitor is None:
        to_door = RedirectResponse("/sign-in", 303)
        remember_next(to_door, here(request), secure=site_of(request).https)
        return to_door
    access.household_member(visitor)
    asked = _considered(request)
    if isinstance(asked, NotAsked):
        return _refused(request, asked)
    wanted = _understood(request, asked)
    if isinstance(wanted, str):
        return RedirectResponse(oauth.deny(asked, request.query_params, wanted), 303)
    answer = page(request, _question(request, visitor, asked, wanted))
    # A browser also judges where a form's answer leads on to, here the maker's own address.
    target = _target(asked.redirect_uri)
    answer.headers["content-security-policy"] = POLICY.replace(
        "form-action 'self'", f"form-action 'self' {target}"
    )
    forget_next(request, answer)
    return answer


@router.post(AUTHORIZE, dependencies=[OwnForm])
def decide(
    request: Request,
    visitor: HouseholdMember,
    answer: Annotated[str, Form()],
    picked: Picked,
) -> Response:
    """Take the household's answer; the parameters are the query's, and are checked once more."""
    site = site_of(request)
    now = site.clock.now()
    asked = _considered(request)
    if isinstance(asked, NotAsked):
        return _refused(request, asked)
    wanted = _understood(request, asked)
    if isinstance(wanted, str) or answer != "connect":
        fault = wanted if isinstance(wanted, str) else ""
        return RedirectResponse(oauth.deny(asked, request.query_params, fault), 303)
    picks = dash.read_picks(wanted, _picks(picked))
    with site.database.write(visitor.household_id) as connection:
        location = oauth.approve(
            connection,
            request.query_params,
            household_id=visitor.household_id,
            person_id=visitor.session.person_id,
            details=dash.agreement(wanted, picks, language=visitor.speech.language),
            now=now,
        )
    if isinstance(location, NotAsked):
        return _refused(request, location)
    return RedirectResponse(location, 303)


@router.get(CONNECTIONS)
def connections(request: Request, visitor: HouseholdMember) -> Response:
    """Show which devices are connected, and what their slots hold."""
    with site_of(request).database.read() as connection:
        views = dash.views(connection, visitor.household_id)
    model = connections_page(visitor.speech, views)
    shell = visitor.shell(request, CONNECTIONS)
    return page(request, render("connections.html", shell, page=model))


@router.post(CONNECTIONS + "/{device_id}/products", dependencies=[OwnForm])
def pick(request: Request, visitor: HouseholdMember, device_id: str, picked: Picked) -> Response:
    """Change what the slots of a device hold."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        dash.pick(connection, visitor.household_id, device_id, _picks(picked), now=site.clock.now())
    return back_to(CONNECTIONS, "picked")


@router.post(CONNECTIONS + "/{device_id}/disconnect", dependencies=[OwnForm])
def disconnect(request: Request, visitor: HouseholdMember, device_id: str) -> Response:
    """Let a device go."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        dash.view(connection, visitor.household_id, device_id)
        dash.disconnect(
            connection,
            visitor.household_id,
            device_id,
            reason="by_household",
            now=site.clock.now(),
        )
    return back_to(CONNECTIONS, "disconnected")


def _considered(request: Request) -> Asked | NotAsked:
    site = site_of(request)
    sent = request.query_params.multi_items()
    if len(dict(sent)) != len(sent):
        return NotAsked(None, "invalid_request", "a parameter is there twice")
    with site.database.read() as connection:
        return oauth.consider(connection, dict(sent), site.clock.now())


def _understood(request: Request, asked: Asked) -> Wanted | str:
    site = site_of(request)
    with site.database.read() as connection:
        return dash.understand(
            connection, asked.client_id, asked.details, production=site.production
        )


def _question(request: Request, visitor: Visitor, asked: Asked, wanted: Wanted) -> str:
    with site_of(request).database.read() as connection:
        known = _known(dash.views(connection, visitor.household_id), wanted)
    picked = None if known is None else {slot.spec.slot_id: slot.sku for slot in known.slots}
    where = here(request)
    model = connect_page(visitor.speech, wanted, asked.client_name, where, picked)
    shell = visitor.shell(request, where if may_return(where) else "/")
    return render("connect.html", shell, page=model)


def _known(views: list[DeviceView], wanted: Wanted) -> DeviceView | None:
    names = (wanted.client_id, wanted.model.model, wanted.serial)
    for each in views:
        if (each.device.client_id, each.device.model, each.device.serial) == names:
            return each
    return None


def _picks(form: FormData) -> dict[str, str]:
    start = field_of("")
    return {
        name.removeprefix(start): value
        for name, value in form.items()
        if name.startswith(start) and isinstance(value, str)
    }


def _refused(request: Request, refused: NotAsked) -> Response:
    if refused.location is not None:
        return RedirectResponse(refused.location, 303)
    language = language_of(request)
    speech = Speech.of(language)
    said = Message(
        speech.say("This login is not valid"),
        speech.say(
            "The app that sent you here asked for something that is not allowed (%(error)s:"
            " %(fault)s). Nothing was connected.",
            error=refused.error,
            fault=refused.description,
        ),
    )
    return page(request, render("message.html", Shell(language, "/"), page=said), 400)


def _target(redirect_uri: str) -> str:
    parts = urlsplit(redirect_uri)
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"


@router.get(TOKENS)
def tokens(request: Request, visitor: HouseholdMember) -> Response:
    """Show which access tokens the household's own software has."""
    return _tokens_page(request, visitor)


@router.post(TOKENS, dependencies=[OwnForm])
def make_token(
    request: Request,
    visitor: HouseholdMember,
    name: Annotated[str, Form(max_length=60)],
    act: Annotated[bool, Form()] = False,
) -> Response:
    """Make an access token; the answer to this form is the only page that ever shows it."""
    site = site_of(request)
    scopes = {api.Scope.READ, api.Scope.ACT} if act else {api.Scope.READ}
    with site.database.write(visitor.household_id) as connection:
        secret, _made = api.make_token(
            connection,
            visitor.household_id,
            name=name,
            scopes=scopes,
            days=api.TOKEN_DAYS,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
        )
    return _tokens_page(request, visitor, secret)


@router.post(TOKENS + "/{token_id}/revoke", dependencies=[OwnForm])
def revoke_token(request: Request, visitor: HouseholdMember, token_id: str) -> Response:
    """End an access token at once."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        api.revoke_token(connection, visitor.household_id, token_id, now=site.clock.now())
    return back_to(TOKENS)


def _tokens_page(request: Request, visitor: Visitor, secret: str = "") -> Response:
    site = site_of(request)
    with site.database.read() as connection:
        found = api.tokens(connection, visitor.household_id)
    model = tokens_page(visitor.speech, found, site.clock.now(), secret)
    return page(request, render("tokens.html", visitor.shell(request, TOKENS), page=model))
