"""A child that opens an outbox, and is killed while it does. Run by `test_salvage`."""

import sys
from pathlib import Path

from zodra_edge.outbox import Outbox
from zodra_edge.settings import OutboxLimits

sys.stdout.write("opening\n")
sys.stdout.flush()
Outbox(Path(sys.argv[1]), OutboxLimits())
