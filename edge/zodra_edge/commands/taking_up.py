"""Lets a running agent take up devices that were changed in the settings, without a restart."""

from pathlib import Path
from typing import Final

from zodra_edge.errors import EdgeError
from zodra_edge.words import Said, say

TIMEOUT_S: Final = 15.0


def take_up(data_dir: Path) -> tuple[bool, Said]:
    """Tell the running agent that its devices have changed.

    Returns:
        Whether a restart is still needed, and what to say about it.
    """
    from zodra_edge import spool
    from zodra_edge.spool import DevicesRequest
    from zodra_edge.status import is_held

    if not is_held(data_dir):
        return False, say("holds_later", data_dir=data_dir)
    try:
        answer = spool.ask(data_dir, DevicesRequest(), TIMEOUT_S, lambda: is_held(data_dir))
    except EdgeError as fault:
        return True, say("not_taken_up", why=fault.said or str(fault))
    if answer is None:
        return False, say("holds_later", data_dir=data_dir)
    if answer.refused:
        return True, say("not_taken_up", why=answer.why_said())
    return False, say("holds_now")
