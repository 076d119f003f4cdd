"""`zodra-cloud order`: proofs of what was shown, and withdrawals that an operator sees to."""

import json
from pathlib import Path
from typing import Any

import click

from zodra_cloud import lawful
from zodra_cloud.commands.common import CONFIG, HOUSEHOLD, JSON, say, says_faults, unit_of_work
from zodra_cloud.errors import BadRequest
from zodra_cloud.kit.changes import Changes
from zodra_cloud.law import service as law
from zodra_cloud.law.service import Refusal, Withdrawal


@click.group()
def order() -> None:
    """Orders: their proofs, and withdrawals from them."""


@order.command("proof")
@click.argument("order_key")
@CONFIG
@HOUSEHOLD
@click.option(
    "--format", "kind", type=click.Choice(["html", "json"]), default="html", show_default=True
)
@click.option("--output", type=click.Path(path_type=Path), help="Write here; else to the screen.")
@says_faults
def proof(config: Path, household: str, order_key: str, kind: str, output: Path | None) -> None:
    """Write all that proves an order into one file: what was shown, said, sent, and became of it.

    The file names the household's letters; treat it as you treat them.
    """
    with unit_of_work(config) as session:
        sealed = law.export(session.connection, household, order_key)
    text = law.as_html(sealed) if kind == "html" else json.dumps(sealed, indent=2) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"Proof of order {order_key} written to {output}; its mark is {_mark(sealed)}.")


@order.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
@says_faults
def verify(file: Path, as_json: bool) -> None:
    """Check a proof against its own hashes; needs no database. Exit code 1 if it was changed.

    Compare the mark with the one in the household's own confirmation letter: who changes a proof
    and all its hashes cannot change that letter.
    """
    with file.open("rb") as opened:
        sealed, faults = law.check_file(opened.read(law.PROOF_BYTES_MAX + 1))
    mark = None if faults or sealed is None else _mark(sealed)
    said = [f"The proof holds. Mark: {mark}"] if not faults else [f"{file}: {f}" for f in faults]
    say(as_json, {"holds": not faults, "mark": mark, "faults": faults}, *said)
    if faults:
        raise SystemExit(1)


@order.command("withdrawals")
@CONFIG
@click.option("--overdue", is_flag=True, help="Only those whose money should be back by now.")
@JSON
@says_faults
def withdrawals(config: Path, overdue: bool, as_json: bool) -> None:
    """List the withdrawals that are not settled, the most urgent first."""
    with unit_of_work(config) as session:
        found = law.open_withdrawals(
            session.connection, overdue_at=session.now if overdue else None
        )
    say(as_json, {"withdrawals": [_json(each) for each in found]}, *(_said(each) for each in found))


@order.command("goods-back")
@click.argument("order_key")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def goods_back(config: Path, household: str, order_key: str, as_json: bool) -> None:
    """Say that the goods of a withdrawal are back: its money is then due."""
    with unit_of_work(config, household) as session:
        changed = law.goods_back(
            session.connection,
            household,
            order_key,
            rules=lawful.rules_of(session.settings),
            now=session.now,
            changes=Changes(),
        )
    _answer(as_json, order_key, changed, "The refund is due and set going.")


@order.command("refunded")
@click.argument("order_key")
@CONFIG
@HOUSEHOLD
@click.option("--number", type=click.IntRange(1), default=1, show_default=True)
@JSON
@says_faults
def refunded(config: Path, household: str, order_key: str, number: int, as_json: bool) -> None:
    """Say that the money of a withdrawal was paid by hand; the household gets a letter."""
    with unit_of_work(config, household) as session:
        changed = law.paid_by_hand(
            session.connection,
            household,
            order_key,
            number,
            rules=lawful.rules_of(session.settings),
            now=session.now,
            changes=Changes(),
        )
    _answer(as_json, order_key, changed, "The withdrawal is settled.")


@order.command("refuse-withdrawal")
@click.argument("order_key")
@CONFIG
@HOUSEHOLD
@click.option("--number", type=click.IntRange(1), default=1, show_default=True)
@click.option("--reason", type=click.Choice([each.value for each in Refusal]), required=True)
@JSON
@says_faults
def refuse_withdrawal(
    config: Path, household: str, order_key: str, number: int, reason: str, as_json: bool
) -> None:
    """Turn a withdrawal down for one of the reasons that the law leaves."""
    with unit_of_work(config, household) as session:
        changed = law.refuse(
            session.connection,
            household,
            order_key,
            number,
            Refusal(reason),
            rules=lawful.rules_of(session.settings),
            now=session.now,
            changes=Changes(),
        )
    _answer(as_json, order_key, changed, f"Refused: {reason}.")


def _answer(as_json: bool, order_key: str, changed: bool, said: str) -> None:
    if not changed and not as_json:
        raise BadRequest(f"order {order_key} has no withdrawal for which that is possible now")
    say(as_json, {"order_key": order_key, "changed": changed}, said)


def _mark(sealed: dict[str, Any]) -> str:
    return str(sealed["parts"]["mark"]["sha256"])


def _json(found: Withdrawal) -> dict[str, Any]:
    return {
        "household_id": found.household_id,
        "order_key": found.order_key,
        "number": found.number,
        "quantity": found.quantity,
        "state": found.state.value,
        "reason": found.reason,
        "declared_at": found.declared_at.isoformat(),
        "refund_minor": found.refund_minor,
        "currency": found.currency,
        "refund_by_at": found.refund_by_at.isoformat(),
    }


def _said(found: Withdrawal) -> str:
    return (
        f"{found.order_key}  {found.household_id}  {found.state}  "
        f"{found.refund_minor} {found.currency} (minor units) by {found.refund_by_at.isoformat()}"
        f"  {found.reason}"
    ).rstrip()
