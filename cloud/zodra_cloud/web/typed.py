"""Reads what people type into forms: numbers, money, days and times, as both languages write them.

Pure. What cannot be read is None; the form is then shown again with what was typed.
"""

import re
from datetime import date, time
from decimal import Decimal
from typing import Final

from babel.numbers import get_currency_precision

CHARS_MAX: Final = 80
"""Of one field; longer ones are no answer to any of our questions."""
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}([.,][0-9]{1,6})?", re.ASCII)


def whole(text: str) -> int | None:
    """Read a whole number."""
    found = text.strip()
    return int(found) if _WHOLE.fullmatch(found) else None


def decimal(text: str) -> float | None:
    """Read a number with a comma or a point in it, and none that group its digits."""
    found = text.strip()
    return float(found.replace(",", ".")) if _DECIMAL.fullmatch(found) else None


def minor(text: str, currency: str) -> int | None:
    """Read an amount as minor units; with more decimals than the currency has it is none."""
    found = text.strip().removeprefix("€").strip()
    if not _DECIMAL.fullmatch(found):
        return None
    amount = Decimal(found.replace(",", ".")).scaleb(get_currency_precision(currency))
    return int(amount) if amount == amount.to_integral_value() else None


def as_typed(amount_minor: int | None, currency: str, language: str) -> str:
    """Write an amount as people type it in a language; empty for none."""
    if amount_minor is None:
        return ""
    precision = get_currency_precision(currency)
    text = f"{Decimal(amount_minor).scaleb(-precision):.{precision}f}"
    return text.replace(".", ",") if language == "nl" else text


def day(text: str) -> date | None:
    """Read a day as browsers send it, or as people type it with the day first."""
    found = text.strip()
    parts = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", found, re.ASCII)
    if parts is not None:
        found = f"{parts[3]}-{int(parts[2]):02}-{int(parts[1]):02}"
    try:
        return date.fromisoformat(found) if len(found) == len("2026-11-22") else None
    except ValueError:
        return None


def month(text: str) -> date | None:
    """Read a month as browsers send it, or as people type it, and give its first day."""
    parts = re.fullmatch(r"(\d{1,2})[-/. ](\d{4})", text.strip(), re.ASCII)
    found = text.strip() if parts is None else f"{parts[2]}-{int(parts[1]):02}"
    return day(f"{found}-01")


def clock(text: str) -> time | None:
    """Read a time of day in hours and minutes."""
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})(:00)?", text.strip(), re.ASCII)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))
