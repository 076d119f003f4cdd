"""Tells the household of its payment: a letter in the commit of the move, with the link if any."""

from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import Content, link, paragraph, rows
from zodra_cloud.channels.service import Draft, LetterKind
from zodra_cloud.payments.models import PaymentNews, StoredPayment
from zodra_cloud.payments.words import TOLD, say
from zodra_cloud.replenish.models import At


class Teller:
    """Writes the letters; see `payments.hooks.PaymentListener`.

    Args:
        public_url: where the household's pages are.
        mail_on: whether this service sends mail at all; else letters are kept to download.
    """

    def __init__(self, public_url: str, *, mail_on: bool) -> None:
        self._pages = public_url.rstrip("/")
        self._mail_on = mail_on

    def on_payment(
        self, connection: Connection, payment: StoredPayment, news: PaymentNews, at: At, /
    ) -> None:
        """Write a letter where the household has to know or do something."""
        if news not in TOLD:
            return
        draft = Draft(
            household_id=payment.household_id,
            kind=LetterKind.NOTICE,
            content=self._content(payment, news),
            caused_at=at.now,
            order_key=payment.order_key,
            # Each attempt is told of once: another link, another no.
            name=f"{news.value}:{payment.attempt}",
        )
        channels.post(connection, draft, now=at.now, mail_on=self._mail_on)

    def _content(self, payment: StoredPayment, news: PaymentNews) -> Content:
        language, amount = payment.language, payment.amount
        name = news.value
        sent = news is PaymentNews.LINK and payment.capture_wanted_at is not None
        blocks = [paragraph(say(language, f"{name}_sent" if sent else name, amount))]
        blocks.append(rows((say(language, "order", amount), payment.order_key)))
        if news is PaymentNews.LINK and payment.link_url is not None:
            blocks.append(link(say(language, "link_how", amount), payment.link_url))
            blocks.append(paragraph(say(language, "link_until", amount)))
        order = f"{self._pages}/orders/{payment.order_key}"
        blocks.append(link(say(language, "page", amount), order))
        return Content(
            subject=say(language, f"{name}_subject", amount),
            language=language,
            blocks=tuple(blocks),
        )
