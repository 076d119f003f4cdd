"""The figures for Prometheus, read back by a parser that forgives nothing."""

import re

from zodra_contract.signal import TimeQuality
from zodra_edge.status import FramesPart, Problem, RunningPart
from zodra_edge.status.exposition import Disk, exposition

from .test_status import GOOD, RADIO

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (-?[0-9.e+-]+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')

Sample = tuple[str, frozenset[tuple[str, str]]]


def parse(page: str) -> dict[Sample, float]:
    """Read the text format 0.0.4; assert all that it asks of order and of names."""
    assert page.endswith("\n")
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    found: dict[Sample, float] = {}
    for line in page.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in helped, "HELP twice"
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, "TYPE twice"
            assert kind in ("counter", "gauge")
            assert (kind == "counter") == name.endswith("_total")
            kinds[name] = kind
        else:
            matched = SAMPLE.fullmatch(line)
            assert matched, line
            name, labels, value = matched.groups()
            assert list(kinds)[-1] == name, "a sample away from its TYPE"
            pairs = LABEL.findall(labels or "")
            assert "".join(f'{n}="{v}",' for n, v in pairs) == (f"{labels}," if labels else "")
            key = (name, frozenset(pairs))
            assert key not in found, "the same sample twice"
            found[key] = float(value)
    assert helped == kinds.keys() == {name for name, _ in found}
    return found


def value(found: dict[Sample, float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_every_figure_of_a_busy_gateway_reads_back() -> None:
    busy = GOOD.model_copy(
        update={
            "need": GOOD.need.model_copy(update={"depth": 3, "oldest_age_s": 61.5}),
            "telemetry": GOOD.telemetry.model_copy(
                update={"dropped": 500, "expired": 7, "quarantined": 2}
            ),
            "radio": (RADIO, RADIO.model_copy(update={"name": "hci1", "last_advert_age_s": None})),
            "parts": (RunningPart(name="uplink", restarts=4),),
            "frames": FramesPart(used=9, stayed_home=7, repeats={"repeat": 5}),
            "refusals": {"wrong_bind_key": 2},
            "clock_quality": TimeQuality.UNSYNCED,
        }
    )
    found = parse(exposition(busy, Disk(1_000, 4_000)))
    assert value(found, "zodra_outbox_rows", lane="need") == 3
    assert value(found, "zodra_outbox_oldest_age_seconds", lane="need") == 61.5
    assert value(found, "zodra_outbox_dropped_total", lane="telemetry", cause="full") == 500
    assert value(found, "zodra_outbox_dropped_total", lane="telemetry", cause="age") == 7
    assert value(found, "zodra_storage_state", state="ok") == 1
    assert value(found, "zodra_storage_state", state="read_only") == 0
    assert value(found, "zodra_outbox_quarantined_rows", lane="telemetry") == 2
    assert value(found, "zodra_adapter_silence_seconds", adapter="hci0") == 2
    assert value(found, "zodra_adapter_silence_seconds", adapter="hci1") == 600
    assert value(found, "zodra_part_restarts_total", part="uplink") == 4
    assert value(found, "zodra_refusals_total", reason="wrong_bind_key") == 2
    assert value(found, "zodra_repeats_total", reason="repeat") == 5
    assert value(found, "zodra_clock_trusted") == 0
    assert value(found, "zodra_disk_free_bytes") == 1_000
    assert value(found, "zodra_resident_bytes") == 61_000_000
    assert value(found, "zodra_starts_total") == 2
    assert value(found, "zodra_problem", problem="need_waits") == 1
    assert value(found, "zodra_problem", problem="offline") == 0


def test_a_gateway_with_nothing_yet_has_no_empty_families() -> None:
    found = parse(exposition(GOOD, None))
    assert not any(name.startswith(("zodra_adapter", "zodra_disk")) for name, _ in found)
    assert {name for name, _ in found} >= {"zodra_outbox_rows", "zodra_cloud_online"}
    assert sum(name == "zodra_problem" for name, _ in found) == len(Problem)


def test_a_label_may_hold_any_character() -> None:
    strange = GOOD.model_copy(update={"refusals": {'a "b"\\\n,c={}': 1}})
    found = parse(exposition(strange, None))
    assert value(found, "zodra_refusals_total", reason='a \\"b\\"\\\\\\n,c={}') == 1
