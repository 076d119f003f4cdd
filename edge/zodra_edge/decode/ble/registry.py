"""Which parsers there are: those built in, and those that installed packages name.

A parser is a small module that imports its library when the first frame of such a device is read.
So all of them can be asked whether they know a device, at next to no cost in memory.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Final, NamedTuple

from zodra_edge.decode.ble.guard import Raised, guarded
from zodra_edge.decode.ble.parser import GROUP, Parser
from zodra_edge.decode.frame import BleAdvert

BUILT_IN: Final[Mapping[str, str]] = {
    "bthome": "zodra_edge.decode.ble.bthome:PARSER",
    "xiaomi": "zodra_edge.decode.ble.libraries.xiaomi:PARSER",
    "ruuvi": "zodra_edge.decode.ble.libraries.ruuvi:PARSER",
    "thermopro": "zodra_edge.decode.ble.libraries.thermopro:PARSER",
    "govee": "zodra_edge.decode.ble.libraries.govee:PARSER",
}
"""In the order in which they are asked. The package names them as entry points too, like any
other; this list saves a gateway the search for its own. The last one knows its devices by the
least, so it has to be the last."""
BROUGHT_MAX: Final = 64
"""Parsers of other packages; more are not loaded."""
_NAME_CHARS_MAX: Final = 80


class Named(NamedTuple):
    """A parser under its entry point's name."""

    name: str
    parser: Parser


class Known(NamedTuple):
    """A device as one parser knows it."""

    name: str
    """Of the parser."""
    parser: Parser
    model: str


class Loaded(NamedTuple):
    """What was found when the first frame came."""

    parsers: tuple[Named, ...]
    broken: tuple[str, ...]
    """Names of those that an installed package promises, and that cannot be loaded."""


@cache
def loaded() -> Loaded:
    """Load every parser, once for the life of the process."""
    parsers = [Named(name, _load(where)) for name, where in BUILT_IN.items()]
    broken: list[str] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)[:BROUGHT_MAX]:
        # The name of one that is built in stays with that one.
        if point.name in BUILT_IN:
            continue
        parser = guarded(point.load)
        if isinstance(parser, Raised) or not _is_parser(parser):
            broken.append(point.name)
        else:
            parsers.append(Named(point.name, parser))
    return Loaded(tuple(parsers), tuple(broken))


def recognise(advert: BleAdvert) -> Known | None:
    """Ask each parser in turn whether it knows the device."""
    for name, parser in loaded().parsers:
        model = guarded(parser.recognises, advert)
        if isinstance(model, str):
            return Known(name, parser, model[:_NAME_CHARS_MAX])
    return None


def needs_key(known: Known, advert: BleAdvert) -> bool:
    """Say whether an advertisement is encrypted, if its parser tells without reading it."""
    asked = getattr(known.parser, "needs_key", None)
    return asked is not None and guarded(asked, advert) is True


def named(name: str) -> Parser | None:
    """Find a parser by name."""
    return next((parser for known, parser in loaded().parsers if known == name), None)


def _load(where: str) -> Parser:
    module, _, name = where.partition(":")
    parser: Parser = getattr(importlib.import_module(module), name)
    return parser


def _is_parser(found: object) -> bool:
    return callable(getattr(found, "recognises", None)) and callable(getattr(found, "parse", None))
