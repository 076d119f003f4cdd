"""The commands of `zodra-edge outbox`, for a person with a broken gateway."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final, Literal

import click

from zodra_edge.commands.options import as_json, config, load_or_say, timeout
from zodra_edge.errors import EdgeError

REASON_CHARS_MAX: Final = 64

_output = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file for the lines; standard output if not given.",
)
_EPILOG = """
\b
When a gateway is broken:
  1. zodra-edge doctor                        what is wrong, and what to do
  2. zodra-edge outbox export --output a.jsonl  a copy of all that waits, to be safe
  3. zodra-edge outbox salvage need.db        what a damaged file still holds
"""


@click.group(epilog=_EPILOG)
def outbox() -> None:
    """Look at what the gateway keeps until the cloud has it, and save it from a broken disk."""


@outbox.command()
@config
@as_json
def show(config: Path, as_json: bool) -> None:
    """Show both lanes and what was set aside. Reads only; safe while the gateway runs."""
    from zodra_edge.rescue.look import read, render_lanes

    data_dir = load_or_say(config).data_dir
    try:
        lanes = read(data_dir)
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    if as_json:
        click.echo(json.dumps([asdict(lane) for lane in lanes], indent=1))
    elif lanes:
        click.echo(render_lanes(lanes), nl=False)
    else:
        click.echo(f"There is no outbox in {data_dir} yet.")


@outbox.command("export")
@config
@_output
@as_json
def export_rows(config: Path, output: Path | None, as_json: bool) -> None:
    """Write all rows of both lanes and the quarantine as JSON lines.

    Reads only; safe while the gateway runs. The lines hold what happened in the home: keep them as
    you would keep a diary. With --json, the counts at the end are JSON too.
    """
    from zodra_edge.rescue import export

    try:
        counts = _write_lines(export(load_or_say(config).data_dir), output)
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    if as_json:
        click.echo(json.dumps(counts), err=True)
    else:
        told = ", ".join(f"{count} {what}" for what, count in counts.items()) or "nothing to export"
        click.echo(told, err=True)


@outbox.command("salvage")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_output
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a clean outbox file instead of lines; it must not exist yet.",
)
@as_json
def salvage_file(file: Path, output: Path | None, into: Path | None, as_json: bool) -> None:
    """Read a damaged outbox file row by row, and say what was saved and what was lost.

    FILE is never written to. Every row is compared with its checksum. Exit code 0 if all was
    saved, 1 if something is damaged or missing.

    \b
    To go on with what was saved:
      1. stop the agent
      2. zodra-edge outbox salvage data/need.db --into saved.db
      3. move need.db, need.db-wal and need.db-shm away together, and saved.db to need.db
      4. start the agent
    """  # noqa: D301 - click takes the backspace itself as the sign for lines that stay as they are
    from zodra_edge.rescue import salvage, write_clean

    try:
        with salvage(file) as found:
            summary = found.summary()
            if into is not None:
                summary["new_buffer_id"] = write_clean(found, into)
            else:
                _write_lines(found.objects(), output)
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    click.echo(json.dumps(summary) if as_json else _told(file, summary, into), err=True)
    sys.exit(1 if summary["damaged"] or summary["missing"] else 0)


def _told(file: Path, summary: dict[str, Any], into: Path | None) -> str:
    lines = [f"{file} ({summary['lane']}, buffer {summary['buffer_id'] or 'unknown'})"]
    lines.append(f"  {summary['saved']} rows saved, each with a checksum that matches")
    if summary["maybe_delivered"]:
        lines.append(
            f"  {summary['maybe_delivered']} of them came from damaged pages, and may have been "
            "delivered before; the cloud knows a need-moment again"
        )
    if summary["damaged"]:
        lines.append(f"  {summary['damaged']} rows were changed on disk; shown, but not believed")
    if summary["missing"]:
        # The agent gives the sequences of readings out in advance, and skips some after a crash.
        surely = "are lost" if summary["lane"] == "need" else "may be lost"
        lines.append(f"  {summary['missing']} rows {surely}: nothing of them was found")
    if summary["quarantine"]:
        lines.append(f"  {summary['quarantine']} rows of the quarantine")
    if summary["complaint"]:
        lines.append(f"  SQLite gave up on the file: {summary['complaint']}")
    if into is not None:
        lines.append(f"  written to {into} as buffer {summary['new_buffer_id']}")
    return "\n".join(lines)


@outbox.group()
def quarantine() -> None:
    """Rows that the cloud will never take as they are, or that were changed on disk."""


@quarantine.command("list")
@config
@as_json
def list_rows(config: Path, as_json: bool) -> None:
    """List what was set aside, and why. Reads only; safe while the gateway runs."""
    from zodra_edge.rescue import held

    try:
        rows = list(held(load_or_say(config).data_dir))
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
        return
    if not rows:
        click.echo("The quarantine is empty.")
        return
    for row in rows:
        about = f"{row.what} of {row.device_id}" if row.what else "cannot be read"
        click.echo(
            f"{row.lane:<9}  row {row.row:<6}  {row.set_aside_at}  {row.reason:<16}  {about}"
        )
    click.echo("\nOnce the reason is gone, send them again: zodra-edge outbox quarantine replay")


@quarantine.command("replay")
@config
@as_json
@click.option("--all", "everything", is_flag=True, help="Every row.")
@click.option("--reason", help="The rows set aside for this reason.")
@click.option("--lane", type=click.Choice(["need", "telemetry"]), help="Only of this lane.")
@click.option("--row", "rows", type=int, multiple=True, help="This row; may be repeated.")
@timeout
def replay_rows(
    config: Path,
    as_json: bool,
    everything: bool,
    reason: str | None,
    lane: Literal["need", "telemetry"] | None,
    rows: tuple[int, ...],
    timeout_s: float,
) -> None:
    """Put rows back into their lane as new rows, to be sent again.

    Do this once the reason is gone: the device was made known to the household, or the service was
    brought up to date. A running agent is asked to do it, since only one may write. Exit code 0 if
    all went back, 1 if some stayed.
    """
    from zodra_edge.rescue import replay_or_ask
    from zodra_edge.spool import ROWS_MAX, ReplayRequest

    if not (everything or reason or rows):
        raise click.UsageError("say which rows: --all, --reason or --row (see: quarantine list)")
    if rows and lane is None:
        raise click.UsageError("--row needs --lane: each lane numbers its own rows")
    if len(rows) > ROWS_MAX or len(reason or "") > REASON_CHARS_MAX:
        raise click.UsageError(f"at most {ROWS_MAX} rows, and a reason as quarantine list shows it")
    request = ReplayRequest(lane=lane, reason=reason, rows=rows)
    settings = load_or_say(config)
    try:
        done, by_agent = replay_or_ask(settings.data_dir, settings.outbox, request, timeout_s)
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    stayed = [one for one in done if one.sequence is None]
    if as_json:
        click.echo(json.dumps([one._asdict() for one in done], indent=1))
    else:
        when = "now" if by_agent else "when the agent starts"
        click.echo(f"{_rows(len(done) - len(stayed))} again {when}")
        for one in stayed:
            click.echo(f"{one.lane} row {one.row} stays: {one.kept_aside}")
    sys.exit(1 if stayed else 0)


def _rows(count: int) -> str:
    return "1 row goes" if count == 1 else f"{count} rows go"


def _write_lines(objects: Iterable[dict[str, Any]], output: Path | None) -> dict[str, int]:
    counts: Counter[str] = Counter()

    def write(file: IO[str]) -> None:
        for one in objects:
            counts[one["lane"] + (" set aside" if "quarantine_row" in one else "")] += 1
            file.write(json.dumps(one) + "\n")

    if output is None:
        write(sys.stdout)
    else:
        try:
            with output.open("x", encoding="ascii") as file:
                output.chmod(0o600)
                write(file)
        except OSError as fault:
            raise click.ClickException(f"cannot write {output}: {fault.strerror}") from fault
    return dict(sorted(counts.items()))
