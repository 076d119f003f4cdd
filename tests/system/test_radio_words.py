"""The operator's page has words for each stage, mode and step that a gateway can tell."""

from zodra_cloud.web.views import words
from zodra_edge.ladder import Mode, Stage, Step


def test_each_stage_mode_and_step_of_the_ladder_has_words() -> None:
    assert set(words.RADIO_STAGES) == set(Stage)
    assert set(words.RADIO_MODES) == set(Mode)
    assert set(words.RADIO_STEPS) == {*Step, "alarm", "recovered"}
