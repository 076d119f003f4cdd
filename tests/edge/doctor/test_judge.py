"""What the figures mean: cases of each verdict, and the page."""

from datetime import UTC, datetime, timedelta

import pytest

from zodra_edge.doctor import Finding, Verdict, exit_code, judge, render
from zodra_edge.doctor.finding import fail, ok, skipped, warn

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
MB = 1_000_000
OK, WARN, FAIL, SKIPPED = Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.SKIPPED

CASES = [
    pytest.param(judge.secret_files({"a": 0o600}), OK, "1", id="secrets closed"),
    pytest.param(judge.secret_files({}), OK, "none", id="no secrets"),
    pytest.param(judge.secret_files({"a": 0o600, "b": 0o640}), WARN, "b (0640)", id="secret open"),
    pytest.param(
        judge.secret_files({"a": None}), FAIL, "cannot be looked at: a", id="secret not there"
    ),
    pytest.param(judge.clock(NOW, EVER, 40.0, "ntp", 5.0), OK, "40 ms ahead", id="clock right"),
    pytest.param(judge.clock(NOW, EVER, -2_001, "ntp", 5), WARN, "behind ntp", id="clock off"),
    pytest.param(judge.clock(NOW, EVER, 4e5, "ntp", 5), FAIL, "400 s ahead", id="clock far off"),
    pytest.param(judge.clock(NOW, EVER, None, "nobody", 0), SKIPPED, "nobody", id="no other clock"),
    pytest.param(
        judge.clock(datetime(1970, 1, 1, tzinfo=UTC), NOW, 0.0, "kernel", 1),
        FAIL,
        "says 1970-01-01",
        id="clock below its floor",
    ),
    pytest.param(
        judge.certificate(NOW + timedelta(days=90), "it", "TLSv1.3", NOW), OK, "90", id="long"
    ),
    pytest.param(
        judge.certificate(NOW + timedelta(days=20), "it", "TLSv1.3", NOW), WARN, "20", id="soon"
    ),
    pytest.param(judge.space(300 * MB, 1_000 * MB), OK, "70 % used", id="room"),
    pytest.param(judge.space(150 * MB, 1_000 * MB), WARN, "85 % used", id="little room"),
    pytest.param(judge.space(60 * MB, 100 * MB), WARN, "60 MB free", id="small disk"),
    pytest.param(judge.space(50 * MB, 1_000 * MB), FAIL, "95 % used", id="no room"),
    pytest.param(judge.space(0, 0), FAIL, "100 %", id="no disk"),
    pytest.param(judge.storage("ext4", False, [1, 2, 9]), OK, "2.0 ms, at most 9.0", id="disk"),
    pytest.param(judge.storage("", False, [300.0]), WARN, "300.0 ms", id="slow disk"),
    pytest.param(judge.storage("overlay", False, [1.0]), WARN, "overlay", id="layered"),
    pytest.param(judge.storage("tmpfs", False, [1.0]), FAIL, "memory", id="in memory"),
    pytest.param(judge.storage("ext4", True, []), FAIL, "read-only", id="read-only"),
    pytest.param(judge.bluez("bluetoothctl: 5.66\n", True), OK, "5.66", id="bluez"),
    pytest.param(judge.bluez("bluetoothctl: 5.50\n", True), FAIL, "5.63", id="old, passive"),
    pytest.param(judge.bluez("bluetoothctl: 5.50\n", False), OK, "5.50", id="old, active"),
    pytest.param(judge.bluez("what?", True), SKIPPED, "what?", id="not a version"),
    pytest.param(judge.hearing(41, 5.0, {"btn": -61, "x": None}), OK, "btn at -61", id="hears"),
    pytest.param(judge.hearing(0, 5.0, {"btn": None}), WARN, "nothing heard in 5.0 s", id="deaf"),
    pytest.param(judge.outbox("need", 3, "b", [], 3, 0, True), OK, "3 checksums", id="sound"),
    pytest.param(
        judge.outbox("need", 3, "b", ["page 4"], 3, 0, True), FAIL, "page 4", id="damaged file"
    ),
    pytest.param(judge.outbox("need", 3, "b", [], 3, 1, True), WARN, "1 of 3", id="damaged row"),
    pytest.param(judge.outbox("need", 3, "b", [], 3, 0, False), WARN, "in time", id="not through"),
    pytest.param(judge.quarantine({"need": 0}), OK, "empty", id="quarantine empty"),
    pytest.param(judge.quarantine({"need": 2}), WARN, "2 of need", id="quarantine"),
]


@pytest.mark.parametrize(("finding", "verdict", "words"), CASES)
def test_a_figure_gets_its_verdict_its_words_and_a_next_step(
    finding: Finding, verdict: Verdict, words: str
) -> None:
    assert finding.verdict is verdict
    assert words in finding.found
    if verdict in (Verdict.WARN, Verdict.FAIL):
        assert finding.next_step
    if verdict is Verdict.OK:
        assert not finding.next_step


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([ok("a", ""), skipped("b", "")], 0),
        ([ok("a", ""), warn("b", "", "do")], 1),
        ([warn("a", "", "do"), fail("b", "", "do")], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_what_was_not_checked_for_one_reason_is_one_line() -> None:
    page = render(
        (
            fail("settings", "bad", "Mend it."),
            *(skipped(name, "the settings cannot be used") for name in ("agent", "clock", "dns")),
            skipped("bluez", "not installed"),
        )
    )
    _, _, why, names, other, _, last = page.splitlines()
    assert why.split(maxsplit=2) == ["-", "skipped", "the settings cannot be used:"]
    assert names.strip() == "agent, clock, dns"
    assert other.split(maxsplit=2)[2].split() == ["bluez", "not", "installed"]
    assert last == "1 failure, 4 not checked"


def test_the_page_has_a_word_beside_each_sign_and_counts_at_its_end() -> None:
    page = render((ok("dns", "fine"), fail("tls", "bad", "Mend it."), skipped("x", "why")))
    first, second, step, third, _, last = page.splitlines()
    assert first.split() == ["✓", "ok", "dns", "fine"]
    assert second.split() == ["✗", "fail", "tls", "bad"]
    assert step.strip() == "→ Mend it."
    assert step.index("→") == second.index("bad")
    assert third.split() == ["-", "skipped", "x", "why"]
    assert last == "1 failure, 1 check is fine, 1 not checked"
