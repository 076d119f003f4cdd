"""What machines ask for: health, the manifest, static files."""

import mimetypes
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from zodra_cloud.web.access import anyone, site_of
from zodra_cloud.web.render import asset

router = APIRouter(dependencies=[Depends(anyone)])

_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_A_WHILE: Final = "public, max-age=300"


@router.get("/healthz")
def healthz(request: Request) -> JSONResponse:
    """Say whether the service can serve: 200 if its database answers, else 503."""
    try:
        with site_of(request).database.read() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return JSONResponse({"status": "failing", "database": "no answer"}, 503)
    return JSONResponse({"status": "ok", "database": "ok"})


@router.get("/manifest.webmanifest")
def manifest() -> JSONResponse:
    """Let a phone put the page on its first screen. Nothing is ordered while offline."""
    return JSONResponse(
        {
            "name": "Zodra",
            "short_name": "Zodra",
            "start_url": "/",
            "display": "standalone",
            "background_color": "#f8f3eb",
            "theme_color": "#1d5b4c",
            "icons": [{"src": asset("favicon.svg"), "sizes": "any", "type": "image/svg+xml"}],
        },
        media_type="application/manifest+json",
        headers={"cache-control": _A_WHILE},
    )


@router.get("/favicon.ico")
def favicon() -> RedirectResponse:
    """Lead browsers that ask for the old name to the drawing."""
    return RedirectResponse(asset("favicon.svg"), 308)


@router.get("/static/{name:path}")
def static(request: Request, name: str) -> Response:
    """Serve a file of the package; with its hash in the address it may be kept for good."""
    content = _files().get(name)
    if content is None:
        raise HTTPException(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    exact = "v" in request.query_params
    return Response(
        content, media_type=kind, headers={"cache-control": _FOR_GOOD if exact else _A_WHILE}
    )


@cache
def _files() -> dict[str, bytes]:
    # All of it is 150 KB; in memory no path from outside ever meets the file system.
    root = files("zodra_cloud.web") / "static"
    found = {each.name: each for each in root.iterdir() if each.is_file()}
    found |= {f"vendor/{each.name}": each for each in (root / "vendor").iterdir()}
    return {name: each.read_bytes() for name, each in found.items()}
