"""What every command shares: the settings file, one unit of work, one sentence for a fault."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import click
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from zodra_cloud import settings
from zodra_cloud.errors import CloudError
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.settings import Settings
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate as migrate_database

_P = ParamSpec("_P")
_R = TypeVar("_R")

CONFIG: Final = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    required=True,
    envvar="ZODRA_CLOUD_CONFIG",
    help="The settings file; also from ZODRA_CLOUD_CONFIG.",
)
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
HOUSEHOLD: Final = click.option("--household", required=True, help="Id of the household.")


def says_faults(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn an expected fault into one sentence and exit code 1."""

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except CloudError as fault:
            raise click.ClickException(str(fault)) from fault
        except DBAPIError as fault:
            raise click.ClickException(f"the database says: {fault.orig}") from fault

    return run


@dataclass(frozen=True, slots=True)
class Session:
    """One command at work."""

    settings: Settings
    connection: Connection
    now: datetime


@contextmanager
def opened(config: Path) -> Iterator[tuple[Settings, Database]]:
    """Open the database of a settings file, migrated, for units of work of the command's own."""
    read = settings.load(config)
    read.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database.open(read.database_url)
    try:
        migrate_database(database)
        yield read, database
    finally:
        database.close()


@contextmanager
def unit_of_work(config: Path, household_id: str | None = None) -> Iterator[Session]:
    """Open the database of a settings file, migrated, and one unit of work in it."""
    with opened(config) as (read, database), database.write(household_id) as connection:
        yield Session(read, connection, SystemClock().now())


def say(as_json: bool, value: dict[str, Any], *sentences: str) -> None:
    """Print one JSON object, or sentences for a person."""
    if as_json:
        click.echo(json.dumps(value, default=str))
    else:
        for sentence in sentences:
            click.echo(sentence)
