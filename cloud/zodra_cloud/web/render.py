"""Templates to text. One environment a language, so that a template just says `_("...")`."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from zodra_cloud.replenish.service import ORDER_LABELS
from zodra_cloud.web.i18n import LANGUAGES, NAMES, Language, catalogue, mark
from zodra_cloud.web.views.pages import Chip


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds every page."""

    language: Language
    path: str
    signed_in: bool = False
    form_token: str = ""
    note: Chip | None = None
    household: bool = False
    """Whether the places of a household are led to."""

    @property
    def languages(self) -> tuple[tuple[Language, str], ...]:
        """Each language with its own name for itself."""
        return tuple((language, NAMES[language]) for language in LANGUAGES)

    @property
    def places(self) -> tuple[tuple[str, str, bool], ...]:
        """Address and name of each of a household's places, and whether this page is there."""
        if not self.household:
            return ()
        say = catalogue(self.language).gettext
        return tuple((path, say(name), _within(self.path, path)) for path, name in PLACES)


def _within(path: str, place: str) -> bool:
    if place == "/products":
        return path.startswith(("/products", "/slots/"))
    return path == place or (place != "/" and path.startswith(f"{place}/"))


PLACES: Final = (
    ("/", mark("Home")),
    ("/orders", mark("Orders")),
    ("/subscriptions", mark("Subscriptions")),
    ("/products", mark("Products")),
)
"""Where a household finds what; the home page shows what needs an answer from all of them."""


@dataclass(frozen=True, slots=True)
class Message:
    """A page that says one thing."""

    title: str
    text: str


FOREIGN: Final = "foreign"
"""A form that another site sent; answered 403."""

ERRORS: Final[dict[int | str, tuple[str, str]]] = {
    FOREIGN: (
        mark("That came from another site"),
        mark("We take forms from our own pages only. Open the page and try again there."),
    ),
    400: (
        mark("That did not arrive in one piece"),
        mark("Please go back, reload the page and try again. Nothing was ordered."),
    ),
    401: (
        mark("Please sign in"),
        mark("Open the sign-in link that you were given. It works once, for fifteen minutes."),
    ),
    403: (
        mark("This page is not for you"),
        mark("You are signed in, but this page belongs to another role."),
    ),
    404: (
        mark("There is nothing here"),
        mark("The page does not exist, or it belongs to another household."),
    ),
    413: (mark("That was too much"), mark("The request was larger than we accept.")),
    429: (
        mark("A little slower, please"),
        mark("Too many attempts in a short time. Wait a minute and try again."),
    ),
    500: (
        mark("Something broke on our side"),
        mark("It is written down, and it was not your doing. Please try again in a minute."),
    ),
}


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("zodra_cloud.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["asset"] = asset
    environment.globals["confirm_label"] = ORDER_LABELS[language]
    return environment


@cache
def asset(name: str) -> str:
    """Name a static file together with its content, so that it may be cached for good."""
    content = (files("zodra_cloud.web") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def render(template: str, shell: Shell, **values: object) -> str:
    """Render a template in the reader's language."""
    return _environment(shell.language).get_template(template).render(shell=shell, **values)
