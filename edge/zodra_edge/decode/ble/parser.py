"""What a parser of Bluetooth advertisements is, built in or brought by a package.

How a device maker writes one, with an example: docs/parsers.md.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import Undecodable

GROUP: Final = "zodra.parsers"
"""The entry-point group under which a package names its parser."""


@dataclass(frozen=True, slots=True)
class Value:
    """One thing measured, in the unit that the name of its kind ends with."""

    kind: ReadingKind
    number: float


@dataclass(frozen=True, slots=True)
class Button:
    """One thing done to a button."""

    index: int
    """On the device, from 0; the same key always has the same."""
    event: str
    """`press`, `double_press`, `triple_press` or `long_press`, or a word of the device's own."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one advertisement says, whoever hears it and whatever was heard before."""

    model: str
    """As its maker calls it."""
    values: tuple[Value, ...] = ()
    """Of several of one kind the first is the device's main one."""
    buttons: tuple[Button, ...] = ()
    authenticated: bool = False
    """The device proved by encryption that it holds the bind key."""
    counter: int | None = None
    """The device's own counter of frames; only of a frame that is authenticated, since a made-up
    counter would shut the device out."""
    packet_id: int | None = None
    """A number that the repeats of one event share, and the next event does not; it may come again
    after a minute."""
    event_id: str | None = None
    """A name that the repeats of one event share, and that never comes again."""


class Parser(Protocol):
    """Reads the advertisements of some devices.

    It keeps nothing between two calls: the same bytes mean the same every time. Which press is new
    is not its business; that is told from the counter or the packet id.

    It may also have `needs_key(advert) -> bool`, which says cheaply that what an advertisement says
    is encrypted; then a person is told so before the device is introduced.
    """

    def recognises(self, advert: BleAdvert) -> str | None:
        """Name the model, or the maker, if the advertisement is from a device that this reads.

        Asked for each device nearby that nobody introduced, so it has to be cheap: a look at the
        name, a UUID or a company id, and nothing decrypted.
        """

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one advertisement that `recognises` knew.

        Args:
            advert: as heard; any bytes.
            bind_key: the device's own, if one is configured.
        """
