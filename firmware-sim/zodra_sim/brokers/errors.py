"""What can stop a broker from starting.

SimError
└── BrokerFault
    ├── BadSettings       the settings file, or a file that it names
    └── ProgramMissing    the broker's program is not installed
"""

from zodra_sim.errors import SimError


class BrokerFault(SimError):
    """The room's root: its text is the sentence for the person who started the broker."""


class BadSettings(BrokerFault):
    """The settings name something that cannot be used."""


class ProgramMissing(BrokerFault):
    """A program is needed that this machine does not have."""
