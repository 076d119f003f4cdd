"""Whose message it is: topic, envelope and record must agree, and the gateway not be revoked."""

from dataclasses import replace

from zodra_cloud.ingest.reader import Received, Refusal, refuse
from zodra_contract.outcome import RejectReason
from zodra_contract.topics import Address

Known = dict[str, tuple[str, bool]]
"""Household of each registered gateway, and whether it is revoked."""


def admit(each: Received, known: Known) -> Refusal | None:
    """Check the sender: topic, envelope and record must agree, and it must not be revoked."""
    address = each.address
    message = each.read.message
    if address.gateway_id not in known:
        return refuse(each.delivery, RejectReason.WRONG_GATEWAY, "not registered", address)
    household_id, revoked = known[address.gateway_id]
    # Counted and answered where the gateway belongs, whatever household it claims.
    own = Address(household_id, address.gateway_id)
    if own != address:
        detail = "topic names another household"
    elif message is not None and message.gateway_id != address.gateway_id:
        detail = "envelope names another gateway"
    elif revoked:
        return refuse(each.delivery, RejectReason.REVOKED, "", own, registered=True)
    else:
        return None
    return refuse(each.delivery, RejectReason.WRONG_GATEWAY, detail, own, registered=True)


def with_registration(refusal: Refusal, known: Known) -> Refusal:
    """Mark the refusal of an unreadable message if its topic is a registered gateway's own."""
    address = refusal.address
    registered = address is not None and (
        known.get(address.gateway_id, ("", False))[0] == address.household_id
    )
    if not registered:
        return refusal
    return replace(refusal, registered=True)
