"""Faults of the edge. A refusal that a home must expect is a value, not one of these.

EdgeError
├── SettingsFault    the settings cannot be used; the start stops and names what to change
│   └── Unclaimed    because nobody has said yet whose gateway this is
├── AlreadyRunning   another agent holds the data folder
├── OutboxFault      the store could not do what was asked; nothing was changed
│   └── StorageFault because the disk is full, read-only or broken
├── SpoolFault       a running agent could not be asked, or did not answer
├── LinkFault        a broker was lost, or refused us
└── RadioFault       an adapter could not be used as it is
    └── RadioGone    because it, BlueZ or D-Bus is not there
"""

from pathlib import Path
from typing import Self

from zodra_edge.words import Said


class EdgeError(Exception):
    """Root of every fault that the edge raises itself. Its text is English."""

    said: Said | None = None
    """The same for a person in another language; None where there is only the English."""

    @classmethod
    def told(cls, said: Said) -> Self:
        """Make one whose sentence is there in each language."""
        fault = cls(said.in_language("en"))
        fault.said = said
        return fault


class SettingsFault(EdgeError):
    """A setting is missing, out of range, or names a file that cannot be read."""


class Unclaimed(SettingsFault):
    """A gateway fresh from its package; as a service it waits instead of failing for ever."""

    def __init__(self, config: Path) -> None:
        super().__init__(
            f"this gateway is not claimed yet: write gateway_id, household_id and [cloud] into "
            f"{config}, as its comments say"
        )


class AlreadyRunning(EdgeError):
    """Two agents on one data folder would send every row twice and count each press apart."""

    def __init__(self, data_dir: str) -> None:
        super().__init__(
            f"another zodra-edge already runs on {data_dir}; stop it first, "
            "or choose another data_dir"
        )


class OutboxFault(EdgeError):
    """The disk or the database refused; the transaction was rolled back."""


class StorageFault(OutboxFault):
    """The disk is full, read-only or broken. `trouble` is one word for the status page."""

    def __init__(self, message: str, trouble: str) -> None:
        self.trouble = trouble
        super().__init__(message)


class SpoolFault(EdgeError):
    """A request could not be left for the agent, or got no answer; the message says what to do."""


class LinkFault(EdgeError):
    """A connection to a broker ended or never began. `reason` is one word for the status page."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class RadioFault(EdgeError):
    """The Bluetooth side cannot be used as it is."""


class RadioGone(RadioFault):
    """The adapter, BlueZ or D-Bus is not there; it may come back by itself."""
