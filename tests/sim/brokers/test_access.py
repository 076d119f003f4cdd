"""Grants, and the filter arithmetic behind them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_contract import topics
from zodra_sim.brokers.access import Grants, Role, covers, grants, subjects

ADDRESS = topics.Address("hh-1", "gw-1")

LEVELS = st.sampled_from(["a", "b", "up", "gw-1", "+", ""])
TOPICS = st.lists(st.sampled_from(["a", "b", "up", "gw-1", ""]), min_size=1, max_size=4)
FILTERS = st.builds(
    lambda levels, deep: "/".join([*levels, "#"] if deep else levels),
    st.lists(LEVELS, min_size=1, max_size=4),
    st.booleans(),
)


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT's own rule for a topic, spelled without an eye on filters (3.1.1, 4.7)."""
    wanted, given_levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given_levels = given_levels[: len(wanted)]
    return len(wanted) == len(given_levels) and all(
        level in ("+", other) for level, other in zip(wanted, given_levels, strict=True)
    )


@given(FILTERS, TOPICS)
def test_covering_a_topic_is_matching_it(allowed: str, levels: list[str]) -> None:
    topic = "/".join(levels)
    assert covers(allowed, topic) is matches(allowed, topic)


@given(FILTERS, FILTERS, TOPICS)
def test_what_is_covered_never_matches_more(allowed: str, asked: str, levels: list[str]) -> None:
    topic = "/".join(levels)
    if covers(allowed, asked) and matches(asked, topic):
        assert covers(allowed, topic)


@given(FILTERS)
def test_a_filter_covers_itself_and_all_is_covered_by_all(topic_filter: str) -> None:
    assert covers(topic_filter, topic_filter)
    assert covers("#", topic_filter)


@pytest.mark.parametrize("allowed", ["#", "+/a", "+"])
def test_the_brokers_own_topics_need_to_be_named(allowed: str) -> None:
    assert not covers(allowed, "$SYS/a")
    assert not covers(allowed, "$SYS")


def test_a_gateway_may_do_what_the_contract_says_and_no_more() -> None:
    own = grants(Role.GATEWAY, "gw-1")
    assert any(covers(one, topics.up(ADDRESS)) for one in own.publish)
    assert any(covers(one, topics.down_filter(ADDRESS)) for one in own.subscribe)
    other = topics.Address("hh-1", "gw-2")
    assert not any(covers(one, topics.up(other)) for one in own.publish)
    assert not any(covers(one, topics.down_filter(other)) for one in own.subscribe)
    assert not any(covers(one, topics.UP_FILTER) for one in own.subscribe)


def test_a_gateway_of_a_household_may_not_name_another() -> None:
    assert grants(Role.GATEWAY, "gw-1", "hh-1") == Grants(("up/hh-1/gw-1",), ("down/hh-1/gw-1/+",))


def test_the_cloud_reads_up_and_writes_down() -> None:
    cloud = grants(Role.CLOUD, "cloud")
    assert any(covers(one, topics.UP_FILTER) for one in cloud.subscribe)
    for what in topics.Down:
        assert any(covers(one, topics.down(ADDRESS, what)) for one in cloud.publish)
        assert not any(covers(one, topics.down(ADDRESS, what)) for one in cloud.subscribe)


@pytest.mark.parametrize(
    ("topic_filter", "spelled"),
    [
        ("up/+/gw-1", ("up.*.gw-1",)),
        ("down/#", ("down", "down.>")),
        ("#", (">",)),
        ("a", ("a",)),
    ],
)
def test_the_same_filter_for_nats(topic_filter: str, spelled: tuple[str, ...]) -> None:
    assert subjects(topic_filter) == spelled
