"""Both ways to say `zodra-edge run` end in the same place, and fail with the same sentence."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from zodra_edge.__main__ import _plain_run
from zodra_edge.cli import cli
from zodra_edge.commands.start import start


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        pytest.param(["run", "--config", "gateway.toml"], "gateway.toml", id="as services say it"),
        pytest.param(["run"], None, id="the file is left to click's default"),
        pytest.param(["run", "--config"], None, id="no file"),
        pytest.param(["run", "--config", ""], None, id="an empty name"),
        pytest.param(["run", "--config", "--help"], None, id="an option where the file should be"),
        pytest.param(["run", "--config=gateway.toml"], None, id="one word"),
        pytest.param(["status", "--config", "gateway.toml"], None, id="another command"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_only_the_plain_way_to_run_goes_past_click(
    arguments: list[str], config: str | None
) -> None:
    assert _plain_run(arguments) == config


def test_settings_that_cannot_be_read_end_a_start_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "gateway.toml"
    assert start(missing) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"Error: cannot read {missing}")
    through_click = CliRunner().invoke(cli, ["run", f"--config={missing}"])
    assert (through_click.exit_code, through_click.stderr) == (1, said)
