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


BATCH = json.loads(to_bytes(needs(need(7), need(8), need(9), kept_from=7)))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"sent_at": "yesterday"}, ("buf-n", (7, 3)), id="a bad header"),
        pytest.param({"rows": [[7], ["?"]]}, ("buf-n", (7, 2)), id="a row without a number"),
        pytest.param({"rows": [["?"], [8]]}, None, id="the first row without one"),
        pytest.param({"rows": []}, None, id="no rows"),
        pytest.param({"rows": [7]}, None, id="rows that are none"),
        pytest.param({"rows": 7, "sent_at": 1}, None, id="no list of rows"),
        pytest.param({"buffer_id": None}, None, id="no buffer"),
        pytest.param({"buffer_id": "a b"}, None, id="a buffer that is none"),
    ],
)
def test_a_batch_that_is_refused_is_named_as_far_as_it_can_be_read(
    changed: dict[str, object], named: object
) -> None:
    assert _refused(json.dumps({**BATCH, **changed}).encode()).named == named


def test_what_is_no_batch_has_no_name() -> None:
    for raw in (b"{", b"[]", b'"rows"', b"[" * 100_000, NEWER):
        assert _refused(raw).named is None
    report = Reader().read(delivery(health()))
    assert isinstance(report, Received)
    assert report.named is None


def test_one_bad_row_does_not_spoil_its_batch() -> None:
    body = json.loads(to_bytes(needs(need(1), need(2))))
    body["rows"][0][1]["kind"] = "of_tomorrow"
    received = Reader().read(delivery(json.dumps(body).encode()))
    assert isinstance(received, Received)
    assert [row.sequence for row in received.read.unreadable] == [1]
    assert received.row_count == 2
    assert received.named == ("buf-n", (1, 2))


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
