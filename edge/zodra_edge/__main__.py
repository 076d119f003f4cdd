"""The command `zodra-edge`."""

import sys

_MISSING = 'zodra-edge needs the edge extra, which is not installed: pip install "zodra[edge]"'


def main() -> None:
    """Run the command; without its extra, say how to install it."""
    try:
        from zodra_edge.cli import cli
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "zodra_edge":
            raise
        sys.exit(_MISSING)
    cli()


if __name__ == "__main__":
    main()
