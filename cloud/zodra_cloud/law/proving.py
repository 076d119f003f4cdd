"""What was shown with an order: kept in the commit of the confirmation, exported, checked."""

import json
import re
from datetime import datetime
from html import escape
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import Content
from zodra_cloud.channels.models import LetterKind
from zodra_cloud.errors import UnknownThing
from zodra_cloud.law import letters, pricing, reading
from zodra_cloud.law.policy import proof
from zodra_cloud.law.repository import records, withdrawals
from zodra_cloud.law.rules import Page, Rules
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import StoredOrder
from zodra_cloud.replenish.snapshot import Snapshot

SHOWN_PARTS: Final = ("snapshot", "shown", "confirmation")
"""What the mark in the household's letter stands for; the rest is added when it is exported."""
PROOF_BYTES_MAX: Final = 8 * 1024 * 1024

_EMBEDDED: Final = re.compile(
    r'<script type="application/json" id="proof">(.*?)</script>', re.DOTALL
)


def keep(
    connection: Connection,
    order: StoredOrder,
    snapshot: Snapshot,
    time_zone: str,
    rules: Rules,
    now: datetime,
) -> str:
    """Store what was shown when an order was confirmed; gives the mark of it."""
    parts = _parts(connection, order, snapshot, time_zone, rules, now)
    mark_of_it = str(proof.seal(parts)["whole_sha256"])
    records.add_proof(connection, order.household_id, order.order_key, parts, mark_of_it, now)
    return mark_of_it


def mark(connection: Connection, order: StoredOrder) -> str:
    """Give the mark that goes into the household's letter; empty if nothing was kept."""
    found = records.proof(connection, order.household_id, order.order_key)
    return "" if found is None else found[1]


def _parts(
    connection: Connection,
    order: StoredOrder,
    snapshot: Snapshot,
    time_zone: str,
    rules: Rules,
    now: datetime,
) -> dict[str, Any]:
    about = reading.subject(connection, order, rules, snapshot)
    # What a contract covers is ordered without a page: nobody saw one.
    page = rules.show(order, snapshot, time_zone) if order.agreement_id is None else Page("", "")
    thing = (snapshot.merchant_id, snapshot.sku, snapshot.currency)
    reduced = pricing.reduction(connection, thing, snapshot.unit_price_minor, now)
    return {
        "snapshot": snapshot.to_json(),
        "shown": {
            "snapshot_sha256": order.snapshot_hash,
            "language": order.language,
            "country": rules.country,
            "page_version": page.version,
            "page_html": page.html,
            "withdrawal": letters.withdrawal_in_words(about.terms, about.wording),
            "lowest_price_before_minor": None if reduced is None else reduced.before_minor,
        },
        "confirmation": {
            "order_key": order.order_key,
            "quote_id": order.quote_id,
            "label": order.label,
            "person_id": order.confirmed_by,
            "confirmed_at": _rfc3339(order.confirmed_at),
            "agreement_id": order.agreement_id,
            "total_minor": order.total_minor,
            "currency": order.currency,
        },
    }


def export(connection: Connection, household_id: str, order_key: str) -> dict[str, Any]:
    """Put together all that proves an order: what was shown, what was written, what became of it.

    Raises:
        UnknownThing: there is no such order, or nothing was kept for it.
    """
    view = replenish.order(connection, household_id, order_key)
    found = records.proof(connection, household_id, order_key)
    if found is None:
        raise UnknownThing("proof of order", order_key)
    parts, mark_of_it = found
    return proof.seal(
        {
            **parts,
            "mark": {"sha256": mark_of_it},
            "letters": [
                {
                    "kind": letter.kind.value,
                    "caused_at": _rfc3339(letter.caused_at),
                    "accepted_at": _maybe(letter.accepted_at),
                    "fetched_at": _maybe(letter.fetched_at),
                    "message_id": letter.letter_id,
                    "content_sha256": letter.content_sha256,
                    "content": letter.content.to_json(),
                }
                for letter in channels.letters_about(connection, household_id, order_key)
            ],
            "withdrawals": [
                {
                    "number": each.number,
                    "statement": each.statement,
                    "declared_at": _rfc3339(each.declared_at),
                    "acknowledged_at": _maybe(each.acknowledged_at),
                    "refund_minor": each.refund_minor,
                    "state": each.state.value,
                }
                for each in withdrawals.of_order(connection, household_id, order_key)
            ],
            "history": [
                {
                    "event": None if step.event is None else step.event.value,
                    "state": step.state.value,
                    "source": step.source,
                    "at": _rfc3339(step.at),
                }
                for step in view.steps
            ],
        }
    )


def faults_of(sealed: Any) -> list[str]:
    """Say everything that is wrong with an exported proof."""
    faults = proof.faults_of(sealed)
    if faults and not (isinstance(sealed, dict) and isinstance(sealed.get("parts"), dict)):
        return faults
    parts = sealed["parts"]
    missing = [name for name in SHOWN_PARTS if name not in parts]
    if missing:
        return [*faults, f"it lacks {', '.join(missing)}"]
    mark_of_it = proof.seal({name: parts[name] for name in SHOWN_PARTS})["whole_sha256"]
    said = parts.get("mark")
    if not isinstance(said, dict) or said.get("sha256") != mark_of_it:
        faults.append("its mark is not that of what was shown")
    return faults + _letter_faults(parts.get("letters"), str(mark_of_it))


def _letter_faults(written: Any, mark_of_it: str) -> list[str]:
    faults: list[str] = []
    for letter in written if isinstance(written, list) else []:
        try:
            kind, content = letter["kind"], Content.from_json(letter["content"])
            if content.sha256() != letter["content_sha256"]:
                faults.append(f"the letter {kind!r} is not what its hash says")
        except (AttributeError, KeyError, TypeError, ValueError):
            faults.append("a letter in it cannot be read")
            continue
        if kind == LetterKind.CONFIRMATION and mark_of_it not in json.dumps(letter["content"]):
            faults.append("the confirmation that was sent carries another mark")
    return faults


def as_html(sealed: dict[str, Any]) -> str:
    """Write a proof as one HTML file: for people on the outside, for programs within.

    The same proof always gives the same bytes, so that a file whose readable side was changed is
    not the file that its own contents make.
    """
    # "</" cannot occur, so nothing in the values can end the element that holds them.
    embedded = json.dumps(sealed, sort_keys=True, ensure_ascii=True).replace("</", "<\\/")
    parts = sealed["parts"]
    confirmation, shown, snapshot = (parts[name] for name in ("confirmation", "shown", "snapshot"))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>'
        for group in (confirmation, snapshot)
        for name, value in sorted(group.items())
    )
    listed = "".join(
        f"<li>{escape(str(letter['kind']))}: {escape(str(letter['content']['subject']))} "
        f"({escape(str(letter['caused_at']))}, {escape(str(letter['content_sha256']))})</li>"
        for letter in parts.get("letters", [])
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>Proof of order {escape(str(confirmation['order_key']))}</title>\n</head>\n<body>\n"
        f"<h1>Proof of order {escape(str(confirmation['order_key']))}</h1>\n"
        f"<p>Check with: zodra-cloud order verify FILE. The mark below is also in the "
        f"confirmation that the household was sent.</p>\n"
        f"<p>Mark: {escape(str(parts['mark']['sha256']))}</p>\n<table>{rows}</table>\n"
        f"<h2>What was shown ({escape(str(shown['language']))}, page "
        f"{escape(str(shown['page_version']))})</h2>\n<p>{escape(str(shown['withdrawal']))}</p>\n"
        f"<pre>{escape(str(shown['page_html']))}</pre>\n<h2>Letters</h2>\n<ul>{listed}</ul>\n"
        f'<script type="application/json" id="proof">{embedded}</script>\n</body>\n</html>\n'
    )


def check_file(content: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """Read a proof from a file of either kind, and say everything that is wrong with it."""
    if len(content) > PROOF_BYTES_MAX:
        return None, [f"it is larger than {PROOF_BYTES_MAX} bytes"]
    try:
        text = content.decode()
        found = _EMBEDDED.search(text)
        sealed = json.loads(text if found is None else found.group(1))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None, ["it is neither a proof in JSON nor a page that holds one"]
    faults = faults_of(sealed)
    if not faults and found is not None and as_html(sealed) != text:
        faults = ["the page that people read is not the one that its contents make"]
    return (sealed if isinstance(sealed, dict) else None), faults


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else _rfc3339(at)
