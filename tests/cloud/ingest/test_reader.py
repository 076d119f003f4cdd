"""Whatever a gateway sends is read or refused by name; nothing raises, nothing fills the memory."""

import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cloud_messages import delivery, health, need, needs, reading, telemetry
from zodra_cloud.ingest.reader import Delivery, Reader, Received, Refusal
from zodra_contract.envelope import MESSAGE_BYTES_MAX, MESSAGE_BYTES_UNPACKED_MAX, to_bytes
from zodra_contract.outcome import RejectReason


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zstd"])
def test_a_batch_is_read(packed: bool) -> None:
    batch = telemetry(*(reading(n) for n in range(1, 101)))
    received = Reader().read(delivery(batch, packed=packed))
    assert isinstance(received, Received)
    assert received.read.message == batch
    assert received.row_count == 100


def _refused(raw: bytes, topic: str = "up/hh-1/gw-1") -> Refusal:
    refused = Reader().read(Delivery(topic, raw))
    assert isinstance(refused, Refusal)
    return refused


NEWER = json.dumps({**json.loads(to_bytes(health())), "version": 2}).encode()
BOMB = zstandard.ZstdCompressor(level=19).compress(bytes(64 * 1024 * 1024))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", RejectReason.MALFORMED, id="nothing"),
        pytest.param(b"\x00\xff\x00", RejectReason.MALFORMED, id="noise"),
        pytest.param(b'{"lane":"need"}', RejectReason.MALFORMED, id="no message"),
        pytest.param(b"[" * 100_000, RejectReason.MALFORMED, id="deep"),
        pytest.param(NEWER, RejectReason.NEWER_VERSION, id="newer"),
        pytest.param(b"x" * (MESSAGE_BYTES_MAX + 1), RejectReason.OVERSIZED, id="large"),
        pytest.param(BOMB, RejectReason.OVERSIZED, id="unpacks to 64 MiB"),
        pytest.param(b"\x28\xb5\x2f\xfd????", RejectReason.MALFORMED, id="spoiled frame"),
        pytest.param(
            to_bytes(health(refusals={f"r{n}" + "x" * 400: 1 for n in range(60)})),
            RejectReason.OVERSIZED,
            id="a report that is no report",
        ),
    ],
)
def test_why_a_message_is_refused(raw: bytes, reason: RejectReason) -> None:
    refused = _refused(raw)
    assert refused.reason is reason
    assert refused.size_bytes == len(raw)
    assert len(BOMB) < MESSAGE_BYTES_MAX < MESSAGE_BYTES_UNPACKED_MAX


def test_a_topic_that_is_none_of_ours_is_refused() -> None:
    refused = _refused(b"{}", "up/hh-1/gw-1/\x00\x1b[31m")
    assert (refused.reason, refused.address) == (RejectReason.MALFORMED, None)
    assert refused.topic == "up/hh-1/gw-1/??[31m"


def test_a_refusal_keeps_nothing_of_the_content() -> None:
    intimate = {"lane": "need", "rows": [], "baby": "cries at 3", "version": 1}
    refused = _refused(json.dumps(intimate).encode())
    assert "cries" not in repr(refused)
    assert "baby" not in repr(refused)


def test_one_bad_row_does_not_spoil_its_batch() -> None:
    body = json.loads(to_bytes(needs(need(1), need(2))))
    body["rows"][0][1]["kind"] = "of_tomorrow"
    received = Reader().read(delivery(json.dumps(body).encode()))
    assert isinstance(received, Received)
    assert [row.sequence for row in received.read.unreadable] == [1]
    assert received.row_count == 2


@given(st.binary(max_size=400), st.booleans())
def test_arbitrary_bytes_never_raise(raw: bytes, framed: bool) -> None:
    raw = zstandard.ZstdCompressor().compress(raw) if framed else raw
    assert isinstance(Reader().read(Delivery("up/hh-1/gw-1", raw)), Refusal)


@given(st.text(max_size=80))
def test_arbitrary_topics_never_raise(topic: str) -> None:
    Reader().read(Delivery(topic, b"{}"))


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_message_never_raises(where: int, what: bytes) -> None:
    raw = bytearray(to_bytes(telemetry(*(reading(n) for n in range(1, 6)))))
    at = where % len(raw)
    raw[at : at + len(what)] = what
    assert isinstance(Reader().read(Delivery("up/hh-1/gw-1", bytes(raw))), Received | Refusal)
