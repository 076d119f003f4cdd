"""The command `zodra`."""

import sys


def main() -> None:
    """Run `zodra`; without the extras that it needs, say so in one sentence."""
    try:
        from zodra_sim.demo.cli import commands
    except ModuleNotFoundError as missing:
        sys.exit(
            f"zodra needs the package {missing.name!r}: install everything with "
            "`pip install 'zodra[all]'`."
        )
    commands(prog_name="zodra")


if __name__ == "__main__":
    main()
