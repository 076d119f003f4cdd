"""Logs: one JSON object a line on stderr; events with fields, ids not names, never a payload."""

import logging
import sys
from typing import Final

import structlog

_TALKATIVE: Final = ("alembic", "httpcore2", "httpx2", "paho", "sqlalchemy")
"""They print addresses, statements or payloads, at levels that a person turns on to look closer."""


def set_up(level: str) -> None:
    """Configure logging for the process, once.

    Args:
        level: of our own events; libraries speak from warning on.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
