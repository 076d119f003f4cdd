"""The command `zodra-edge`."""

import sys
from pathlib import Path

_MISSING = 'zodra-edge needs the edge extra, which is not installed: pip install "zodra[edge]"'


def main() -> None:
    """Run the command; without its extra, say how to install it."""
    try:
        if (config := _plain_run(sys.argv[1:])) is not None:
            from zodra_edge.commands.start import start

            sys.exit(start(Path(config)))
        from zodra_edge.cli import cli
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "zodra_edge":
            raise
        sys.exit(_MISSING)
    cli()


def _plain_run(arguments: list[str]) -> str | None:
    """Recognise `run --config FILE`, as services start it; returns the file.

    Any other way to say it is for click, which would stay in the memory of the agent for as long
    as it runs: 3 MB.
    """
    match arguments:
        case ["run", "--config", config] if config and not config.startswith("-"):
            return config
    return None


if __name__ == "__main__":
    main()
