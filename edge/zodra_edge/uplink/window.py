"""What of one lane is under way, and what is next."""

from collections import deque
from dataclasses import dataclass, field

from zodra_edge.link import LaneFacts
from zodra_edge.outbox import Level


@dataclass(frozen=True, slots=True)
class Sent:
    """One batch that waits for its receipt."""

    first: int
    last: int
    rows: int
    at_s: float
    """Monotonic."""


@dataclass(slots=True)
class Window:
    """The batches of one lane between sending and receipt."""

    rows_max: int
    """What a batch may hold; see `narrow`."""
    sent_upto: int = 0
    """The highest sequence sent since the start: a receipt can let go of nothing above it."""
    after: int = 0
    """Everything up to here is under way or gone."""
    rows: int = field(init=False)
    """What the next batch may hold."""
    _under_way: deque[Sent] = field(default_factory=deque)
    _suspect: int | None = None

    def __post_init__(self) -> None:
        """Start wide."""
        self.rows = self.rows_max

    def facts(self, level: Level, now_s: float) -> LaneFacts:
        """Say how the lane stands, for `link.next_batch`."""
        oldest = self._under_way[0].at_s if self._under_way else now_s
        return LaneFacts(
            unsent=max(0, level.next_sequence - 1 - self.after) if level.depth else 0,
            batches_in_flight=len(self._under_way),
            oldest_in_flight_s=now_s - oldest,
        )

    def send(self, first: int, last: int, rows: int, now_s: float) -> None:
        """Note a batch as under way."""
        self._under_way.append(Sent(first, last, rows, now_s))
        self.after = last
        self.sent_upto = max(self.sent_upto, last)

    def receipted(self, upto: int) -> float | None:
        """Note a receipt.

        Returns:
            When the oldest batch was sent that the receipt settles; None if it settles none.
        """
        settled = [batch for batch in self._under_way if batch.last <= upto]
        if not settled:
            return None
        self._under_way = deque(batch for batch in self._under_way if batch.last > upto)
        self.rows = min(self.rows_max, self.rows * 2)
        return settled[0].at_s

    def start_again(self) -> None:
        """Count everything under way as unsent; the cloud knows repeats by their sequence."""
        self._under_way.clear()
        self.after = 0

    def narrow(self) -> int | None:
        """Halve the next batch, after one that was too large or could not be read.

        Returns:
            The sequence of the bad row, once a batch of that row alone was refused twice.
        """
        alone = [batch.first for batch in self._under_way if batch.rows == 1]
        largest = max((batch.rows for batch in self._under_way), default=self.rows)
        self.rows = max(1, min(self.rows, largest) // 2)
        if len(self._under_way) != 1 or not alone:
            return None
        # Twice, since the refusal of an earlier batch may arrive late.
        if self._suspect == alone[0]:
            return alone[0]
        self._suspect = alone[0]
        return None

    @property
    def narrowed(self) -> bool:
        """Whether a bad row is being looked for: then one batch goes at a time."""
        return self.rows < self.rows_max
