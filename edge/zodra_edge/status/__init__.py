"""The gateway's own account of itself: a file, and a page a person can read."""

from zodra_edge.status.nearby import Nearby, StrangerPart, listing, look_nearby, write_nearby
from zodra_edge.status.nearby_page import render_nearby
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
from zodra_edge.status.sentence import sentence
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
    "Nearby",
    "Problem",
    "RadioPart",
    "RunningPart",
    "Status",
    "StoragePart",
    "StrangerPart",
    "Tally",
    "UnreadPart",
    "is_held",
    "listing",
    "look",
    "look_nearby",
    "problems",
    "render",
    "render_nearby",
    "rss_bytes",
    "sentence",
    "sole_owner",
    "status_file",
    "write",
    "write_nearby",
]
