"""Growth, refusals and arbitrary bytes at the boundary between gateway and cloud."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.examples import DOWN, UP
from zodra_contract.envelope import (
    TELEMETRY_ROWS_MAX,
    NeedBatch,
    TelemetryBatch,
    is_compressed,
    read_command,
    read_outcome,
    read_receipt,
    read_up,
    to_bytes,
)
from zodra_contract.errors import MalformedMessage, NewerVersion
from zodra_contract.outcome import RejectReason


def body(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(to_bytes({**UP, **DOWN}[name]))
    return read


def raw(changed: object) -> bytes:
    return json.dumps(changed).encode()


@pytest.mark.parametrize("name", UP)
def test_a_field_of_a_newer_writer_is_ignored(name: str) -> None:
    newer = {**body(name), "mood": {"of": ["the", "future"]}}
    assert read_up(raw(newer)).message == UP[name]


def test_a_field_of_a_newer_cloud_is_ignored() -> None:
    assert read_receipt(raw({**body("receipt"), "mood": 1})) == DOWN["receipt"]


def test_a_reason_that_only_a_newer_cloud_knows_does_not_spoil_its_receipt() -> None:
    newer = {**body("receipt"), "rejected": [[8, "too_shiny"], [9, "malformed"]]}
    assert read_receipt(raw(newer)).rejected == ((8, RejectReason.OTHER), (9, "malformed"))
    refused = read_receipt(raw({**newer, "rejected": [], "refused": "too_shiny"})).refused
    assert refused is RejectReason.OTHER


def test_a_field_inside_a_row_of_a_newer_writer_is_ignored() -> None:
    newer = body("need_batch")
    newer["rows"][0][1] |= {"mood": 1, "time": {**newer["rows"][0][1]["time"], "mood": 2}}
    assert read_up(raw(newer)).message == UP["need_batch"]


def test_a_column_of_a_newer_writer_is_ignored() -> None:
    newer = body("telemetry_batch")
    newer["rows"] = [[*row, "unit", 3] for row in newer["rows"]]
    assert read_up(raw(newer)).message == UP["telemetry_batch"]


@pytest.mark.parametrize("name", UP)
def test_a_newer_major_version_is_named(name: str) -> None:
    with pytest.raises(NewerVersion, match="version 2 is newer than 1"):
        read_up(raw({**body(name), "version": 2}))


def test_a_newer_major_version_is_named_even_if_nothing_else_is_readable() -> None:
    with pytest.raises(NewerVersion):
        read_up(raw({"version": 9, "everything": "else"}))


@pytest.mark.parametrize("name", DOWN)
def test_a_newer_answer_of_the_cloud_is_named(name: str) -> None:
    reader = {"command": read_command, "signal_outcome": read_outcome}.get(name, read_receipt)
    with pytest.raises(NewerVersion):
        reader(raw({**body(name), "version": 2}))


def test_a_bad_row_is_named_and_the_others_are_kept() -> None:
    mixed = body("telemetry_batch")
    mixed["rows"].insert(1, [555, "a bad id!", "room_temperature_c", 1.0, 0])
    read = read_up(raw(mixed))
    assert isinstance(read.message, TelemetryBatch)
    assert [row.sequence for row in read.message.rows] == [100, 101]
    assert read.unreadable == ((555, RejectReason.MALFORMED),)


def test_a_value_that_is_no_number_spoils_its_row_alone() -> None:
    read = read_up(to_bytes(UP["telemetry_batch"]).replace(b"20.5", b"NaN"))
    assert read.unreadable == ((100, RejectReason.MALFORMED),)


def test_a_batch_of_bad_rows_still_says_which_batch_it_was() -> None:
    bad = body("need_batch")
    bad["rows"] = [[7, {"not": "a signal"}]]
    read = read_up(raw(bad))
    assert read.message is None
    assert read.buffer == ("f00dcafe", 7)
    assert read.unreadable == ((7, RejectReason.MALFORMED),)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not text"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"{}", id="no lane"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(raw({**body("need_batch"), "rows": [[0, {}]]}), id="sequence below one"),
        pytest.param(raw({**body("need_batch"), "rows": ["x"]}), id="row without sequence"),
        pytest.param(raw({**body("need_batch"), "rows": []}), id="no rows"),
        pytest.param(raw({**body("need_batch"), "gateway_id": "a.b"}), id="id with a dot"),
        pytest.param(raw({**body("health_report"), "rss_bytes": -1}), id="negative"),
        pytest.param(
            raw(
                {
                    **body("telemetry_batch"),
                    "rows": [[1, "d", "k", 0, 0]] * (TELEMETRY_ROWS_MAX + 1),
                }
            ),
            id="too many rows",
        ),
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(value: bytes) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        read_up(value)
    assert 0 < len(refusal.value.detail) <= 200


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(value: bytes) -> None:
    for reader in (read_up, read_receipt, read_command, read_outcome):
        with pytest.raises((MalformedMessage, NewerVersion)):
            reader(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(name=st.sampled_from(sorted(UP)), data=st.data())
def test_a_message_with_any_field_replaced_never_crashes_the_reader(
    name: str, data: st.DataObject
) -> None:
    changed = body(name)
    changed[data.draw(st.sampled_from(sorted(changed)))] = data.draw(json_values)
    with suppress(MalformedMessage, NewerVersion):
        read_up(raw(changed))


@pytest.mark.parametrize("name", [*UP, *DOWN])
def test_we_send_only_fields_that_the_contract_names(name: str) -> None:
    kind = type({**UP, **DOWN}[name])
    alike = [other for other, each in {**UP, **DOWN}.items() if type(each) is kind]
    assert set(body(name)) <= set(kind.model_fields)
    assert set().union(*map(body, alike)) == set(kind.model_fields)


def test_a_receipt_of_an_older_cloud_blames_no_batch_and_asks_for_no_pace() -> None:
    older = body("receipt_refused")
    del older["batch"], older["pace_ms"]
    receipt = read_receipt(raw(older))
    assert (receipt.batch, receipt.pace_ms) == (None, None)
    assert receipt.refused is RejectReason.MALFORMED


def test_json_text_is_never_taken_for_a_compressed_frame() -> None:
    assert not any(is_compressed(to_bytes(message)) for message in (*UP.values(), *DOWN.values()))
    assert is_compressed(bytes.fromhex("28b52ffd") + b"...")


def test_messages_are_values() -> None:
    batch = UP["need_batch"]
    assert isinstance(batch, NeedBatch)
    with pytest.raises(ValueError, match="frozen"):
        batch.rows[0].signal.device_id = "other"  # type: ignore[misc]
