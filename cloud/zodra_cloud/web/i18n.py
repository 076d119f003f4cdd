"""Two languages from the first day: words, money, dates and how long ago.

The source text is English; `locale/nl.po` holds the Dutch. Catalogues are read as text at start
and kept in memory, so the repository holds no compiled file. A missing string fails a test.
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision

Language = Literal["nl", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("nl", "en")
DEFAULT_LANGUAGE: Final[Language] = "nl"
NAMES: Final[dict[Language, str]] = {"nl": "Nederlands", "en": "English"}

_LOCALES: Final[dict[Language, str]] = {"nl": "nl_NL", "en": "en_GB"}
_TIME_ZONE: Final = "Europe/Amsterdam"


def mark(text: str) -> str:
    """Mark a text for the catalogue where it is written, to be translated where it is used."""
    return text


class Catalogue(NullTranslations):
    """The texts of one language, in memory."""

    def __init__(self, texts: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.texts = texts

    def gettext(self, message: str) -> str:
        """Give the text of a message, or the message itself."""
        found = self.texts.get(message)
        return found[0] if found else message

    def ngettext(self, msgid1: str, msgid2: str, n: float) -> str:
        """Give the singular or plural text; both languages have these two forms."""
        found = self.texts.get(msgid1)
        if found and len(found) > 1:
            return found[0] if n == 1 else found[1]
        return msgid1 if n == 1 else msgid2


@cache
def catalogue(language: Language) -> Catalogue:
    """Read the catalogue of a language from the package."""
    file = files("zodra_cloud.web") / "locale" / f"{language}.po"
    if not file.is_file():
        return Catalogue({})
    texts: dict[str, tuple[str, ...]] = {}
    for message in read_po(BytesIO(file.read_bytes()), locale=language):
        if not message.id or not message.string:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        texts[key] = tuple(str(form) for form in forms)
    return Catalogue(texts)


def choose_language(*wishes: str | None) -> Language:
    """Take the first wish that is a language we have; a wish may be an Accept-Language header."""
    for wish in wishes:
        for part in (wish or "").split(","):
            tag = part.split(";")[0].strip().lower()[:2]
            for language in LANGUAGES:
                if tag == language:
                    return language
    return DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Speech:
    """One reader: their language and the time zone of their household."""

    language: Language
    zone: tzinfo

    @classmethod
    def of(cls, language: Language, zone_name: str = _TIME_ZONE) -> "Speech":
        """Make the speech of a household; an unknown zone falls back to the product's own."""
        try:
            return cls(language, ZoneInfo(zone_name))
        except (ZoneInfoNotFoundError, ValueError):
            return cls(language, ZoneInfo(_TIME_ZONE))

    @property
    def locale(self) -> str:
        """Babel's name of the locale."""
        return _LOCALES[self.language]

    def say(self, message: str, **facts: object) -> str:
        """Translate a message and fill in its facts."""
        text = catalogue(self.language).gettext(message)
        return text % facts if facts else text

    def count(self, one: str, many: str, n: float, **facts: object) -> str:
        """Translate a message that depends on a number; `%(n)s` is that number."""
        text = catalogue(self.language).ngettext(one, many, n)
        return text % {"n": self.number(n), **facts}

    def money(self, minor: int, currency: str) -> str:
        """Write an amount of minor units, for example 1299 EUR."""
        amount = minor / 10 ** get_currency_precision(currency)
        return str(format_currency(amount, currency, locale=self.locale))

    def number(self, value: float) -> str:
        """Write a number with the separators of the language."""
        return str(format_decimal(value, locale=self.locale))

    def clock(self, at: datetime) -> str:
        """Write the time of day in the household's zone."""
        return str(format_time(at, format="HH:mm", tzinfo=self.zone, locale=self.locale))

    def day(self, at: datetime) -> str:
        """Write weekday and date, for example "Monday 24 November"."""
        return str(format_datetime(at, "EEEE d MMMM", tzinfo=self.zone, locale=self.locale))

    def short_day(self, at: datetime) -> str:
        """Write weekday and date in little room, for example "Mon 24 Nov"."""
        return str(format_datetime(at, "EEE d MMM", tzinfo=self.zone, locale=self.locale))

    def day_of(self, at: datetime, now: datetime) -> str:
        """Write weekday and date, with the year where it is another than this one."""
        if at.astimezone(self.zone).year == now.astimezone(self.zone).year:
            return self.day(at)
        return str(format_datetime(at, "EEEE d MMMM y", tzinfo=self.zone, locale=self.locale))

    def on(self, day: date) -> str:
        """Write weekday and date of a day of the household's own calendar."""
        return str(format_date(day, "EEEE d MMMM", locale=self.locale))

    def on_short(self, day: date) -> str:
        """Write a day with its year, for example "24 Nov 2026"."""
        return str(format_date(day, "d MMM y", locale=self.locale))

    def instant(self, at: datetime, now: datetime) -> str:
        """Write an instant: today by its time, any other day with its date."""
        if at.astimezone(self.zone).date() == now.astimezone(self.zone).date():
            return self.say("today %(time)s", time=self.clock(at))
        return f"{self.short_day(at)} {self.clock(at)}"

    def span(self, seconds: float) -> str:
        """Write a duration in its largest fitting unit, for example "3 hours"."""
        whole = max(0, round(seconds))
        if whole == 0:
            return self.say("less than a second")
        return str(format_timedelta(whole, threshold=0.95, locale=self.locale))

    def hours(self, hours: float) -> str:
        """Write working hours as hours however many, and a very short time in smaller units."""
        if hours < _HOURS_MIN:
            return self.span(hours * 3600)
        return self.count("%(n)s hour", "%(n)s hours", hours)

    def ago(self, at: datetime, now: datetime) -> str:
        """Write how long ago an instant was."""
        seconds = (now - at).total_seconds()
        if seconds < _JUST_NOW_S:
            return self.say("just now")
        return self.say("%(span)s ago", span=self.span(seconds))


_HOURS_MIN: Final = 0.1
_JUST_NOW_S: Final = 60
"""Below it seconds would tick on a page that is meant to be calm."""
