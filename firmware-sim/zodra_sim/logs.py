"""Logging of the simulator: one JSON object a line on standard error, a fixed name and fields."""

import logging
import sys
from typing import Final

import structlog

_SHARED: Final[list[structlog.typing.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]

QUIET_LIBRARIES: Final = ("bumble", "aiomqtt", "uvicorn", "mqtt", "asyncio")
"""Libraries that say on INFO what our own events already say."""


def configure(part: str) -> None:
    """Send our events and the libraries' warnings to standard error, each as one line.

    Args:
        part: which process speaks, for example `household`.
    """
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(part=part)


def logger() -> structlog.stdlib.BoundLogger:
    """Give the logger of this process."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger("zodra_sim")
    return bound
