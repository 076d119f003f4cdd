"""Who is near, as lines of text for a person. Pure."""

from collections.abc import Iterator
from typing import Final

from zodra_edge.nearby import Pool
from zodra_edge.status.nearby import Nearby, StrangerPart
from zodra_edge.status.page import age
from zodra_edge.words import ENGLISH, Words

RECOGNISED_SHOWN: Final = 12
UNKNOWN_SHOWN: Final = 4
OFTEN_PER_S: Final = 50.0
"""From here on it is said that an advertiser is loud."""


def render_nearby(nearby: Nearby, words: Words = ENGLISH) -> str:
    """Write the lines; nothing if nobody is near."""
    lines = list(_lines(nearby, words))
    page = "\n".join(["", words("page_nearby"), *lines]) + "\n" if lines else ""
    for name in nearby.broken_parsers:
        page += f"\n{words('nearby_parser', name=name)}\n"
    return page


def _lines(nearby: Nearby, words: Words) -> Iterator[str]:
    pools = {
        pool: [one for one in nearby.strangers if one.pool is pool]
        for pool in (Pool.RECOGNISED, Pool.UNKNOWN, Pool.CHANGING)
    }
    for pool, shown in ((Pool.RECOGNISED, RECOGNISED_SHOWN), (Pool.UNKNOWN, UNKNOWN_SHOWN)):
        for one in pools[pool][:shown]:
            yield from _stranger(one, words)
        if len(pools[pool]) > shown:
            name = words.named("pool", pool)
            yield f"  {words('nearby_more', count=len(pools[pool]) - shown, pool=name)}"
    if pools[Pool.CHANGING]:
        forgotten = nearby.forgotten.get(Pool.CHANGING, 0)
        more = words("nearby_forgotten", count=forgotten) if forgotten else ""
        yield f"  {words('nearby_changing', count=len(pools[Pool.CHANGING]))}{more}"


def _stranger(one: StrangerPart, words: Words) -> Iterator[str]:
    since = age(one.last_heard_age_s, words)
    heard = words("nearby_heard", dbm=one.rssi_dbm, count=one.count, age=since)
    loud = words("nearby_loud", per_s=one.per_s) if one.per_s > OFTEN_PER_S else ""
    name = f" {_printable(one.name)}" if one.name else ""
    yield f"  {one.address}{name}  {heard}{loud}"
    if one.parser:
        key = words("nearby_key") if one.needs_key else ""
        facts = {"model": _printable(one.model), "parser": one.parser, "key": key}
        yield f"    {words('nearby_recognised', **facts)}"
    else:
        seems = words("nearby_seems", maker=one.seems) if one.seems else ""
        yield f"    {words('nearby_unknown')}{seems}"
        yield f"    {one.raw or words('nearby_silent')}"


def _printable(text: str) -> str:
    """A stranger chose these letters: none of them may move a cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:40]
