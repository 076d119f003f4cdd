"""The rungs of the recovery ladder, as a table. docs/radio.md explains them to a person."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """Where one adapter stands."""

    OFF = "off"
    """Not begun."""
    OPENING = "opening"
    """A new scan runs, or is being started; nothing was heard through it yet."""
    HEARING = "hearing"
    RESTARTED = "restarted"
    """The scan was stopped and started again."""
    REBUILT = "rebuilt"
    """The scanner was thrown away and a new one made."""
    CYCLED = "cycled"
    """The adapter was switched off and on."""
    DEAF = "deaf"
    """Nothing helped. A person is told, and all of it is tried again."""
    AWAY = "away"
    """There is no adapter, no BlueZ or no D-Bus to ask."""


class Trigger(StrEnum):
    """What moves an adapter from one stage to the next."""

    BEGIN = "begin"
    HEARD = "heard"
    """Something that says anything, since the last step was begun."""
    SILENT = "silent"
    """Nothing for as long as the stage allows."""
    FAILED = "failed"
    """A step could not be done, or the scan ended by itself."""
    SPARED = "spared"
    """Switching the adapter off would be next, and may not be done yet."""
    GONE = "gone"
    BACK = "back"
    """It came back, or it is time to look whether it did."""


class Step(StrEnum):
    """What the shell is asked to do."""

    OPEN = "open"
    RESTART = "restart"
    REBUILD = "rebuild"
    POWER_CYCLE = "power_cycle"


TRANSITIONS: Final[Mapping[tuple[Stage, Trigger], Stage]] = {
    (Stage.OFF, Trigger.BEGIN): Stage.OPENING,
    (Stage.OPENING, Trigger.HEARD): Stage.HEARING,
    (Stage.OPENING, Trigger.SILENT): Stage.RESTARTED,
    (Stage.OPENING, Trigger.FAILED): Stage.RESTARTED,
    (Stage.HEARING, Trigger.SILENT): Stage.RESTARTED,
    (Stage.HEARING, Trigger.FAILED): Stage.RESTARTED,
    (Stage.RESTARTED, Trigger.HEARD): Stage.HEARING,
    (Stage.RESTARTED, Trigger.SILENT): Stage.REBUILT,
    (Stage.RESTARTED, Trigger.FAILED): Stage.REBUILT,
    (Stage.REBUILT, Trigger.HEARD): Stage.HEARING,
    (Stage.REBUILT, Trigger.SILENT): Stage.CYCLED,
    (Stage.REBUILT, Trigger.FAILED): Stage.CYCLED,
    (Stage.REBUILT, Trigger.SPARED): Stage.DEAF,
    (Stage.CYCLED, Trigger.HEARD): Stage.HEARING,
    (Stage.CYCLED, Trigger.SILENT): Stage.DEAF,
    (Stage.CYCLED, Trigger.FAILED): Stage.DEAF,
    (Stage.DEAF, Trigger.HEARD): Stage.HEARING,
    (Stage.DEAF, Trigger.SILENT): Stage.RESTARTED,
    (Stage.DEAF, Trigger.FAILED): Stage.RESTARTED,
    (Stage.AWAY, Trigger.BACK): Stage.OPENING,
    **{
        (stage, Trigger.GONE): Stage.AWAY for stage in Stage if stage not in (Stage.OFF, Stage.AWAY)
    },
}
"""Every move there is; a trigger that a stage does not know leaves it where it is."""

STEPS: Final[Mapping[Stage, Step]] = {
    Stage.OPENING: Step.OPEN,
    Stage.RESTARTED: Step.RESTART,
    Stage.REBUILT: Step.REBUILD,
    Stage.CYCLED: Step.POWER_CYCLE,
}
"""What is done on the way into a stage; the others only wait."""
