"""Turns values into answers: pages, redirects after a form, and errors in the reader's language."""

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from zodra_cloud.web.i18n import Language, Speech, choose_language, mark
from zodra_cloud.web.render import ERRORS, Message, Shell, render
from zodra_cloud.web.security import HEADERS
from zodra_cloud.web.views.pages import Chip, Tone

LANGUAGE_COOKIE: Final = "zodra_language"
NOTE_COOKIE: Final = "zodra_note"
_NOTE_LIFETIME_S: Final = 30
_LANGUAGE_LIFETIME_S: Final = 365 * 24 * 3600

NOTES: Final[dict[str, tuple[Tone, str]]] = {
    "confirmed": (Tone.GOOD, mark("Thank you. Your order goes to the shop now.")),
    "wanted": (Tone.GOOD, mark("We ask the shop for its price.")),
    "declined": (Tone.QUIET, mark("Fine. Nothing was ordered.")),
    "quote_expired": (Tone.WAIT, mark("That price is no longer valid, so nothing was ordered.")),
    "quote_changed": (
        Tone.WAIT,
        mark("The quote changed in the meantime, so nothing was ordered. Please look again."),
    ),
    "may_not_confirm": (Tone.QUIET, mark("Only the people named for this place can say yes here.")),
    "already_answered": (Tone.QUIET, mark("That question was answered already.")),
    "already_on_its_way": (
        Tone.QUIET,
        mark("It is on its way already, so nothing more is ordered."),
    ),
    "no_consent": (Tone.WAIT, mark("You do not allow this, so nothing was done.")),
    "granted": (Tone.GOOD, mark("Switched on. You can switch it off at any moment.")),
    "withdrawn": (Tone.QUIET, mark("Switched off, from this moment.")),
    "offer_dismissed": (Tone.QUIET, mark("Gone. You will not see this one for a while.")),
    "blink": (Tone.GOOD, mark("Asked. The device blinks once the gateway has heard it.")),
    "settled": (Tone.GOOD, mark("Settled: that need ended without an order.")),
    "settled_already": (Tone.WAIT, mark("That order needs no person, or no longer.")),
    "picked": (Tone.GOOD, mark("Kept. The maker of the device hears of it.")),
    "disconnected": (
        Tone.QUIET,
        mark("Disconnected. The device can ask for nothing any more."),
    ),
    "cancelled": (Tone.QUIET, mark("Cancelled. No shop had been asked.")),
    "cancel_asked": (Tone.GOOD, mark("Asked. You see here what the shop says.")),
    "cancel_too_late": (Tone.WAIT, mark("It is too late to cancel. You can still withdraw.")),
    "answered": (Tone.GOOD, mark("Thank you. It helps us to ask at a better moment.")),
    "pay_link_asked": (Tone.GOOD, mark("We ask for a page to pay on; it shows up here.")),
    "withdrawal_declared": (
        Tone.GOOD,
        mark("You have withdrawn. The acknowledgement is written."),
    ),
    "sent_back": (Tone.GOOD, mark("Noted. Your money comes back.")),
    "terms_asked": (Tone.GOOD, mark("We ask the shop what it costs. The terms show up here.")),
    "joined": (Tone.GOOD, mark("You have joined. Each charge is announced before it comes.")),
    "skipped": (Tone.QUIET, mark("Skipped. Nothing is charged for it.")),
    "unskipped": (Tone.GOOD, mark("It comes after all.")),
    "moved": (Tone.GOOD, mark("Moved.")),
    "paused": (Tone.QUIET, mark("Paused. Nothing is charged until it goes on.")),
    "resumed": (Tone.GOOD, mark("It goes on.")),
    "changed": (Tone.GOOD, mark("Changed. Below you see from when it holds.")),
    "size_taken": (Tone.GOOD, mark("The larger size comes from the next delivery on.")),
    "size_kept": (Tone.QUIET, mark("The size stays.")),
    "price_agreed": (Tone.GOOD, mark("Agreed. Deliveries go on at the new price.")),
    "subscription_cancelled": (Tone.QUIET, mark("Cancelled. Below you see its last day.")),
    "subscription_withdrawn": (Tone.QUIET, mark("You have withdrawn. It has ended.")),
    "already_done": (Tone.QUIET, mark("That was done already.")),
    "slot_kept": (Tone.GOOD, mark("Kept. It holds from now on.")),
    "forgotten": (Tone.QUIET, mark("Forgotten. Whatever comes from now on is counted anew.")),
    "counted": (Tone.GOOD, mark("Counted. The forecast starts from there.")),
    "agreed": (Tone.GOOD, mark("Concluded. You can end it with one click.")),
    "agreement_refused": (
        Tone.WAIT,
        mark("Nothing was agreed: it changed in the meantime. Please look again."),
    ),
    "agreement_ended": (Tone.QUIET, mark("Ended. From now on you are asked first.")),
    "mandate_asked": (Tone.GOOD, mark("Asked. The link shows up here.")),
    "mandate_revoked": (
        Tone.QUIET,
        mark("Revoked. Nothing more is charged without your approval."),
    ),
    "blink_refused": (Tone.WAIT, mark("That gateway is revoked and hears no commands.")),
}
"""Everything that a page can say after a form, by a name from this closed list."""


def language_of(request: Request, signed_in: str | None = None) -> Language:
    """Choose the language of an answer: what the reader picked, then what their browser asks."""
    return choose_language(
        request.cookies.get(LANGUAGE_COOKIE), signed_in, request.headers.get("accept-language")
    )


def note_of(request: Request, speech: Speech) -> Chip | None:
    """Read what the last form wants to say."""
    found = NOTES.get(request.cookies.get(NOTE_COOKIE, ""))
    return None if found is None else Chip(speech.say(found[1]), found[0])


def page(request: Request, html: str, status: int = 200) -> HTMLResponse:
    """Answer with a page; what the last form said is then said."""
    answer = HTMLResponse(html, status)
    if NOTE_COOKIE in request.cookies:
        answer.delete_cookie(NOTE_COOKIE, httponly=True, samesite="lax")
    return answer


def back_to(path: str, note: str = "") -> RedirectResponse:
    """Answer a form: go and look, with a note from the closed list."""
    answer = RedirectResponse(path, status_code=303)
    if note in NOTES:
        answer.set_cookie(
            NOTE_COOKIE, note, max_age=_NOTE_LIFETIME_S, httponly=True, samesite="lax"
        )
    return answer


def remember_language(answer: Response, language: Language) -> None:
    """Keep the language in a cookie, which holds for pages before the sign-in too."""
    answer.set_cookie(
        LANGUAGE_COOKIE, language, max_age=_LANGUAGE_LIFETIME_S, httponly=True, samesite="lax"
    )


def error_page(request: Request, status: int, about: str = "") -> HTMLResponse:
    """Answer an error in the same style and the reader's language."""
    other = ERRORS[500 if status >= 500 else 400]
    title, text = ERRORS.get(about or status, other)
    language = language_of(request)
    speech = Speech.of(language)
    html = render(
        "message.html",
        Shell(language, "/"),
        page=Message(speech.say(title), speech.say(text)),
    )
    # A fault is answered outside of the guard, so the page brings the guard's headers itself.
    return HTMLResponse(html, status, headers={**HEADERS, "cache-control": "no-store"})
