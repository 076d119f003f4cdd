"""What the commands of `zodra-edge` have in common."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import click

from zodra_edge.errors import EdgeError, SettingsFault
from zodra_edge.settings import Settings, load
from zodra_edge.words import ENGLISH, LANGUAGES, Said, Words, language_of

config = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("gateway.toml"),
    show_default=True,
    envvar="ZODRA_EDGE_CONFIG",
    help="The settings, a TOML file. Also taken from ZODRA_EDGE_CONFIG.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON, not a page.")
timeout = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 60),
    default=15.0,
    show_default=True,
    help="Seconds to wait for a running agent's answer.",
)


def language(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--language`; the command gets its `words`."""

    def chosen(_: click.Context, __: click.Parameter, value: str | None) -> Words:
        system = language_of(os.environ)
        return Words(next((one for one in LANGUAGES if one == value), system))

    return click.option(
        "--language",
        "words",
        type=click.Choice(LANGUAGES),
        callback=chosen,
        help="Of what it says.  [default: nl if your system speaks Dutch, else en]",
    )(command)


class Complaint(click.ClickException):
    """Why a command did not do what was asked, in a person's language; exit code 1."""

    def __init__(self, words: Words, why: Said | EdgeError) -> None:
        said = why if isinstance(why, Said) else why.said
        super().__init__(str(why) if said is None else said.in_language(words.language))
        self._words = words

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it, with the word for an error."""
        click.echo(f"{self._words('error')}: {self.format_message()}", file=file, err=file is None)


def load_or_say(path: Path, words: Words = ENGLISH) -> Settings:
    """Read the settings, or end with the sentence that says what to change."""
    try:
        return load(path)
    except SettingsFault as fault:
        raise Complaint(words, fault.said or Said("settings_fault", {"why": fault})) from fault
