"""Asks everything that a gateway needs whether it is there, and says what to do where it is not."""

from zodra_edge.doctor.examine import LIMIT_S, LISTEN_S, examine, nobody
from zodra_edge.doctor.finding import Finding, Verdict, exit_code, render

__all__ = [
    "LIMIT_S",
    "LISTEN_S",
    "Finding",
    "Verdict",
    "examine",
    "exit_code",
    "nobody",
    "render",
]
