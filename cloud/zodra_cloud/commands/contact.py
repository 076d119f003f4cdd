"""`zodra-cloud household contact`: where a household's letters go."""

from pathlib import Path

import click

from zodra_cloud.channels import service as channels
from zodra_cloud.commands.common import CONFIG, JSON, say, says_faults, unit_of_work


@click.command("contact")
@click.argument("household_id")
@CONFIG
@click.option("--email", help="Take this address; what the household is owed is then sent.")
@click.option("--remove", is_flag=True, help="Forget the address; letters are then only kept.")
@JSON
@says_faults
def contact(
    config: Path, household_id: str, email: str | None, remove: bool, as_json: bool
) -> None:
    """Show, set or remove the e-mail address of a household."""
    if email is not None and remove:
        raise click.UsageError("give --email or --remove, not both")
    sent = 0
    with unit_of_work(config, household_id) as session:
        if email is not None:
            sent = channels.set_email(
                session.connection,
                household_id,
                email,
                set_by="operator",
                now=session.now,
                mail_on=session.settings.mail is not None,
            )
        elif remove:
            channels.remove_email(session.connection, household_id)
        known = channels.contact(session.connection, household_id)
    address = None if known is None else known.email
    said = (
        f"Letters to {household_id} go to {address}."
        if address
        else (f"{household_id} has no address: its letters are only kept for it to download.")
    )
    waiting = [f"{sent} letter(s) that it is owed go out now."] if sent else []
    say(
        as_json,
        {"household_id": household_id, "email": address, "letters_sent_now": sent},
        said,
        *waiting,
    )
