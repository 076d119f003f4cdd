"""What was set aside: it goes again as a new row, or stays where it is with its reason."""

from pathlib import Path

import pytest

from edge_damage import AT, change, fill, reject
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import TimeQuality
from zodra_edge.errors import AlreadyRunning, OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox
from zodra_edge.rescue import held, replay
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner


async def test_a_replayed_row_is_a_new_row_of_its_lane(tmp_path: Path) -> None:
    await fill(tmp_path)
    await reject(tmp_path, Lane.NEED, 1, RejectReason.UNKNOWN_DEVICE)
    await reject(tmp_path, Lane.TELEMETRY, 2, RejectReason.UNKNOWN_DEVICE)
    shown = [
        (one.lane, one.sequence, one.reason, one.device_id, one.what) for one in held(tmp_path)
    ]
    assert shown == [
        ("need", 1, "unknown_device", "btn-kitchen", "press"),
        ("telemetry", 2, "unknown_device", "trv-living", "room_temperature_c"),
    ]
    done = replay(tmp_path, OutboxLimits(), lambda _lane, _row, reason: reason == "unknown_device")
    assert [(one.lane, one.sequence) for one in done] == [("need", 4), ("telemetry", 4)]
    assert list(held(tmp_path)) == []
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        needs = await outbox.need_batch(0, 10, AT)
        readings = await outbox.reading_batch(3, 10, AT)
        assert needs is not None
        assert readings is not None
        assert [(number, row.signal_id) for number, row in needs.rows] == [
            (2, "p_2"),
            (3, "p_3"),
            (4, "p_1"),
        ]
        assert readings.quality is TimeQuality.UNSYNCED
        assert outbox.level(Lane.NEED).next_sequence == 5


async def test_what_cannot_be_sent_stays_where_it_is_with_its_reason(tmp_path: Path) -> None:
    await fill(tmp_path)
    for body, reason in (("{}", "malformed"), ("{}", "damaged_on_disk")):
        change(
            tmp_path / "need.db",
            "INSERT INTO quarantine (buffer_id, sequence, reason, body, set_aside_ms) "
            f"VALUES ('b', 9, '{reason}', '{body}', 0)",
        )
    await reject(tmp_path, Lane.NEED, 1, RejectReason.UNKNOWN_DEVICE)
    full = OutboxLimits(need_rows_max=2)
    done = replay(tmp_path, full, lambda *_: True)
    assert {one.kept_aside for one in done} == {"the lane is full"}
    done = replay(tmp_path, OutboxLimits(), lambda *_: True)
    assert [one.kept_aside for one in done] == [
        "it cannot be read",
        "it was changed on disk; nobody knows what it said",
        "",
    ]
    assert len(list(held(tmp_path))) == 2


async def test_nothing_is_replayed_while_the_agent_runs(tmp_path: Path) -> None:
    await fill(tmp_path)
    with sole_owner(tmp_path), pytest.raises(AlreadyRunning, match="stop it first"):
        replay(tmp_path, OutboxLimits(), lambda *_: True)


async def test_a_file_of_a_newer_build_is_left_alone(tmp_path: Path) -> None:
    await fill(tmp_path)
    change(
        tmp_path / "need.db",
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('zodra_need', '9999_future', '')",
    )
    with pytest.raises(OutboxFault, match="newer zodra-edge"):
        replay(tmp_path, OutboxLimits(), lambda *_: True)
