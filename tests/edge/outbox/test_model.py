"""Any run of keeping, reading, receipting and reopening agrees with a simple model."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, LightRow, NotKept, Outbox
from zodra_edge.settings import OutboxLimits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROWS_MAX = 6
TEMPLATE = NeedSignal(
    signal_id="p",
    device_id="d",
    slot_key="s",
    kind=SignalKind.PRESS,
    occurred_at=AT,
    time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
    authenticated=True,
)

Step = tuple[str, int, tuple[tuple[int, RejectReason], ...]]
REJECTED = st.lists(
    st.tuples(st.integers(1, 20), st.sampled_from(RejectReason)),
    max_size=3,
    unique_by=lambda r: r[0],
).map(tuple)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.just(0), st.just(())),
        st.tuples(st.just("read"), st.integers(0, 12), st.just(())),
        st.tuples(st.just("receipt"), st.integers(0, 30), REJECTED),
        st.tuples(st.just("reopen"), st.just(0), st.just(())),
    ),
    max_size=30,
)


@dataclass
class Model:
    """What the outbox must be."""

    rows: dict[int, str] = field(default_factory=dict)
    next_sequence: int = 1
    sent_upto: int = 0
    aside: int = 0

    def receipt(self, upto: int, rejected: dict[int, RejectReason]) -> None:
        upto = min(upto, self.sent_upto)
        for sequence in [held for held in self.rows if held <= upto]:
            reason = rejected.get(sequence)
            if reason is not None and reason.retry:
                continue
            self.aside += reason is not None
            del self.rows[sequence]


async def agrees(folder: Path, steps: list[Step]) -> None:
    model = Model()
    limits = OutboxLimits(need_rows_max=ROWS_MAX)
    pending = list(steps)
    while True:
        async with Outbox(folder, limits) as outbox:
            while pending:
                name, number, rejected = pending.pop(0)
                if name == "reopen":
                    # A fresh start has sent nothing yet.
                    model.sent_upto = 0
                    break
                await do(outbox, model, name, number, dict(rejected))
                level = outbox.level(Lane.NEED)
                assert (level.depth, level.quarantined) == (len(model.rows), model.aside)
            else:
                return


async def do(
    outbox: Outbox, model: Model, name: str, number: int, rejected: dict[int, RejectReason]
) -> None:
    if name == "keep":
        signal_id = f"p_{model.next_sequence}"
        signal = TEMPLATE.model_copy(update={"signal_id": signal_id})
        kept = await outbox.keep(signal, [], LightRow("d", "s", signal_id, "kept", "", 0), AT)
        if len(model.rows) >= ROWS_MAX:
            assert isinstance(kept, NotKept)
            return
        assert kept == Kept(model.next_sequence)
        model.rows[model.next_sequence] = signal_id
        model.next_sequence += 1
    elif name == "read":
        batch = await outbox.need_batch(number, 100, AT)
        above = {place: row for place, row in model.rows.items() if place > number}
        if batch is None:
            assert above == {}
            return
        assert {place: signal.signal_id for place, signal in batch.rows} == above
        assert batch.kept_from == min(model.rows)
        model.sent_upto = max(model.sent_upto, *above)
    else:
        receipt = Receipt(
            buffer_id=outbox.level(Lane.NEED).buffer_id,
            upto=number,
            rejected=tuple(Rejection(*row) for row in rejected.items()),
            committed_at=AT,
        )
        sent = {Lane.NEED: model.sent_upto, Lane.TELEMETRY: 0}
        await outbox.apply_receipt(receipt, sent, AT)
        model.receipt(number, rejected)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_outbox_agrees_with_its_model(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(agrees(Path(folder), steps))
