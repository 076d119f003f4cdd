"""`zodra-cloud payments ...`: what is open at the provider, and households' mandates."""

from pathlib import Path
from typing import Any, Final

import click

from zodra_cloud.commands.common import (
    CONFIG,
    HOUSEHOLD,
    JSON,
    Session,
    say,
    says_faults,
    unit_of_work,
)
from zodra_cloud.errors import BadRequest, UnknownThing
from zodra_cloud.kit.changes import Changes
from zodra_cloud.payments import service
from zodra_cloud.payments.service import OpenItem, StoredMandate, StoredPayment

_LANGUAGES: Final = ("en", "nl")


@click.group()
def payments() -> None:
    """Payments by households through a provider; see docs/payments.md."""


@payments.command("list")
@CONFIG
@click.option("--household", help="Only this household's payments.")
@click.option(
    "--open",
    "only_open",
    is_flag=True,
    help="Only what a person may have to look into: no certain answer for a quarter of an hour, "
    "goods sent and not paid, refunds that the provider refused.",
)
@JSON
@says_faults
def list_payments(config: Path, household: str | None, only_open: bool, as_json: bool) -> None:
    """List payments of a household, or what is open at the provider."""
    with unit_of_work(config) as session:
        if only_open or household is None:
            found = service.open_items(session.connection, session.now)
            items = [each for each in found if household in (None, each.household_id)]
            say(as_json, {"open": [_item(each) for each in items]}, *map(_item_said, items))
            return
        known = service.payments(session.connection, household)
    say(as_json, {"payments": [_facts(each) for each in known]}, *map(_said, known))


@payments.command("show")
@click.argument("order_key")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def show(config: Path, order_key: str, household: str, as_json: bool) -> None:
    """Show one payment with every move it made, and what went back."""
    with unit_of_work(config) as session:
        found = service.payment(session.connection, household, order_key)
        if found is None:
            raise UnknownThing("payment of order", order_key)
        steps = service.steps(session.connection, household, order_key)
        refunds = service.refunds(session.connection, household, order_key)
    say(
        as_json,
        {
            **_facts(found),
            "steps": [
                {
                    "event": each.event,
                    "state": each.state.value,
                    "attempt": each.attempt,
                    "detail": each.detail,
                    "at": each.at.isoformat(),
                }
                for each in steps
            ],
            "refunds": [
                {
                    "amount_minor": each.amount_minor,
                    "state": each.state.value,
                    "reason": each.reason,
                    "refund_id": each.refund_id,
                }
                for each in refunds
            ],
        },
        _said(found),
        *(
            f"  {each.at.isoformat()}  {each.event} -> {each.state.value}  {each.detail}".rstrip()
            for each in steps
        ),
        *(f"  refund {each.amount_minor} {each.currency}  {each.state.value}" for each in refunds),
    )


@payments.command("settle")
@click.argument("order_key")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def settle(config: Path, order_key: str, household: str, as_json: bool) -> None:
    """Say that nothing is held or taken for an order; look at the provider's own pages first."""
    with unit_of_work(config, household) as session:
        settled = service.settle(
            session.connection, household, order_key, now=session.now, changes=Changes()
        )
    if not settled:
        raise BadRequest(
            f"the payment of order {order_key!r} is not one that a person decides; "
            "see payments list --open"
        )
    say(as_json, {"order_key": order_key, "state": "voided"}, f"Order {order_key}: voided.")


@payments.group()
def mandate() -> None:
    """Households' permissions to be charged later."""


@mandate.command("request")
@CONFIG
@HOUSEHOLD
@click.option("--language", type=click.Choice(_LANGUAGES), default="en")
@JSON
@says_faults
def mandate_request(config: Path, household: str, language: str, as_json: bool) -> None:
    """Ask the provider for a page on which the household lets us charge later.

    A running service fetches the link within a second; `mandate list` shows it.
    """
    with unit_of_work(config, household) as session:
        _payments_on(session)
        found = service.request_mandate(
            session.connection, household, language=language, now=session.now, changes=Changes()
        )
    say(as_json, _mandate(found), _mandate_said(found))


@mandate.command("list")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def mandate_list(config: Path, household: str, as_json: bool) -> None:
    """Show the mandates of a household, with the link of one that waits for it."""
    with unit_of_work(config) as session:
        found = service.mandates(session.connection, household)
    say(as_json, {"mandates": [_mandate(each) for each in found]}, *map(_mandate_said, found))


@mandate.command("revoke")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def mandate_revoke(config: Path, household: str, as_json: bool) -> None:
    """End every mandate of a household; the provider forgets the means of payment too."""
    with unit_of_work(config, household) as session:
        ended = service.revoke_mandate(
            session.connection, household, now=session.now, changes=Changes()
        )
    say(as_json, {"household_id": household, "ended": ended}, f"{ended} ended.")


def _payments_on(session: Session) -> None:
    if session.settings.payments is None:
        raise BadRequest("the settings have no [payments]; the shop charges its own account")


def _item(each: OpenItem) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "household_id": each.household_id,
        "name": each.name,
        "state": each.state,
        "reason": each.reason,
        "provider_id": each.provider_id,
        "since": each.since.isoformat(),
    }


def _item_said(each: OpenItem) -> str:
    return (
        f"{each.kind}  {each.household_id}  {each.name}  {each.state}  {each.reason}"
        f"  since {each.since.isoformat()}  at the provider: {each.provider_id or 'unknown'}"
    )


def _facts(each: StoredPayment) -> dict[str, Any]:
    return {
        "household_id": each.household_id,
        "order_key": each.order_key,
        "state": each.state.value,
        "reason": each.reason,
        "amount_minor": each.amount_minor,
        "currency": each.currency,
        "attempt": each.attempt,
        "link": each.link_url,
        "charge_id": each.charge_id,
    }


def _said(each: StoredPayment) -> str:
    return (
        f"{each.order_key}  {each.state.value}  {each.amount_minor} {each.currency}"
        f"  {each.reason}  {each.link_url or ''}".rstrip()
    )


def _mandate(each: StoredMandate) -> dict[str, Any]:
    return {
        "household_id": each.household_id,
        "mandate_id": each.mandate_id,
        "state": each.state.value,
        "reason": each.reason,
        "link": each.link_url,
    }


def _mandate_said(each: StoredMandate) -> str:
    return f"{each.mandate_id}  {each.state.value}  {each.reason}  {each.link_url or ''}".rstrip()
