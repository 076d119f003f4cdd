"""Brings the database to the schema of this build, one process at a time, in one transaction."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from zodra_cloud.errors import NewerSchema
from zodra_cloud.store.engine import Database, lock_migrations

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(database: Database) -> tuple[str | None, str]:
    """Run what is missing; the second process that starts finds nothing to do.

    Returns:
        The revision before and the one now.

    Raises:
        NewerSchema: a newer build has written this database.
    """
    with database.write() as connection:
        lock_migrations(connection)
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        scripts = ScriptDirectory.from_config(config)
        before = MigrationContext.configure(connection).get_current_revision()
        head = scripts.get_current_head()
        assert head is not None  # noqa: S101 - the first migration is part of the build
        try:
            scripts.get_revision(before or head)
        except CommandError as unknown:
            raise NewerSchema(before or "") from unknown
        command.upgrade(config, "head")
    return before, head
