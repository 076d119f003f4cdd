"""Ids, topics, partitions and the closed lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from zodra_contract.errors import MalformedTopic
from zodra_contract.ids import Id, derived_id, press_id
from zodra_contract.outcome import PROGRESS, RejectReason, SignalState
from zodra_contract.reading import GOES_UP, STAYS_HOME, ReadingKind
from zodra_contract.topics import (
    Address,
    Down,
    down,
    down_filter,
    parse_down,
    parse_up,
    partition,
    up,
)

ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(ids, ids)
def test_a_topic_reads_back_as_its_address(household: str, gateway: str) -> None:
    address = Address(household, gateway)
    assert parse_up(up(address)) == address
    for what in Down:
        assert parse_down(down(address, what)) == (address, what)


@pytest.mark.parametrize(
    "topic", ["", "up", "up/a", "up/a/b/c", "up/a.b/c", "up//b", "down/a/b/receipt", "up/a/b\n"]
)
def test_another_topic_is_refused(topic: str) -> None:
    with pytest.raises(MalformedTopic):
        parse_up(topic)


@pytest.mark.parametrize("topic", ["down/a/b", "down/a/b/order", "up/a/b", "down/a/b/receipt/x"])
def test_another_answer_is_refused(topic: str) -> None:
    with pytest.raises(MalformedTopic):
        parse_down(topic)


def test_a_gateway_hears_only_what_is_meant_for_it() -> None:
    assert down_filter(Address("hh", "gw")) == "down/hh/gw/+"


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a/b", "x" * 65, "é", "a\n"])
def test_an_id_that_would_break_a_topic_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(name)


def test_partitions_are_fnv1a_as_nats_counts_them() -> None:
    # Published FNV-1a 32 values of "", "a" and "foobar", modulo 32.
    assert [partition(name, 2**32) for name in ("", "a", "foobar")] == [
        0x811C9DC5,
        0xE40C292C,
        0xBF9CF968,
    ]
    assert all(0 <= partition(f"hh-{number}") < 32 for number in range(500))


def test_one_press_has_one_name_and_it_is_locked() -> None:
    assert press_id("btn-kitchen", "enc-4711", 0, "press") == press_id(
        "btn-kitchen", "enc-4711", 0, "press"
    )
    assert press_id("btn-kitchen", "enc-4711", 0, "press") == "p_bfcaxvpc4kwilj6chbgkdmah"


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_different_parts_make_different_names(left: list[str], right: list[str]) -> None:
    assert (derived_id("x", *left) == derived_id("x", *right)) == (left == right)


def test_every_kind_either_stays_home_or_goes_up() -> None:
    assert frozenset(ReadingKind) == GOES_UP | STAYS_HOME
    assert not GOES_UP & STAYS_HOME
    about_people = {"heart", "breathing", "cry", "body", "oxygen", "motion", "presence", "asleep"}
    intimate = {kind for kind in ReadingKind if kind.split("_")[0] in about_people}
    assert intimate <= STAYS_HOME


def test_a_later_state_never_gives_way_to_an_earlier_one() -> None:
    assert PROGRESS[SignalState.DELIVERED] > PROGRESS[SignalState.SHIPPED]
    assert PROGRESS[SignalState.SHIPPED] > PROGRESS[SignalState.ORDERED]
    assert PROGRESS[SignalState.ORDERED] > PROGRESS[SignalState.ASKED]


def test_only_an_older_cloud_asks_for_a_retry() -> None:
    assert [reason for reason in RejectReason if reason.retry] == [RejectReason.NEWER_VERSION]
