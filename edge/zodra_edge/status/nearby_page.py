"""Who is near, as lines of text for a person. Pure."""

from collections.abc import Iterator
from typing import Final

from zodra_edge.nearby import Pool
from zodra_edge.status.nearby import Nearby, StrangerPart
from zodra_edge.status.page import age

RECOGNISED_SHOWN: Final = 12
UNKNOWN_SHOWN: Final = 4
OFTEN_PER_S: Final = 50.0
"""From here on it is said that an advertiser is loud."""


def render_nearby(nearby: Nearby) -> str:
    """Write the lines; nothing if nobody is near."""
    lines = list(_lines(nearby))
    page = "\n".join(["", "Heard nearby, not of this home", *lines]) + "\n" if lines else ""
    for name in nearby.broken_parsers:
        page += f"\n! an installed package promises a parser {name} that cannot be loaded\n"
    return page


def _lines(nearby: Nearby) -> Iterator[str]:
    pools = {
        pool: [one for one in nearby.strangers if one.pool is pool]
        for pool in (Pool.RECOGNISED, Pool.UNKNOWN, Pool.CHANGING)
    }
    for pool, shown in ((Pool.RECOGNISED, RECOGNISED_SHOWN), (Pool.UNKNOWN, UNKNOWN_SHOWN)):
        for one in pools[pool][:shown]:
            yield from _stranger(one)
        if len(pools[pool]) > shown:
            yield f"  and {len(pools[pool]) - shown} more {pool}: zodra-edge status --json"
    if pools[Pool.CHANGING]:
        forgotten = nearby.forgotten.get(Pool.CHANGING, 0)
        yield (
            f"  {len(pools[Pool.CHANGING])} with addresses that may change, mostly phones"
            + (f"; {forgotten} more before them" if forgotten else "")
        )


def _stranger(one: StrangerPart) -> Iterator[str]:
    heard = f"{one.rssi_dbm} dBm, {one.count} times, last {age(one.last_heard_age_s)} ago"
    loud = f", LOUD: {one.per_s:.0f} a second" if one.per_s > OFTEN_PER_S else ""
    name = f" {_printable(one.name)}" if one.name else ""
    yield f"  {one.address}{name}  {heard}{loud}"
    if one.parser:
        key = ", encrypted: it needs its bind key" if one.needs_key else ""
        yield f"    recognised as {_printable(one.model)} ({one.parser}){key}; not in the settings"
    else:
        seems = f", seems to be of: {one.seems}" if one.seems else ""
        yield f"    nobody recognises it{seems}"
        yield f"    {one.raw or 'it says nothing but that it is there'}"


def _printable(text: str) -> str:
    """A stranger chose these letters: none of them may move a cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:40]
