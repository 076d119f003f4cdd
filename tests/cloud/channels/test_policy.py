"""Addresses, retries and percentiles: cases, and nothing that becomes another header."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_builders import NOON
from zodra_cloud.channels import content as letters
from zodra_cloud.channels.content import Content, as_html, as_text
from zodra_cloud.channels.mime import to_bytes
from zodra_cloud.channels.policy import (
    RETRIES_S,
    Fault,
    email_fault,
    judge_code,
    percentile,
    wait_s,
)


@pytest.mark.parametrize(
    "good",
    [
        "a@b.nl",
        "first.last+orders@sub.domain.example",
        "o'brien@home.example",
        "x@xn--bcher-kva.example",
    ],
)
def test_an_ordinary_address_is_taken(good: str) -> None:
    assert email_fault(good) is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "has no @"),
        ("nobody", "has no @"),
        ("@home.example", "plain form"),
        ("a..b@home.example", "plain form"),
        (".a@home.example", "plain form"),
        ("a b@home.example", "plain form"),
        ('"a b"@home.example', "plain form"),
        ("a@b@home.example", "plain form"),
        ("a@home.example,c@d.example", "plain form"),
        ("<a@home.example>", "plain form"),
        ("a@home.example\r\nBcc: all@home.example", "plain form"),
        ("a\r\nBcc: x@home.example", "plain form"),
        ("a\x00@home.example", "plain form"),
        ("a@localhost", "domain"),
        ("a@-home.example", "domain"),
        ("a@home..example", "domain"),
        ("a@[127.0.0.1]", "domain"),
        ("a@127.0.0.1", "number"),
        ("a@home.example\n", "domain"),
        ("jos\u00e9@home.example", "ASCII"),
        ("a@b\u00fccher.example", "xn--"),
        (f"{'a' * 65}@home.example", "plain form"),
        (f"a@{'b' * 250}.nl", "254"),
    ],
)
def test_anything_else_is_refused_with_its_reason(bad: str, why: str) -> None:
    assert why in (email_fault(bad) or "")


@given(st.text(max_size=80))
def test_what_is_taken_can_be_nothing_but_one_address(text: str) -> None:
    if email_fault(text) is None:
        assert re.fullmatch(r"[^\s,;:<>()\[\]\"\\@]+@[A-Za-z0-9.-]+", text)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_title_of_a_shop_becomes_a_header_or_markup(title: str, value: str) -> None:
    content = Content(title, "en", (letters.heading(title), letters.rows((title, value))))
    raw = to_bytes(
        content,
        letter_id="l_1",
        sender="a@zodra.test",
        sender_name=title,
        reply_to=None,
        recipient="b@home.example",
        caused_at=NOON,
    )
    head = raw.split(b"\r\n\r\n", 1)[0]
    names = re.findall(rb"^([A-Za-z-]+):", head, re.MULTILINE)
    assert len(names) == len(set(names)) == 9
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert raw.isascii()
    markup = re.findall(
        r"<(?!/?(?:h1|h2|table|tr|th|td|title)\b)", as_html(title, "en", content.blocks)
    )
    assert len(markup) == 10
    assert "\r" not in as_text(title, content.blocks)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=100), st.integers(0, 3))
def test_a_letter_is_the_same_bytes_at_every_attempt(text: str, number: int) -> None:
    blocks = (letters.paragraph(text), letters.form(text), letters.link(text, "https://x.example"))
    content = Content("x", "nl", blocks, "a.html", text, blocks)
    assert Content.from_json(content.to_json()) == content

    def written() -> bytes:
        return to_bytes(
            content,
            letter_id=f"l_{number}",
            sender="a@zodra.test",
            sender_name="Zodra",
            reply_to="c@zodra.test",
            recipient="b@home.example",
            caused_at=NOON,
        )

    assert written() == written()
    assert f"<l_{number}@zodra.test>".encode() in written()


def test_retries_fit_into_two_minutes_first_and_end_after_three_days() -> None:
    assert sum(RETRIES_S[:5]) < 120
    assert 2 * 86_400 < sum(RETRIES_S) < 4 * 86_400
    assert [wait_s(Fault.TIMEOUT, number) for number in (0, len(RETRIES_S))] == [2, None]
    assert wait_s(Fault.REFUSED, 0) is None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (250, None),
        (421, Fault.REFUSED_FOR_NOW),
        (550, Fault.REFUSED),
        (-1, Fault.GARBLED),
        (354, Fault.GARBLED),
        (999, Fault.GARBLED),
    ],
)
def test_the_first_digit_decides(code: int, fault: Fault | None) -> None:
    assert judge_code(code) is fault


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.99]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert percentile([], share) is None
