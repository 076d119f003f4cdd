"""The web application of one home."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import Annotated, Final

import jinja2
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from markupsafe import Markup
from starlette.middleware.trustedhost import TrustedHostMiddleware

from zodra_sim.errors import ActRefused, UnknownDevice
from zodra_sim.home_page import api, words
from zodra_sim.home_page.access import HEADERS, Access, cookie_name
from zodra_sim.household.home import Home

WATCHERS_MAX: Final = 16
"""Pages that may watch at one time."""
PAUSE_S: Final = 0.1
"""Between two looks of a page: changes that come together are shown together."""
SILENCE_S_MAX: Final = 15.0
"""After this long without a change a comment keeps the connection alive."""

_HERE: Final = files("zodra_sim.home_page")


class HomeApp:
    """The pages and the API; knows nothing of sockets."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._access = Access(
            home.settings.control.token.get_secret_value(), home.store, home.clock
        )
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(str(_HERE / "templates")),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        self._watchers = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End the pages that watch, so that the server can stop at once."""
        self._closing.set()

    def build(self) -> FastAPI:
        """Make the application."""
        app = FastAPI(title="The home", docs_url=None, redoc_url=None, openapi_url=None)
        hosts = [self._home.settings.control.host, "localhost", "127.0.0.1"]
        # Any page on the web may make a browser ask 127.0.0.1 under a name of its own.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
        app.middleware("http")(_with_headers)
        app.add_exception_handler(ActRefused, _refused)
        app.add_exception_handler(RequestValidationError, _invalid)
        signed_in = [Depends(self._access.check)]
        app.include_router(api.routes(self._home), dependencies=signed_in)
        app.mount("/static", StaticFiles(directory=str(_HERE / "static")))
        app.add_api_route("/healthz", _healthy, methods=["GET"])
        app.add_api_route("/", self._page, methods=["GET"], response_class=HTMLResponse)
        app.add_api_route(
            "/api/sign-in-links",
            self._new_link,
            methods=["POST"],
            status_code=201,
            dependencies=signed_in,
        )
        app.add_api_route(
            "/events", self._events, methods=["GET"], dependencies=signed_in, response_model=None
        )
        return app

    async def _new_link(self, request: Request) -> dict[str, str]:
        token, expires_at = self._access.new_link()
        return {"url": f"{request.base_url}?token={token}", "expires_at": expires_at}

    async def _page(
        self,
        request: Request,
        token: Annotated[str | None, Query(max_length=200)] = None,
        language: words.Language | None = None,
    ) -> Response:
        chosen = language or _language(request, self._home.settings.language)
        if token is not None:
            return self._redeem(request, token, chosen)
        if not self._access.is_session(request.cookies.get(cookie_name(request))):
            return self._html("sign_in.html", chosen, status=401, used=False)
        response = self._html("home.html", chosen, state=self._home.state())
        if language is not None:
            response.set_cookie(_language_cookie(request), language, samesite="lax", httponly=True)
        return response

    def _redeem(self, request: Request, token: str, language: words.Language) -> Response:
        if (session := self._access.session_for(token)) is None:
            return self._html("sign_in.html", language, status=401, used=True)
        # Redirected, so that the token does not stay in the address bar.
        response = RedirectResponse("/", 303)
        response.set_cookie(cookie_name(request), session, samesite="lax", httponly=True)
        return response

    async def _events(self) -> Response:
        if self._watchers >= WATCHERS_MAX:
            raise HTTPException(503, f"{WATCHERS_MAX} pages watch this home already")
        return StreamingResponse(self._watch(), media_type="text/event-stream")

    async def _watch(self) -> AsyncIterator[str]:
        self._watchers += 1
        try:
            yield "retry: 1000\n\n"
            with self._home.listening() as changed:
                while not self._closing.is_set():
                    yield f"data: {json.dumps(self._home.state())}\n\n"
                    await asyncio.sleep(PAUSE_S)
                    if not await _either(changed, self._closing, SILENCE_S_MAX):
                        yield ": still here\n\n"
                    changed.clear()
        finally:
            self._watchers -= 1

    def _html(
        self, name: str, language: words.Language, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        chosen = words.WORDS[language]
        # "<" is the only character with which JSON could end the element it stands in.
        as_json = Markup(json.dumps(chosen).replace("<", "\\u003c"))  # noqa: S704
        text = self._templates.get_template(name).render(
            w=chosen, words_json=as_json, language=language, other=words.other(language), **values
        )
        return HTMLResponse(text, status)


async def _either(first: asyncio.Event, second: asyncio.Event, wait_s: float) -> bool:
    waits = [asyncio.ensure_future(first.wait()), asyncio.ensure_future(second.wait())]
    try:
        done, _ = await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for wait in waits:
            wait.cancel()


async def _healthy() -> dict[str, bool]:
    return {"ok": True}


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


async def _refused(_request: Request, refusal: Exception) -> JSONResponse:
    status = 404 if isinstance(refusal, UnknownDevice) else 409
    return JSONResponse({"detail": str(refusal)}, status)


async def _invalid(_request: Request, fault: Exception) -> JSONResponse:
    if not isinstance(fault, RequestValidationError):
        raise fault
    first = fault.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"detail": f"{where}: {first['msg']}"}, 422)


def _language_cookie(request: Request) -> str:
    return f"{cookie_name(request)}_language"


def _language(request: Request, default: words.Language) -> words.Language:
    kept = request.cookies.get(_language_cookie(request))
    return "nl" if kept == "nl" else "en" if kept == "en" else default
