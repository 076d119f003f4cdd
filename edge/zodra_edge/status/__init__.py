"""The gateway's own account of itself: a file, and a page a person can read."""

from zodra_edge.status.page import render
from zodra_edge.status.report import (
    CloudPart,
    DevicePart,
    FramesPart,
    HomePart,
    LanePart,
    LightPart,
    MemoryPart,
    Problem,
    RadioPart,
    RunningPart,
    Status,
    StoragePart,
    UnreadPart,
    problems,
)
from zodra_edge.status.store import (
    FILE,
    Look,
    is_held,
    look,
    rss_bytes,
    sole_owner,
    status_file,
    write,
)
from zodra_edge.status.tally import Tally

__all__ = [
    "FILE",
    "CloudPart",
    "DevicePart",
    "FramesPart",
    "HomePart",
    "LanePart",
    "LightPart",
    "Look",
    "MemoryPart",
    "Problem",
    "RadioPart",
    "RunningPart",
    "Status",
    "StoragePart",
    "Tally",
    "UnreadPart",
    "is_held",
    "look",
    "problems",
    "render",
    "rss_bytes",
    "sole_owner",
    "status_file",
    "write",
]
