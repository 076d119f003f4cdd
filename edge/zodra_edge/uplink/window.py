"""What of one lane is under way, and what is next."""

from collections import deque
from dataclasses import dataclass, field

from zodra_contract.envelope import BatchName
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
    held_tries: int = 0
    """How often a row that the cloud wants later was sent in vain; 0 if there is none."""
    retry_at_s: float | None = None
    """When such a row is sent again; monotonic."""
    paused_until_s: float = 0.0
    """Nothing is sent before; monotonic."""
    waited_upto: int = 0
    """Rows up to here waited for the connection; what came later is fresh."""
    set_aside_in_a_row: int = 0
    """Rows that were refused alone since the cloud last took a batch."""
    _buffer_id: str = ""
    _under_way: deque[Sent] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Start wide."""
        self.rows = self.rows_max

    def facts(self, level: Level, now_s: float, pace_wait_s: float = 0.0) -> LaneFacts:
        """Say how the lane stands, for `link.next_batch`.

        Args:
            level: of the file.
            now_s: monotonic.
            pace_wait_s: until the pace of the lane, if it has one, lets the next batch go.
        """
        self._look_at_file(level)
        oldest = self._under_way[0].at_s if self._under_way else now_s
        return LaneFacts(
            unsent=max(0, level.next_sequence - 1 - self.after) if level.depth else 0,
            batches_in_flight=len(self._under_way),
            oldest_in_flight_s=now_s - oldest,
            wait_s=max(0.0, self.paused_until_s - now_s, pace_wait_s),
        )

    def reconnect(self, level: Level) -> None:
        """Begin a connection: all there is waited for it, and nothing is under way."""
        self._look_at_file(level)
        self.start_again()
        self.waited_upto = level.next_sequence - 1

    def _look_at_file(self, level: Level) -> None:
        if level.buffer_id != self._buffer_id:
            # Another file has taken the place of a damaged one; its sequences are other rows.
            self._buffer_id, self.sent_upto, self.waited_upto = level.buffer_id, 0, 0
            self.start_again()

    def send(self, first: int, last: int, rows: int, now_s: float) -> None:
        """Note a batch as under way."""
        self._under_way.append(Sent(first, last, rows, now_s))
        self.after = last
        self.sent_upto = max(self.sent_upto, last)

    def receipted(self, upto: int, is_held: bool = False) -> float | None:
        """Note a receipt.

        Args:
            upto: its watermark.
            is_held: whether it names a row that the cloud wants later, which holds the watermark
                back. The rows behind it go on: each receipt then counts as the answer to the oldest
                batch under way, since the watermark cannot say which one it answers.

        Returns:
            When the oldest batch was sent that the receipt settles; None if it settles none.
        """
        settled = [batch for batch in self._under_way if batch.last <= upto]
        if settled:
            self._under_way = deque(batch for batch in self._under_way if batch.last > upto)
            self.rows = min(self.rows_max, self.rows * 2)
            self.set_aside_in_a_row = 0
        elif is_held and self._under_way:
            self._under_way.popleft()
        if self.held_tries and not is_held:
            # What went on behind it may have been lost on the way, unnoticed.
            self.held_tries, self.retry_at_s = 0, None
            self.start_again()
        return settled[0].at_s if settled else None

    def hold(self, retry_at_s: float) -> None:
        """Plan when the row that the cloud wants later is sent again; the first plan counts."""
        if self.retry_at_s is None:
            self.held_tries += 1
            self.retry_at_s = retry_at_s

    def retry_in_s(self, now_s: float) -> float | None:
        """Say how long until a row that the cloud wants later is due; None if there is none."""
        return None if self.retry_at_s is None else max(0.0, self.retry_at_s - now_s)

    def retry(self) -> None:
        """Begin again at the row that the cloud wanted later."""
        self.retry_at_s = None
        self.start_again()

    def start_again(self) -> None:
        """Count everything under way as unsent; the cloud knows repeats by their sequence."""
        self._under_way.clear()
        self.after = 0

    def refused(self, batch: BatchName) -> bool:
        """Note that the cloud could not read a batch, and count it as unsent.

        Returns:
            False if no such batch is under way: a copy of it was refused before, or its refusal
            comes late. Nothing follows from that.
        """
        if all((sent.first, sent.rows) != batch for sent in self._under_way):
            return False
        self.start_again()
        if batch.rows > 1:
            self.narrow(batch.rows)
        else:
            self.set_aside_in_a_row += 1
        return True

    def narrow(self, rows: int) -> None:
        """Let the next batch be half of one that was too large, or could not be read."""
        self.rows = max(1, min(self.rows, rows) // 2)

    @property
    def narrowed(self) -> bool:
        """Whether a bad row is being looked for: then one batch goes at a time."""
        return self.rows < self.rows_max
