"""How every connector talks to its shop: one question, and its JSON or the reason there is none.

Whatever is not a readable answer of the shop's is `Unknown`, however it is spelled: a shop that is
down, slow, hostile or half updated must not look like one that said no.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn, TypeVar
from urllib.parse import quote as percent_encode

from pydantic import TypeAdapter, ValidationError

from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import ANSWER_BYTES_MAX, Answer, Outgoing, OutgoingFault
from zodra_cloud.merchants.port import Refused, ShopFault, ShopOrder, Unknown

RETRY_AFTER_S_MAX: Final = 3_600.0

_T = TypeVar("_T")


class Garbled(ValueError):
    """Not of the agreed shape."""


class Inconsistent(ValueError):
    """Of the agreed shape, and wrong in itself."""


@dataclass(frozen=True, slots=True)
class Said:
    """A shop's readable answer."""

    status: int
    """200 to 299, or 400 to 499 without 429."""
    raw: object
    """The JSON; fractions are `Decimal`, so that money stays exact. None if the body is empty."""

    @property
    def ok(self) -> bool:
        """Whether the shop did what was asked."""
        return self.status < 300


def ask(
    outgoing: Outgoing,
    method: str,
    path: str,
    *,
    body: object = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    bytes_max: int = ANSWER_BYTES_MAX,
) -> Said | Unknown:
    """Ask a shop something; see `Outgoing.ask`."""
    answer = outgoing.ask(
        method, path, body=body, query=query, headers=headers, bytes_max=bytes_max
    )
    if isinstance(answer, OutgoingFault):
        return Unknown(ShopFault(answer.value))
    return _readable(answer)


def read(raw: object, reader: Callable[[object], _T]) -> _T | Unknown:
    """Read what a shop said; `Unknown` if it makes no sense."""
    try:
        return reader(raw)
    except Garbled:
        return Unknown(ShopFault.GARBLED)
    except Inconsistent:
        return Unknown(ShopFault.INCONSISTENT)


def read_ok(
    said: Said | Refused | Unknown, reader: Callable[[object], _T]
) -> _T | Refused | Unknown:
    """Read the answer to something done; a no that nobody has judged is `Unknown`."""
    if isinstance(said, Refused | Unknown):
        return said
    return read(said.raw, reader) if said.ok else Unknown(ShopFault.GARBLED)


def as_expected(
    order: ShopOrder | Refused | Unknown, order_key: str, expected_total: Money
) -> ShopOrder | Refused | Unknown:
    """Take an order for ours only under our key, and at the total that was confirmed."""
    if not isinstance(order, ShopOrder):
        return order
    if (order.reference, order.total) != (order_key, expected_total):
        return Unknown(ShopFault.INCONSISTENT)
    return order


def shaped(kind: type[_T], raw: object) -> _T:
    """Read a value of one shape. Raises `Garbled`."""
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as fault:
        raise Garbled(str(fault.error_count())) from None


def path_segment(text: str) -> str:
    """Write an id of the shop's as one path segment; it may hold anything, `/` and `..` too."""
    return percent_encode(text, safe="").replace(".", "%2E")


def _readable(answer: Answer) -> Said | Unknown:
    if answer.status in (429, 503):
        return Unknown(ShopFault.BUSY, _retry_after_s(answer.headers))
    if answer.status >= 500:
        return Unknown(ShopFault.SERVER_ERROR)
    if not answer.body and answer.status == 204:
        return Said(answer.status, None)
    try:
        raw = json.loads(answer.body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Unknown(ShopFault.GARBLED)
    return Said(answer.status, raw)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    said = headers.get("retry-after", "")
    return min(float(said), RETRY_AFTER_S_MAX) if said.isascii() and said.isdigit() else None
