"""Faults of the cloud. A refusal that a peer must expect is a value, not one of these.

CloudError
├── UnknownDatabase     the database URL names neither SQLite nor PostgreSQL
├── NewerSchema         the database was written by a newer build
├── BadSettings         the settings file is missing, or a value in it is out of its range
├── AlreadyServing      another process serves from the same data folder
├── BadRequest          a value that a person gave is not usable; says why and what is
├── UnknownThing        a household, gateway, device or slot that is not there
├── AlreadyThere        one that is there already
├── LeaseLost           another worker has taken over the job
└── RetryLater          a job's handler asks to be called again later
"""


class CloudError(Exception):
    """Root of the cloud's own faults."""


class UnknownDatabase(CloudError):
    """The database URL names neither SQLite nor PostgreSQL."""

    def __init__(self, drivername: str) -> None:
        super().__init__(
            f"database_url names {drivername!r}; use sqlite:////absolute/path or "
            "postgresql+psycopg://user@host/database"
        )


class NewerSchema(CloudError):
    """The database was written by a newer build of this program."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the database is at schema {found!r}, which this build does not know; "
            "start the newer build, or restore the copy made before its migration"
        )


class BadSettings(CloudError):
    """A settings file that cannot be used; names the value and its range."""


class AlreadyServing(CloudError):
    """Another process serves from the same data folder."""

    def __init__(self, data_dir: str) -> None:
        super().__init__(
            f"another zodra-cloud serves from {data_dir}; stop it, or choose another data_dir"
        )


class BadRequest(CloudError):
    """A value that a person gave is not usable; the message says why and what is."""


class UnknownThing(CloudError):
    """A household, gateway, device or slot that is not there."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is no {what} {name!r}")


class AlreadyThere(CloudError):
    """A household, gateway or device of this name is there already."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is already a {what} {name!r}; choose another id")


class LeaseLost(CloudError):
    """The job's lease ran out and another worker has it; this one's work must not commit."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"the lease of job {key!r} ({kind}) was taken over; nothing was changed")


class RetryLater(CloudError):
    """A job's handler asks to be called again; counted as a failed attempt.

    Args:
        reason: a short closed name or sentence without personal data; kept as the job's last error.
        after_s: when, if the handler knows better than the runner's own back-off.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        self.reason = reason
        self.after_s = after_s
        super().__init__(reason)
