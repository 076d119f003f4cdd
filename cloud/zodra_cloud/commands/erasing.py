"""`zodra-cloud household erase`: everything of a household, but for what the law asks to keep."""

import time
from pathlib import Path
from typing import Final

import click

from zodra_cloud import erasing
from zodra_cloud.commands.common import CONFIG, JSON, opened, say, says_faults
from zodra_cloud.errors import BadRequest
from zodra_cloud.kit.clock import SystemClock

EVERY_S: Final = 0.2
PROVIDERS: Final = (
    "Not in this database, and yours to end: its gateway's password at the broker (what it sends is"
    " refused, and the refusal names its topic), its account at the shop, its customer at the"
    " payment provider, logs, and backups older than now."
)


@click.command("erase")
@click.argument("household_id")
@CONFIG
@JSON
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3_600),
    default=20.0,
    show_default=True,
    help="Seconds to wait for what a running service still has to end.",
)
@click.confirmation_option(
    prompt="Everything of this household goes, and nobody can bring it back. Go on?"
)
@says_faults
def erase(config: Path, household_id: str, as_json: bool, wait_s: float) -> None:
    """Erase a household that asks for it; its orders stay, without its name, as the law asks.

    Its gateways, tokens and connected devices end at once, in any case. What is under way with
    others (an order, a refund, a subscription, a letter that is owed) is named, and nothing is
    erased before it has ended: run the command again then.

    Orders, payments, withdrawals, proofs, confirmations and consents are kept under a new id,
    which is printed this once. Readings, needs, decisions, forecasts, devices, gateways, tokens,
    the address and everything else is deleted.
    """
    clock = SystemClock()
    with opened(config) as (_, database):
        erasing.close(database, household_id, clock.now())
        until_s = clock.monotonic() + wait_s
        while (way := erasing.in_the_way(database, household_id, clock.now())) and (
            clock.monotonic() < until_s
        ):
            time.sleep(EVERY_S)
        done = None if way else erasing.erase(database, household_id, clock.now())
    if done is None:
        left = "; ".join(f"{count} {what}" for what, count in way) or "something new"
        raise BadRequest(
            f"household {household_id} is closed and not erased yet. Still there: {left}."
            " Run the command again afterwards."
        )
    say(
        as_json,
        {
            "household_id": household_id,
            "pseudonym": done.pseudonym,
            "deleted": done.deleted,
            "kept": done.kept,
            "payer_id": done.payer_id,
        },
        f"Household {household_id} is erased. "
        + (
            f"What the law asks for is kept as {done.pseudonym} (shown this once):"
            if done.pseudonym
            else "Nothing of it had to be kept."
        ),
        *(f"  {name}: {count}" for name, count in done.kept.items()),
        f"Deleted: {sum(done.deleted.values())} rows of {len(done.deleted)} kinds.",
        PROVIDERS,
        *([f"At the payment provider it is {done.payer_id}."] if done.payer_id else []),
    )
