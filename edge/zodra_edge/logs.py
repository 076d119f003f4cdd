"""Logs: one JSON object a line on stderr; events with fields, ids not names, never a payload."""

import logging
import sys
from typing import Final

import structlog

_TALKATIVE: Final = (
    "aiomqtt",
    "bleak",
    "bleak_retry_connector",
    "bthome_ble",
    "govee_ble.parser",
    "mqtt",
    "paho",
    "ruuvitag_ble.parser",
    "thermopro_ble.parser",
    "xiaomi_ble.parser",
)
"""They print payloads, addresses or keys, at levels that a person would turn on to look closer."""

_SHARED: Final[list[structlog.typing.Processor]] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.format_exc_info,
]


def set_up(level: str) -> None:
    """Configure logging for the process, once."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.disabled = True
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
    # Warnings of other libraries, such as asyncio's of a task that failed unseen, as JSON too.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
