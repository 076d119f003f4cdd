"""The command `zodra-cloud`."""

import sys


def main() -> None:
    """Run `zodra-cloud`; without the extra that it needs, say so in one sentence."""
    try:
        from zodra_cloud import logs
        from zodra_cloud.cli import cli
    except ModuleNotFoundError as missing:
        sys.exit(
            f"zodra-cloud needs the package {missing.name!r}: install the service with "
            "`pip install 'zodra[cloud]'`."
        )
    # What a command prints is for a person or a program; `serve` says how much it logs.
    logs.set_up("warning")
    cli(prog_name="zodra-cloud")


if __name__ == "__main__":
    main()
