"""The page, the problems, and whether the writer lives."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zodra_contract.signal import TimeQuality
from zodra_edge.clock import boot_id, monotonic_s, wall
from zodra_edge.errors import AlreadyRunning
from zodra_edge.status import (
    FILE,
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
    Tally,
    UnreadPart,
    look,
    problems,
    render,
    sole_owner,
    status_file,
    write,
)
from zodra_edge.status.store import in_memory
from zodra_edge.status.tally import REASONS_MAX
from zodra_edge.words import Words

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
LANE = LanePart(buffer_id="b1", depth=0, oldest_age_s=0, dropped=0, quarantined=0)
CLOUD = CloudPart(host="broker.example", port=8883, state="online", since=AT)
GOOD = Status(
    gateway_id="gw-1",
    household_id="hh-1",
    pid=7,
    boot_id="boot",
    written_at=AT + timedelta(minutes=10),
    written_monotonic_s=1.0,
    started_at=AT,
    uptime_s=600,
    restarts=2,
    rss_bytes=61_000_000,
    clock_quality=TimeQuality.SYNCED,
    clock_error_ms=12,
    cloud=CLOUD,
    need=LANE,
    telemetry=LANE,
)
RADIO = RadioPart(name="hci0", scanning=True, adverts_per_min=41, last_advert_age_s=2.0)

BUTTON = DevicePart(device_id="btn-kitchen", family="button")

CASES = [
    ({}, ()),
    ({"memory": MemoryPart(budget_bytes=1, short=True)}, (Problem.MEMORY,)),
    ({"devices": (BUTTON.model_copy(update={"refused_as_replay": 2}),)}, ()),
    ({"devices": (BUTTON.model_copy(update={"refused_as_replay": 3}),)}, (Problem.REPLAYS,)),
    ({"cloud": CLOUD.model_copy(update={"refusing": "revoked"})}, (Problem.CLOUD_REFUSES,)),
    ({"cloud": CLOUD.model_copy(update={"unanswered": 2})}, ()),
    ({"cloud": CLOUD.model_copy(update={"unanswered": 3})}, (Problem.UNANSWERED,)),
    (
        {"cloud": CLOUD.model_copy(update={"state": "refused", "reason": "not_authorised"})},
        (Problem.CREDENTIAL,),
    ),
    (
        {"cloud": CLOUD.model_copy(update={"state": "connecting", "reason": "not_authorised"})},
        (Problem.CREDENTIAL,),
    ),
    (
        {"cloud": CLOUD.model_copy(update={"state": "waiting", "reason": "unreachable"})},
        (Problem.OFFLINE,),
    ),
    ({"need": LANE.model_copy(update={"oldest_age_s": 61.0})}, (Problem.NEED_WAITS,)),
    (
        {"home_mqtt": HomePart(connected=False, reason="unreachable", messages=0)},
        (Problem.HOME_MQTT,),
    ),
    ({"radio": (RADIO,)}, ()),
    ({"radio": (RADIO.model_copy(update={"scanning": False}),)}, (Problem.NOT_SCANNING,)),
    ({"radio": (RADIO.model_copy(update={"last_advert_age_s": 121.0}),)}, (Problem.DEAF,)),
    ({"radio": (RADIO.model_copy(update={"last_advert_age_s": None}),)}, (Problem.DEAF,)),
    (
        {"devices": (DevicePart(device_id="d", family="button", counter_unknown=True),)},
        (Problem.COUNTER_UNKNOWN,),
    ),
    ({"telemetry": LANE.model_copy(update={"quarantined": 1})}, (Problem.QUARANTINE,)),
    ({"clock_quality": TimeQuality.UNSYNCED}, (Problem.CLOCK,)),
    ({"storage": StoragePart(state="io_error")}, (Problem.STORAGE_BROKEN,)),
    ({"storage": StoragePart(state="read_only")}, (Problem.STORAGE_READ_ONLY,)),
    ({"storage": StoragePart(state="full", reserve=False)}, (Problem.STORAGE_FULL,)),
    ({"storage": StoragePart(state="low", disk="low")}, ()),
    ({"storage": StoragePart(state="low", disk="critical")}, (Problem.STORAGE_LOW,)),
    ({"storage": StoragePart(state="salvaged", aside=("x",))}, (Problem.SALVAGED,)),
]


@pytest.mark.parametrize(("change", "found"), CASES)
def test_each_problem_is_named_and_nothing_else(
    change: dict[str, object], found: tuple[Problem, ...]
) -> None:
    status = GOOD.model_copy(update=change)
    assert problems(status) == found
    page = render(status, running=True, age_s=0.5)
    assert ("healthy" in page) == (not found)
    for problem in found:
        assert f"! {problem}" in page


def test_the_page_says_everything_that_is_known() -> None:
    status = GOOD.model_copy(
        update={
            "cloud": CLOUD.model_copy(update={"last_receipt_at": AT + timedelta(minutes=9)}),
            "telemetry": LANE.model_copy(update={"depth": 7, "oldest_age_s": 300, "dropped": 4}),
            "home_mqtt": HomePart(connected=True, reason="", messages=12),
            "radio": (RADIO.model_copy(update={"strangers": 2}),),
            "devices": (
                DevicePart(
                    device_id="btn-kitchen",
                    family="button",
                    last_heard_age_s=65.0,
                    battery_percent=87,
                    rssi_dbm=-61,
                    lights=(
                        LightPart(
                            slot_key="button-1", state="asked", reason="", at=AT, signal_id="p_1"
                        ),
                    ),
                ),
                DevicePart(
                    device_id="strap-chest",
                    family="wearable",
                    connected=False,
                    adapter="hci1",
                    heard_by_dbm={"hci1": -70, "hci0": -82},
                ),
            ),
            "parts": (RunningPart(name="radio", restarts=3, fault="no adapter"),),
            "frames": FramesPart(used=9, stayed_home=4, repeats={"repeat": 3}),
            "refusals": {"wrong_bind_key": 2},
        }
    )
    page = render(status, running=True, age_s=0.2)
    dutch = render(status, running=True, age_s=0.2, words=Words("nl"))
    assert len(dutch.splitlines()) == len(page.splitlines())
    assert [part for part in (" ago", " heard", " waiting", " of ") if part in dutch] == []
    for words in (
        "Gateway gw-1 of household hh-1",
        "healthy, running for 10 min",
        "online for 10 min, broker.example:8883, last receipt 60 s ago",
        "7 waiting for a receipt, the oldest for 5 min, 4 dropped because it was full",
        "hci0 scanning, 41 a minute, last heard 2 s ago",
        "hears 2 nearby that are not this home's",
        "heard 65 s ago, battery 87 %, -61 dBm",
        "light: the household is asked, 10 min ago",
        "not heard yet, not connected, -82 dBm at hci0 and -70 dBm at hci1, taken from hci1 alone",
        "radio: no adapter (3 restarts)",
        "9 frames used, 4 readings stayed home",
        "turned away: wrong_bind_key 2",
        "repeats: repeat 3",
    ):
        assert words in page, page


def test_the_page_says_how_the_storage_is() -> None:
    storage = StoragePart(
        state="full",
        disk="critical",
        used_percent=100,
        free_bytes=0,
        reserve=False,
        aside=("need.db.damaged-1a2b3c4d",),
    )
    lane = LANE.model_copy(update={"trouble": "full", "expired": 3})
    page = render(GOOD.model_copy(update={"storage": storage, "telemetry": lane}), True, 0.1)
    for words in (
        "! the disk is full",
        "FULL, disk 100 % full, the reserve is used up, 0 MB free",
        "damaged file set aside: need.db.damaged-1a2b3c4d",
        "3 dropped because they were too old, NOTHING NEW is kept: full",
    ):
        assert words in page, page


def test_the_status_goes_to_memory_when_the_disk_takes_none(tmp_path: Path) -> None:
    # A folder in the way of the file: replacing it fails as on a read-only disk, also for root.
    (tmp_path / FILE / "in the way").mkdir(parents=True)
    now = {"boot_id": boot_id(), "written_at": wall(), "written_monotonic_s": monotonic_s()}
    try:
        with sole_owner(tmp_path):
            write(tmp_path, GOOD.model_copy(update=now))
            seen = look(tmp_path)
            assert seen.running
            assert seen.status is not None
        assert not look(tmp_path).running
    finally:
        shutil.rmtree(in_memory(tmp_path))


def test_a_page_of_a_dead_agent_says_so_first() -> None:
    assert "NOT RUNNING; what follows is 2 h old" in render(GOOD, running=False, age_s=7_300)


def test_an_onlooker_finds_whether_the_agent_lives(tmp_path: Path) -> None:
    assert not look(tmp_path).running
    fresh = GOOD.model_copy(
        update={
            "boot_id": boot_id(),
            "written_at": wall(),
            "written_monotonic_s": monotonic_s(),
        }
    )
    with sole_owner(tmp_path):
        write(tmp_path, fresh)
        assert look(tmp_path).running
        write(tmp_path, fresh.model_copy(update={"written_monotonic_s": monotonic_s() - 60}))
        assert not look(tmp_path).running
        write(tmp_path, fresh)
        with pytest.raises(AlreadyRunning), sole_owner(tmp_path):
            pass
    assert not look(tmp_path).running


def test_a_status_from_an_earlier_boot_is_old(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert look(tmp_path).age_s > 0


def test_a_status_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text("{")
    assert look(tmp_path).status is None


def test_reasons_are_bounded_and_saved_once() -> None:
    tally = Tally()
    for number in range(200):
        tally.add(f"reason_{number}")
    assert len(tally.counts()) == REASONS_MAX
    assert tally.counts()["other"] == 200 - (REASONS_MAX - 1)
    assert sum(tally.take_unsaved().values()) == 200
    tally.add("reason_1")
    assert tally.take_unsaved() == {"reason_1": 1}


def test_the_page_says_what_was_saved_and_who_must_be_learned_anew() -> None:
    words = "need.db: its counters were changed on disk; 60 rows saved, 0 changed on disk"
    page = render(
        GOOD.model_copy(
            update={
                "storage": StoragePart(state="salvaged", aside=("n.damaged-1",), salvages=(words,)),
                "devices": (BUTTON.model_copy(update={"refused_as_replay": 12}),),
            }
        ),
        True,
        0,
    )
    assert words in page
    assert "12 frames REFUSED AS REPLAYS" in page
    assert "zodra-edge device relearn btn-kitchen" in page


def test_a_status_in_memory_is_found_without_the_agents_environment(tmp_path: Path) -> None:
    data, runtime = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    runtime.mkdir()
    now = {"boot_id": boot_id(), "written_at": wall(), "written_monotonic_s": monotonic_s()}
    file = status_file(data, runtime)
    with sole_owner(data, file):
        write(data, GOOD.model_copy(update=now), file)
        assert not (data / FILE).exists(), "the card is spared"
        assert look(data).running
    assert not look(data).running
    assert look(data).status is not None


def test_the_pace_that_the_cloud_asks_for_is_shown() -> None:
    paced = GOOD.model_copy(update={"cloud": CLOUD.model_copy(update={"pace_s": 1.5})})
    assert "asks for 1.5 s between two batches of readings" in render(paced, True, 0.1)
    assert "asks for" not in render(GOOD, True, 0.1)


def test_what_was_not_understood_is_shown_with_its_begin() -> None:
    part = UnreadPart(
        where="zigbee2mqtt/hall",
        reason="unknown_action",
        detail="action is a word that no table knows",
        raw='{"action":"shake"}',
        raw_bytes=18,
        count=3,
        last_at=AT,
    )
    text = render(GOOD.model_copy(update={"not_understood": (part,) * 7}), True, 1.0)
    assert text.count("zigbee2mqtt/hall  3 times, unknown_action: action is a word") == 5
    assert '    {"action":"shake"}' in text
    assert "and 2 more" in text
    assert "heard, not understood" not in render(GOOD, True, 1.0)
