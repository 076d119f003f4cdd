"""A person with a browser, as far as the demo needs one: cookies, links and the page's own forms.

It knows no route of the page beyond the sign-in link. What it presses is found on the page by the
form's address, and it sends what that form holds, its token among it, so that `zodra demo --once`
takes the way that a person takes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2

TIMEOUT_S: Final = 10.0
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024


class PageError(Exception):
    """The page could not be had, or does not hold what a person would look for."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page."""

    action: str
    method: str
    fields: dict[str, str]
    buttons: tuple[tuple[str, str], ...]
    """Name and value of each named submit button; pressing one sends its own."""
    label: str = ""
    """The words on its buttons."""


Marked = dict[str, str]
"""The `id` and the `data-` words of one element: what the page says to machines."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as received."""

    url: str
    text: str
    forms: tuple[Form, ...]
    marked: tuple[Marked, ...]

    def marked_with(self, word: str) -> tuple[Marked, ...]:
        """Find the elements that carry one `data-` word."""
        return tuple(marks for marks in self.marked if f"data-{word}" in marks)

    def forms_to(self, prefix: str, suffix: str = "") -> tuple[Form, ...]:
        """Find the forms whose address begins and ends so."""
        return tuple(
            form
            for form in self.forms
            if urlsplit(form.action).path.startswith(prefix)
            and urlsplit(form.action).path.endswith(suffix)
        )


@dataclass(slots=True)
class _FormBuilder:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_FormBuilder] = []
        self.marked: list[Marked] = []
        self._open: _FormBuilder | None = None
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = {name: value or "" for name, value in attrs}
        marks = {name: value for name, value in words.items() if name.startswith("data-")}
        if marks:
            self.marked.append(marks | {"id": words.get("id", "")})
        if tag == "form":
            self._open = _FormBuilder(
                words.get("action") or words.get("hx-post", ""),
                words.get("method", "post" if "hx-post" in words else "get").lower(),
            )
            self.forms.append(self._open)
        elif self._open is not None and tag in ("input", "button"):
            self._in_button = tag == "button"
            self._control(self._open, tag, words)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag in ("form", "button"):
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._in_button and data.strip():
            self._open.words.append(data.strip())

    @staticmethod
    def _control(form: _FormBuilder, tag: str, words: dict[str, str]) -> None:
        name = words.get("name", "")
        kind = words.get("type", "submit" if tag == "button" else "text")
        if not name:
            return
        if kind == "submit":
            form.buttons.append((name, words.get("value", "")))
        elif kind not in ("checkbox", "radio") or "checked" in words:
            form.fields[name] = words.get("value", "on" if kind == "checkbox" else "")


def read_page(url: str, html: str) -> Page:
    """Find the forms and the machine words of a page, in their order."""
    reader = _PageReader()
    reader.feed(html)
    forms = tuple(
        Form(form.action, form.method, form.fields, tuple(form.buttons), " ".join(form.words))
        for form in reader.forms
    )
    return Page(url, html, forms, tuple(reader.marked))


class Browser:
    """One signed-in person."""

    def __init__(self, base_url: str, language: str) -> None:
        self._base_url = base_url
        self._client = httpx2.AsyncClient(
            timeout=TIMEOUT_S,
            follow_redirects=True,
            headers={
                "Accept": "text/html",
                "Accept-Language": language,
                "Sec-Fetch-Site": "same-origin",
            },
            trust_env=False,
        )

    async def open(self, address: str) -> Page:
        """Follow a link.

        Raises:
            PageError: no answer, or an answer that is no page.
        """
        return self._page(await self._send("GET", urljoin(self._base_url, address), None))

    async def sign_in(self, link: str) -> Page:
        """Follow a one-time link, pressing "continue" where the link's page asks for it."""
        page = await self.open(link)
        if continuing := page.forms_to("/sign-in"):
            return await self.submit(page, continuing[0])
        return page

    async def submit(
        self, page: Page, form: Form, *, press: str | None = None, **changed: str
    ) -> Page:
        """Send a form as the page has it.

        Args:
            page: where the form is.
            form: one of its forms.
            press: value of the submit button to press, where there are several.
            changed: what the person changed before sending.
        """
        fields = form.fields | changed
        fields.update(dict(pressed for pressed in form.buttons if press in (None, pressed[1])))
        url = urljoin(page.url, form.action)
        return self._page(await self._send("POST", url, fields, referer=page.url))

    async def changes(self, address: str) -> AsyncIterator[None]:
        """Yield at each event of the page's live stream, until the stream ends.

        Raises:
            PageError: the stream could not be had, or broke.
        """
        url = urljoin(self._base_url, address)
        headers = {"Accept": "text/event-stream"}
        quiet = httpx2.Timeout(TIMEOUT_S, read=None)
        try:
            async with self._client.stream("GET", url, headers=headers, timeout=quiet) as answer:
                if answer.status_code != 200:
                    raise PageError(f"GET {address} answered {answer.status_code}")
                told = False
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        told = True
                    elif told and not line:
                        # An event ends with an empty line. One with a page in it has a line of
                        # data for each line of the page: looking again at each took 450 looks.
                        told = False
                        yield
        except httpx2.HTTPError as fault:
            raise PageError(f"GET {address}: {fault or type(fault).__name__}") from fault

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send(
        self, method: str, url: str, fields: dict[str, str] | None, referer: str | None = None
    ) -> httpx2.Response:
        headers = {}
        if referer is not None:
            parts = urlsplit(referer)
            headers = {"Referer": referer, "Origin": f"{parts.scheme}://{parts.netloc}"}
        try:
            return await self._client.request(method, url, data=fields, headers=headers)
        except httpx2.HTTPError as fault:
            raise PageError(
                f"{method} {urlsplit(url).path}: {fault or type(fault).__name__}"
            ) from fault

    @staticmethod
    def _page(answer: httpx2.Response) -> Page:
        path = urlsplit(str(answer.url)).path
        if answer.status_code >= 400:
            raise PageError(f"{answer.request.method} {path} answered {answer.status_code}")
        if len(answer.content) > PAGE_BYTES_MAX:
            raise PageError(f"{path} is over {PAGE_BYTES_MAX} bytes")
        return read_page(str(answer.url), answer.text)
