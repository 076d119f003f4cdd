"""`zodra-cloud mail`: how letters go, which are stuck, and another try."""

from datetime import timedelta
from pathlib import Path

import click

from zodra_cloud.channels import service as channels
from zodra_cloud.commands.common import CONFIG, HOUSEHOLD, JSON, say, says_faults, unit_of_work


@click.group()
def mail() -> None:
    """Letters to households."""


@mail.command("report")
@CONFIG
@click.option("--days", type=click.IntRange(1, 366), default=7, help="How far to look back.")
@JSON
@says_faults
def report(config: Path, days: int, as_json: bool) -> None:
    """Show how mail goes, and how long confirmations took from the order to the mail server."""
    with unit_of_work(config) as session:
        since = session.now - timedelta(days=days)
        found = channels.report(session.connection, since=since)
    measured = (
        f"Confirmations of {days} days: {found.measured}; half within {found.p50_s:.1f} s, 99 of "
        f"100 within {found.p99_s:.1f} s; {found.late} took longer than "
        f"{channels.PROMISED_S:.0f} s."
        if found.p50_s is not None and found.p99_s is not None
        else f"No confirmation was sent in {days} days."
    )
    say(
        as_json,
        {
            "days": days,
            "measured": found.measured,
            "p50_s": found.p50_s,
            "p99_s": found.p99_s,
            "late": found.late,
            "waiting": found.waiting,
            "failed": found.failed,
            "kept": found.kept,
            "no_durable_medium": found.no_durable_medium,
        },
        measured,
        f"Waiting: {found.waiting}. Failed: {found.failed}. Only kept: {found.kept}.",
        f"Owed on a durable medium and not there: {found.no_durable_medium}.",
    )


@mail.command("list")
@CONFIG
@JSON
@says_faults
def list_letters(config: Path, as_json: bool) -> None:
    """List the letters that were refused or are only kept, newest first, with the reason."""
    with unit_of_work(config) as session:
        found = channels.troubled(session.connection)
    say(
        as_json,
        {
            "letters": [
                {
                    "household_id": each.household_id,
                    "letter_id": each.letter_id,
                    "kind": each.kind.value,
                    "order_key": each.order_key,
                    "state": each.state.value,
                    "reason": each.last_error,
                    "caused_at": each.caused_at.isoformat(),
                }
                for each in found
            ]
        },
        *(
            f"{each.letter_id}  {each.household_id}  {each.kind}  {each.state}"
            f"  {each.last_error or ''}".rstrip()
            for each in found
        ),
    )


@mail.command("retry")
@click.argument("letter_id")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def retry(config: Path, household: str, letter_id: str, as_json: bool) -> None:
    """Try a letter again that had failed, from the start of its attempts."""
    with unit_of_work(config, household) as session:
        tried = channels.retry(session.connection, household, letter_id, now=session.now)
    said = "It is tried again." if tried else "It has not failed, so nothing was changed."
    say(as_json, {"letter_id": letter_id, "tried": tried}, said)
