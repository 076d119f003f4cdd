"""The command `zodra-sim`."""

import sys


def main() -> None:
    """Run `zodra-sim`; without the extra that it needs, say so in one sentence."""
    try:
        from zodra_sim.cli import commands
    except ModuleNotFoundError as missing:
        sys.exit(
            f"zodra-sim needs the package {missing.name!r}: install the simulator with "
            "`pip install 'zodra[sim]'`."
        )
    commands(prog_name="zodra-sim")


if __name__ == "__main__":
    main()
