"""Events that a device names itself, counts that it tells again, and events told in two ways."""

from hypothesis import given
from hypothesis import strategies as st

from edge_frames import ZIGBEE_BUTTON, heard
from zodra_edge.decode.result import Decoded, Mark, Press
from zodra_edge.identify import PressMemory, PressRepeat, Verdict, identify


def said(*presses: Press, marks: tuple[Mark, ...] = ()) -> Decoded:
    return Decoded("btn-hall", presses=presses, marks=marks)


def counted(count: object, event: str = "press", button: int = 0) -> Decoded:
    return said(Press(button, event, None, None, str(count), restarts=True))


def named(name: str) -> Decoded:
    return said(Press(0, "press", None, None, name))


def run(*told: tuple[float, Decoded], memory: PressMemory | None = None) -> list[Verdict]:
    memory = memory or PressMemory()
    verdicts = []
    for after_s, decoded in told:
        verdict = identify(memory, decoded, heard(after_s), ZIGBEE_BUTTON)
        memory = verdict.memory
        verdicts.append(verdict)
    return verdicts


def presses(verdicts: list[Verdict]) -> list[int]:
    return [len(verdict.presses) for verdict in verdicts]


def names(verdicts: list[Verdict]) -> list[str]:
    return [accepted.signal_id for verdict in verdicts for accepted in verdict.presses]


def test_the_first_count_that_is_heard_is_no_press_and_a_change_of_it_is_one() -> None:
    verdicts = run((0, counted(7)), (1, counted(8)), (2, counted(9)))
    assert presses(verdicts) == [0, 1, 1]
    assert verdicts[0].ignored == (PressRepeat.FIRST_COUNT,)


def test_a_count_told_again_is_no_press_however_much_later() -> None:
    verdicts = run((0, counted(7)), (1, counted(8)), (30, counted(8)), (90_000, counted(8)))
    assert presses(verdicts) == [0, 1, 0, 0]
    assert verdicts[-1].ignored == (PressRepeat.REPEAT,)


def test_a_count_that_began_anew_is_a_press_with_a_name_of_its_own() -> None:
    verdicts = run(
        (0, counted(0)), (1, counted(1)), (600, said(marks=(Mark(0, "0"),))), (601, counted(1))
    )
    assert presses(verdicts) == [0, 1, 0, 1]
    assert len(set(names(verdicts))) == 2


def test_what_the_broker_had_kept_tells_where_the_count_stands() -> None:
    verdicts = run((0, said(marks=(Mark(0, "7"),))), (1, counted(7)), (2, counted(8)))
    assert presses(verdicts) == [0, 0, 1]


def test_a_state_is_a_press_each_time_that_it_begins() -> None:
    on, off = counted("on"), said(marks=(Mark(0, "off"),))
    verdicts = run((0, off), (1, on), (1.2, on), (2, off), (3, on), (3.5, off), (4, on))
    assert presses(verdicts) == [0, 1, 0, 0, 1, 0, 1]
    assert len(set(names(verdicts))) == 3


def test_two_gateways_give_a_counted_press_one_name() -> None:
    one = names(run((0, counted(7)), (5, counted(8)), (9, counted(9))))
    other = names(run((8, counted(8)), (9, counted(9))))
    assert one[1:] == other


def test_each_button_counts_for_itself() -> None:
    verdicts = run(
        (0, counted(1)), (0, counted(1, button=1)), (1, counted(2)), (1, counted(2, button=1))
    )
    assert presses(verdicts) == [0, 0, 1, 1]


def test_a_name_that_its_device_gives_once_is_one_press_for_ever() -> None:
    verdicts = run((0, named("a")), (1, named("b")), (2, named("a")), (100_000, named("b")))
    assert presses(verdicts) == [1, 1, 0, 0]
    assert names(run((0, named("a")))) == names(run((5_000, named("a"))))


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_memory_of_names_stays_small_and_survives_the_store(told: list[tuple[int, bool]]) -> None:
    memory = PressMemory()
    for at, (button, is_count) in enumerate(told):
        decoded = counted(at, button=button) if is_count else named(f"{button}@{at}")
        memory = identify(memory, decoded, heard(at), ZIGBEE_BUTTON).memory
    assert len(memory.told) <= 16
    assert len(memory.names) <= 16


def single(packet_id: int | None = None, *, twin: bool = False) -> Decoded:
    return said(Press(0, "press", None, packet_id, twin=twin))


def test_the_twin_of_a_press_is_no_second_one() -> None:
    verdicts = run(
        (0, single()), (0.01, single(twin=True)), (10, single(twin=True)), (10.1, single())
    )
    assert presses(verdicts) == [1, 0, 1, 0]


def test_two_quick_presses_with_numbers_and_their_twins_are_two() -> None:
    verdicts = run(
        (0, single(1)), (0.01, single(twin=True)), (1, single(2)), (1.01, single(twin=True))
    )
    assert presses(verdicts) == [1, 0, 1, 0]


def test_a_twin_that_comes_first_takes_the_number_of_the_other() -> None:
    verdicts = run((0, single(twin=True)), (0.01, single(5)), (1, single(5)), (2, single(6)))
    assert presses(verdicts) == [1, 0, 0, 1]
