"""Puts the rooms of letters and of the law together, from the settings."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.channels.content import TEXT_CHARS_MAX
from zodra_cloud.channels.jobs import MailSender, Sender
from zodra_cloud.channels.smtp import MailServer
from zodra_cloud.errors import BadSettings
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.law.jobs import Refunds
from zodra_cloud.law.labels import Choice, Labels
from zodra_cloud.law.letters import Trader
from zodra_cloud.law.listening import Listener
from zodra_cloud.law.rules import RefundAnswer, Rules, Show, shop_gives_back, show_nothing
from zodra_cloud.merchants.port import Shop
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.states import PaymentState
from zodra_cloud.replenish.models import StoredOrder
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.settings import Mail, Settings
from zodra_cloud.store.engine import Database
from zodra_cloud.store.runner import Handler

_NEVER_TAKEN: Final = frozenset(
    {
        PaymentState.DECLINED,
        PaymentState.EXPIRED,
        PaymentState.UNPAID,
        PaymentState.VOIDED,
    }
)


@dataclass(frozen=True, slots=True)
class Lawful:
    """The rules of the room, for pages and commands, and the handlers of its jobs."""

    rules: Rules
    handlers: dict[str, Handler]


def rules_of(settings: Settings, show: Show = show_nothing) -> Rules:
    """Make the rules of the room. Raises `BadSettings` for a file that cannot be read."""
    law, country = settings.law, settings.shop.country
    choices = (Choice(**each.model_dump()) for each in law.labels)
    return Rules(
        country=country,
        public_url=settings.web.public_url,
        mail_on=settings.mail is not None,
        labels=Labels(country, choices),
        trader=Trader(
            law.trader, {language: _read(file) for language, file in law.terms_files.items()}
        ),
        days_min=law.withdrawal_days,
        exclusions=frozenset(law.exclusions),
        may_wait_for_goods=law.wait_for_goods,
        show=show,
        refund=payments_give_back if settings.payments is not None else shop_gives_back,
    )


def build(
    settings: Settings,
    *,
    database: Database,
    clock: Clock,
    changes: Changes,
    shop: Shop,
    instance: str,
    show: Show = show_nothing,
) -> Lawful:
    """Make the rooms and let them take part; before the first unit of work.

    After the payments, so that they have heard of a move before letters say what it means.
    """
    rules = rules_of(settings, show)
    listener = Listener(rules, changes)
    listener.register(database)
    refunds = Refunds(database=database, clock=clock, changes=changes, shop=shop, rules=rules)
    handlers = refunds.handlers()
    if settings.mail is not None:
        sender = MailSender(
            database,
            clock,
            _server(settings.mail),
            Sender(settings.mail.sender, settings.mail.sender_name, settings.mail.reply_to),
            owner=instance,
            accepted=listener.on_accepted,
            letters_max=settings.mail.letters_per_connection,
        )
        handlers |= sender.handlers()
    return Lawful(rules, handlers)


def payments_give_back(
    connection: Connection,
    order: StoredOrder,
    /,
    *,
    amount_minor: int,
    cause: str,
    now: datetime,
    changes: Changes,
) -> RefundAnswer:
    """Let the payments give back what they took; see `law.rules.Refunder`."""
    found = payments.payment(connection, order.household_id, order.order_key)
    if found is None:
        return RefundAnswer.NOT_TAKEN_HERE
    if found.state in _NEVER_TAKEN:
        return RefundAnswer.NOTHING_TAKEN
    if found.state is not PaymentState.CAPTURED:
        return RefundAnswer.NOT_YET
    answer = payments.refund(
        connection,
        order.household_id,
        order.order_key,
        amount_minor=amount_minor,
        cause=cause,
        now=now,
        changes=changes,
    )
    if answer is payments.RefundAnswer.WANTED or order.state is OrderState.CANCELLED:
        # Of a cancelled order the payments give everything back by themselves.
        return RefundAnswer.UNDER_WAY
    return RefundAnswer.NEEDS_PERSON


def _server(mail: Mail) -> MailServer:
    return MailServer(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        username=mail.username,
        password=None if mail.password is None else mail.password.get_secret_value(),
        timeout_s=mail.timeout_s,
        ssl_context=ssl.create_default_context(
            cafile=None if mail.ca_file is None else str(mail.ca_file)
        ),
        own_name=mail.sender.rpartition("@")[2],
    )


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadSettings(f"law.terms_files: {file} cannot be read as text") from fault
    if not 0 < len(text) <= TEXT_CHARS_MAX:
        raise BadSettings(f"law.terms_files: {file} is empty or over {TEXT_CHARS_MAX} characters")
    return text
