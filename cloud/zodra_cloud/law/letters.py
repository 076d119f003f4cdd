"""What each letter says, from plain values. Pure: no clock, no database, and no advertising."""

from dataclasses import dataclass, field
from datetime import datetime

from zodra_cloud.channels.content import Block, Content, form, heading, link, paragraph, rows, terms
from zodra_cloud.law.labels import Channel, Control, Labels
from zodra_cloud.law.models import Withdrawal
from zodra_cloud.law.policy.period import Exclusion, Terms
from zodra_cloud.law.policy.withdrawing import REFUND_WITHIN, WithdrawalState
from zodra_cloud.law.words import Wording
from zodra_cloud.replenish.models import StoredOrder
from zodra_cloud.replenish.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Trader:
    """Who sells, as far as the operator has told us beside what the shop says of itself."""

    address: str = ""
    """Lines for the withdrawal form: postal address, e-mail."""
    terms: dict[str, str] = field(default_factory=dict)
    """General terms by language; they go into the document, since a link is no durable medium."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The order that a letter is about, and who reads it."""

    order: StoredOrder
    snapshot: Snapshot
    wording: Wording
    labels: Labels
    terms: Terms
    trader: Trader
    public_url: str

    @property
    def product(self) -> str:
        """Name what was ordered."""
        return self.snapshot.title(self.wording.language)

    @property
    def page(self) -> str:
        """The page of the order, on which the function for withdrawal is."""
        return f"{self.public_url.rstrip('/')}/orders/{self.order.order_key}/withdraw"

    @property
    def home(self) -> str:
        """The household's page."""
        return f"{self.public_url.rstrip('/')}/"

    def letter(self, name: str, *blocks: Block, document: tuple[Block, ...] = ()) -> Content:
        """Make a letter of one kind."""
        say = self.wording.say
        named = {"key": self.order.order_key}
        return Content(
            subject=say(f"{name}_subject", product=self.product),
            language=self.wording.language,
            blocks=blocks,
            document_name=say("document_name", **named) if document else "",
            document_title=say("document_title") if document else "",
            document=document,
        )


def confirmation(about: Subject, proof_sha256: str) -> Content:
    """Confirm the contract, with everything that was agreed in the document attached."""
    say = about.wording.say
    agreed = (*_agreed(about, proof_sha256), *_right(about), *_terms(about))
    return about.letter(
        "confirmation",
        paragraph(say("confirmation_intro")),
        *_agreed(about, proof_sha256),
        *_right(about),
        link(say("follow"), about.home),
        document=agreed,
    )


def shipped(about: Subject) -> Content:
    """Say that it is on its way."""
    order, wording = about.order, about.wording
    track = order.tracking_url or ""
    return about.letter(
        "shipped",
        paragraph(wording.say("shipped_intro")),
        rows(
            *_which(about),
            (wording.say("expected"), _expected(about)),
            (wording.say("carrier"), order.carrier or ""),
        ),
        *([link(wording.say("track"), track)] if track.startswith("https://") else []),
        link(wording.say("follow"), about.home),
    )


def late(about: Subject) -> Content:
    """Say that a promise is not kept, before anybody has to ask."""
    wording, promised = about.wording, about.order.promised_to_at
    return about.letter(
        "late",
        paragraph(wording.say("late_intro")),
        rows(
            *_which(about),
            (wording.say("promised"), "" if promised is None else wording.day(promised)),
            (wording.say("expected"), _expected(about)),
        ),
        paragraph(wording.say("late_rights")),
        link(wording.say("follow"), about.home),
    )


def cancelled(about: Subject) -> Content:
    """Say that nothing comes, and that the money does."""
    wording = about.wording
    return about.letter(
        "cancelled",
        paragraph(wording.say("cancelled_intro")),
        rows(*_which(about), (wording.say("total"), _money(about, about.order.total_minor))),
        link(wording.say("follow"), about.home),
    )


def refunded(about: Subject) -> Content:
    """Say how much has come back."""
    wording, order = about.wording, about.order
    return about.letter(
        "refunded",
        paragraph(wording.say("refunded_intro")),
        rows(
            *_which(about),
            (wording.say("refunded_so_far"), _money(about, order.refunded_minor)),
            (wording.say("total"), _money(about, order.total_minor)),
        ),
        link(wording.say("follow"), about.home),
    )


def follow_up(about: Subject, ends_at: datetime | None) -> Content:
    """Say that it was delivered, ask once whether it was right, and name the way out."""
    wording = about.wording
    delivered = about.order.delivered_at or about.order.state_at
    until = (
        []
        if ends_at is None
        else [
            paragraph(wording.say("withdraw_until", moment=wording.moment(ends_at))),
            _withdraw_link(about),
        ]
    )
    return about.letter(
        "follow_up",
        paragraph(wording.say("follow_up_intro", day=wording.day(delivered))),
        rows(*_which(about)),
        link(wording.say("answer_here"), about.home),
        *until,
    )


def acknowledgement(about: Subject, withdrawal: Withdrawal) -> Content:
    """Acknowledge a withdrawal with its content, date and time."""
    wording = about.wording
    declared = (
        paragraph(wording.say("withdrawal_intro")),
        heading(wording.say("declaration")),
        rows(
            (wording.say("declaration"), wording.say("declared")),
            *_which(about),
            (wording.say("quantity"), _part(about, withdrawal)),
            (wording.say("confirmed_at"), wording.moment(about.order.confirmed_at)),
            (wording.say("declared_at"), wording.moment(withdrawal.declared_at)),
            (wording.say("declared_with"), f"“{withdrawal.label}”"),
            (wording.say("refund"), wording.money(withdrawal.refund_minor, withdrawal.currency)),
            (wording.say("refund_by"), _by_when(about, withdrawal)),
        ),
        *(paragraph(each) for each in _to_do(about, withdrawal)),
        link(wording.say("follow"), about.home),
    )
    return about.letter("withdrawal", *declared)


def withdrawal_in_words(terms: Terms, wording: Wording) -> str:
    """Say, before an order, what a household may do after it."""
    if terms.exclusion is Exclusion.PERISHABLE:
        return wording.say("right_none")
    right = wording.say("right_days", days=terms.days)
    if terms.exclusion is Exclusion.SEALED_HYGIENE:
        return f"{right} {wording.say('right_sealed')}"
    return right


def _agreed(about: Subject, proof_sha256: str) -> tuple[Block, ...]:
    wording, order, snapshot = about.wording, about.order, about.snapshot
    shipping = snapshot.shipping_minor
    how = f"“{order.label}”" if order.agreement_id is None else wording.say("under_agreement")
    return (
        heading(wording.say("your_order")),
        rows(
            (wording.say("order"), order.order_key),
            (wording.say("shop_number"), order.shop_order_id or ""),
            (wording.say("confirmed_at"), wording.moment(order.confirmed_at)),
            (wording.say("confirmed_with"), how),
            (wording.say("product"), f"{about.product} ({snapshot.sku})"),
            (wording.say("quantity"), str(snapshot.quantity)),
            (wording.say("unit_price"), _money(about, snapshot.unit_price_minor)),
            (wording.say("goods"), _money(about, snapshot.goods_minor)),
            (
                wording.say("shipping"),
                _money(about, shipping) if shipping else wording.say("free"),
            ),
            (wording.say("total"), _money(about, order.total_minor)),
            (wording.say("vat"), _money(about, snapshot.vat_minor)),
            (
                wording.say("delivery"),
                f"{snapshot.delivery_title}: "
                f"{wording.window(snapshot.delivery_from_at, snapshot.delivery_to_at)}",
            ),
            (wording.say("seller"), snapshot.merchant_name),
            (wording.say("trader"), about.trader.address),
            (wording.say("proof"), proof_sha256),
        ),
    )


def _right(about: Subject) -> tuple[Block, ...]:
    wording = about.wording
    title = heading(wording.say("right"))
    if about.terms.exclusion is Exclusion.PERISHABLE:
        return (title, paragraph(wording.say("right_none")))
    sealed = about.terms.exclusion is Exclusion.SEALED_HYGIENE
    seller = ", ".join(
        each for each in (about.snapshot.merchant_name, about.trader.address) if each
    )
    return (
        title,
        paragraph(wording.say("right_days", days=about.terms.days)),
        *([paragraph(wording.say("right_sealed"))] if sealed else []),
        paragraph(wording.say("right_how")),
        _withdraw_link(about),
        paragraph(wording.say("right_effect")),
        paragraph(wording.say("right_return")),
        heading(wording.say("form_title")),
        form(wording.say("form", to=" ".join(seller.split()))),
    )


def _terms(about: Subject) -> tuple[Block, ...]:
    wording, snapshot = about.wording, about.snapshot
    text = about.trader.terms.get(wording.language, "")
    named = (
        (wording.say("terms_at"), snapshot.terms_url),
        (wording.say("returns_at"), snapshot.returns_url),
    )
    return (
        *([heading(wording.say("terms")), terms(text)] if text else []),
        *(link(name, url) for name, url in named if url and url.startswith("https://")),
    )


def _withdraw_link(about: Subject) -> Block:
    language = about.wording.language
    return link(about.labels.text(Control.WITHDRAW, language, Channel.MAIL), about.page)


def _which(about: Subject) -> tuple[tuple[str, str], ...]:
    return (
        (about.wording.say("product"), about.product),
        (about.wording.say("order"), about.order.order_key),
        (about.wording.say("shop_number"), about.order.shop_order_id or ""),
        (about.wording.say("seller"), about.snapshot.merchant_name),
    )


def _expected(about: Subject) -> str:
    first, last = about.order.delivery_from_at, about.order.delivery_to_at
    if last is None:
        return ""
    return about.wording.window(first or last, last)


def _money(about: Subject, minor: int) -> str:
    return about.wording.money(minor, about.order.currency)


def _part(about: Subject, withdrawal: Withdrawal) -> str:
    whole = about.snapshot.quantity
    if withdrawal.quantity == whole:
        return str(whole)
    return about.wording.say("of", part=withdrawal.quantity, whole=whole)


def _by_when(about: Subject, withdrawal: Withdrawal) -> str:
    day = about.wording.day(withdrawal.refund_by_at)
    if withdrawal.state is WithdrawalState.REFUND_DUE:
        return day
    return f"{day}; {about.wording.say('refund_when_back')}"


def _to_do(about: Subject, withdrawal: Withdrawal) -> tuple[str, ...]:
    wording = about.wording
    if withdrawal.state is WithdrawalState.REFUND_DUE:
        return (wording.say("nothing_to_send"),)
    by = wording.day(withdrawal.declared_at + REFUND_WITHIN)
    sealed = about.terms.exclusion is Exclusion.SEALED_HYGIENE
    return (
        wording.say("send_back", day=by),
        *([wording.say("sealed_reminder")] if sealed else []),
    )
