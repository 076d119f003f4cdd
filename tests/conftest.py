"""What holds for every test."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings

# Time is not what a property is about: on a busy machine one example of a hundred takes longer
# than Hypothesis's 200 ms, and the next run does not.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

USUAL_TIMEOUT_S = 120
"""The `timeout` of pyproject.toml; a test that asks for more is a long one."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Half as many again as there are cores: a third of the time a test waits, and needs none.

    That is for `make test`; what `make faults` and its like run keeps a core busy all the time.
    """
    if config.option.dist != "worksteal" or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0))
    return cores + cores // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the long tests out to all workers, in the first half of what each has to do.

    Left to chance, one of them began when all the others were done, and the other cores waited
    for it. Everything else stays in its random order.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items[:] = dealt(items, workers)


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order the tests for `--dist worksteal`, which gives each worker one piece of the row."""
    long = [each for each in items if is_long(each)]
    short = [each for each in items if not is_long(each)]
    order: list[pytest.Item] = []
    for worker in range(workers):
        own = short[len(short) * worker // workers : len(short) * (worker + 1) // workers]
        for number, each in enumerate(mine := long[worker::workers]):
            own.insert(number + len(own) // 2 * number // len(mine), each)
        order += own
    return order


def is_long(item: pytest.Item) -> bool:
    asked = item.get_closest_marker("timeout")
    return asked is not None and asked.args[0] > USUAL_TIMEOUT_S
