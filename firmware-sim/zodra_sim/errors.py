"""Faults of the simulator.

SimError
├── SettingsError    a setting is missing or outside its range; the message names it and the range
├── StoreError       the home's own file cannot be read or is of a newer version
├── AddressInUse     a port that the settings name is taken
├── ActRefused       a device cannot do what it was asked; the message says why
│   ├── UnknownDevice    there is no such device
│   └── WrongFamily      there is, but its family cannot do that
└── ControlRefused   a running household answered no, or there is none
"""


class SimError(Exception):
    """Root of every fault of the simulator; its message is meant for the person who started it."""


class SettingsError(SimError):
    """A setting is missing, unknown or outside its range."""


class StoreError(SimError):
    """The home's own file cannot be used."""


class AddressInUse(SimError):
    """A port named in the settings is taken by another process."""


class ActRefused(SimError):
    """A device cannot do what it was asked to do."""


class UnknownDevice(ActRefused):
    """The home has no device of that name."""


class WrongFamily(ActRefused):
    """A device of this family has no such thing to press."""


class ControlRefused(SimError):
    """The control page of a household did not do what was asked."""
