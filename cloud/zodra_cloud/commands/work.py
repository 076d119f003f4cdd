"""`zodra-cloud work`: one more process that does jobs, beside the one that serves."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Final

import click

from zodra_cloud import logs, settings
from zodra_cloud.commands.common import CONFIG, says_faults
from zodra_cloud.errors import BadRequest
from zodra_cloud.store.runner import WORKERS

PARALLEL_MAX: Final = 64


@click.command("work")
@CONFIG
@click.option("--name", required=True, help="Names this worker; its own, and the same next time.")
@click.option(
    "--parallel",
    type=click.IntRange(1, PARALLEL_MAX),
    default=WORKERS,
    show_default=True,
    help="Jobs that wait for a shop at the same time.",
)
@says_faults
def work(config: Path, name: str, parallel: int) -> None:
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
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    cloud = Cloud(read, instance=f"worker-{name}", jobs_at_once=parallel, beside=True)
    cloud.start()
    stop.wait()
    cloud.stop()
    cloud.close()
