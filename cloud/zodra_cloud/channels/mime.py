"""A letter as the bytes that travel: text, HTML, and the document attached. Pure.

The same letter gives the same bytes at every attempt, its Message-ID included, so that a receiver
that got it twice can tell.
"""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from zodra_cloud.channels.content import TITLE_CHARS_MAX, Content, as_html, as_text, one_line

_POLICY: Final = SMTP.clone(cte_type="7bit")
"""No server has to know 8BITMIME."""


def message_id(letter_id: str, sender: str) -> str:
    """Name a letter for every mail system that it passes."""
    return f"<{letter_id}@{sender.rpartition('@')[2]}>"


def to_bytes(
    content: Content,
    *,
    letter_id: str,
    sender: str,
    sender_name: str,
    reply_to: str | None,
    recipient: str,
    caused_at: datetime,
) -> bytes:
    """Write the message.

    Args:
        content: what it says.
        letter_id: of characters that are safe in a Message-ID.
        sender: an address.
        sender_name: shown beside it.
        reply_to: where an answer goes, if not to the sender.
        recipient: an address.
        caused_at: becomes its date.
    """
    message = EmailMessage(policy=_POLICY)
    user, _at, domain = sender.rpartition("@")
    message["From"] = Address(one_line(sender_name)[:TITLE_CHARS_MAX], user, domain)
    message["To"] = recipient
    if reply_to is not None:
        message["Reply-To"] = reply_to
    message["Subject"] = one_line(content.subject)[:TITLE_CHARS_MAX]
    message["Date"] = caused_at
    message["Message-ID"] = message_id(letter_id, sender)
    # RFC 3834: no automatic reply to it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(as_text(content.subject, content.blocks))
    message.add_alternative(
        as_html(content.subject, content.language, content.blocks), subtype="html"
    )
    if content.document_name:
        document = as_html(content.document_title, content.language, content.document)
        message.add_attachment(document, subtype="html", filename=content.document_name)
    # Last: what describes a body moves with it while parts are added.
    message["Content-Language"] = content.language
    for number, part in enumerate(
        each for each in message.walk() if each.get_content_maintype() == "multipart"
    ):
        part.set_boundary(f"{letter_id}.{number}")
    return message.as_bytes()
