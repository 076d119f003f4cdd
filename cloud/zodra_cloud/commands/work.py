"""`zodra-cloud work`: one more process that does jobs, beside the one that serves."""

import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Final

import click

from zodra_cloud import logs, settings
from zodra_cloud.commands.common import CONFIG, says_faults
from zodra_cloud.errors import BadRequest

PARALLEL_MAX: Final = 64
LOOK_S: Final = 0.2
END_S_MAX: Final = 10
"""From the signal to the end. What is still being done keeps its lease and comes back."""


@click.command("work")
@CONFIG
@click.option("--name", required=True, help="Names this worker; its own, and the same next time.")
@click.option(
    "--parallel",
    type=click.IntRange(1, PARALLEL_MAX),
    default=None,
    help="Jobs that wait for somebody outside at the same time, prices aside; else as in the"
    " settings.",
)
@says_faults
def work(config: Path, name: str, parallel: int | None) -> None:
    """Do jobs without pages and without the broker, until Ctrl-C or SIGTERM.

    For PostgreSQL: any number of workers, on any machine, take jobs from the same table; each job
    is done by one of them. Run `serve` beside them: it takes needs in, and it alone speaks to the
    gateways. On SQLite there is one writer, so `serve` does the jobs itself.
    """
    from zodra_cloud.app import Cloud

    read = settings.load(config)
    if read.database_url.startswith("sqlite"):
        raise BadRequest("workers need PostgreSQL; on SQLite, serve does the jobs by itself")
    logs.set_up(read.log_level)
    told: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        signal.alarm(END_S_MAX)

    def end_now(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGALRM, end_now)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    cloud = Cloud(read, instance=f"worker-{name}", jobs_at_once=parallel, beside=True)
    cloud.start()
    # No lock is waited for here: the handler runs in this thread, and could hold it up for good.
    while not told:
        time.sleep(LOOK_S)
    cloud.stop()
    cloud.close()
    # Threads that still wait for a shop cannot hold up the end of the interpreter.
    os._exit(0)
