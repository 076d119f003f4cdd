"""What a test does on a machine that lacks something it needs.

A missing tool can be installed (`scripts/tools.sh`), so where CI=true it is a failure: a test that
never runs holds nothing. A missing privilege (no root, no mount, no ptrace) is the machine's own,
and stays a skip with its reason.
"""

import os
from typing import NoReturn

import pytest


class MissingTool(str):
    """Why something cannot be done: a program or a library is not installed."""

    __slots__ = ()


def give_up(why: str) -> NoReturn:
    """Skip the test with the reason; where CI=true, fail it if it is a `MissingTool`."""
    if isinstance(why, MissingTool) and os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
