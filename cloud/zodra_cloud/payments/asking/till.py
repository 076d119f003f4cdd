"""The conversations with the provider about one payment. No unit of work is open meanwhile.

What must not be forgotten in the middle of one (the provider's name of the household, the id of a
prepared charge) is written by `remember` before anything is asked that moves money.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zodra_cloud.payments import policy
from zodra_cloud.payments.models import Rules, StoredMandate, StoredPayment
from zodra_cloud.payments.moves import attempt_key, payer_key
from zodra_cloud.payments.policy import Facts, Step
from zodra_cloud.payments.port import (
    Charge,
    ChargeState,
    Link,
    LinkState,
    Page,
    Paying,
    PaymentFault,
    PaymentRefusal,
    Provider,
    Refused,
    Unknown,
)
from zodra_cloud.payments.states import PaymentEvent

NO_CHARGE: Final = Refused(PaymentRefusal.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Work:
    """A payment at work, with what the provider knows of its household."""

    payment: StoredPayment
    payer_id: str | None
    mandate: StoredMandate | None
    """Under which the attempt is made; of an attempt by link, the live one."""
    first: bool
    """Nobody has asked the provider for this attempt before."""

    def facts(self) -> Facts:
        """What the next step depends on."""
        payment = self.payment
        return Facts(
            goods_sent=payment.capture_wanted_at is not None,
            failures=payment.failures,
            first_failed_at=payment.first_failed_at,
            by_link=payment.by_link,
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a conversation."""

    answer: Step | Link | Unknown
    charge: Charge | None = None


class MovedOn(Exception):
    """The payment went another way while the provider was asked; what was heard is stale."""


Remember = Callable[[Work, str | None, str | None], Work]
"""Stores the payer and the charge of an attempt. Raises `MovedOn`."""


class Till:
    """Asks the provider.

    Args:
        provider: whom.
        rules: about links.
        remember: stores in the middle of a conversation.
    """

    def __init__(self, provider: Provider, rules: Rules, remember: Remember) -> None:
        self._provider = provider
        self._rules = rules
        self._remember = remember

    def ask(self, work: Work, now: datetime) -> Heard:
        """Get the money of an attempt held, or a page on which the household does it."""
        work, payer = self._with_payer(work)
        if not isinstance(payer, str):
            return Heard(self._unasked(payer))
        if work.payment.by_link:
            return self._ask_household(work, payer, now)
        work, answer = self._ask_bank(work, payer)
        return self._judged(work, payer, answer, now)

    def look_at_link(self, work: Work, now: datetime) -> Heard:
        """See what the household did on the page; close it when its time is over."""
        payment = work.payment
        if payment.link_id is None or work.payer_id is None:
            return Heard(Step(PaymentEvent.EXPIRED))
        paying = _paying(work, work.payer_id, self._rules)
        over = payment.link_expires_at is None or now >= payment.link_expires_at
        verb = self._provider.close_link if over else self._provider.link
        link = verb(payment.link_id, paying)
        if isinstance(link, Unknown):
            return Heard(link)
        if isinstance(link, Refused):
            return Heard(_unclear(link))
        step = Step(None) if link.charge is None else policy.judge(link.charge, work.facts(), now)
        if step.event is not None or link.state is LinkState.OPEN:
            return Heard(step, link.charge)
        if link.state is LinkState.COMPLETE and not over:
            return Heard(step, link.charge)
        return self._expire(work, paying, link.charge, now)

    def capture(self, work: Work) -> Heard:
        """Take what is held."""
        payment = work.payment
        if payment.charge_id is None or work.payer_id is None:
            return Heard(Step(PaymentEvent.LAPSED))
        paying = _paying(work, work.payer_id, self._rules)
        charge = self._provider.capture(payment.charge_id, paying)
        if isinstance(charge, Unknown):
            return Heard(charge)
        if isinstance(charge, Refused):
            return Heard(_unclear(charge))
        if charge.state is ChargeState.CAPTURED:
            return Heard(Step(PaymentEvent.CAPTURED), charge)
        if charge.state in (ChargeState.CANCELLED, ChargeState.DECLINED):
            return Heard(Step(PaymentEvent.LAPSED), charge)
        return Heard(Step(None), charge)

    def void(self, work: Work) -> Heard:
        """Let go of whatever the attempt holds, or asked for."""
        found = self._to_void(work)
        if isinstance(found, Unknown):
            return Heard(found)
        if found is None or work.payer_id is None:
            return Heard(Step(PaymentEvent.VOIDED))
        charge = self._provider.void(found, _paying(work, work.payer_id, self._rules))
        if isinstance(charge, Unknown):
            return Heard(charge)
        if isinstance(charge, Refused):
            return Heard(_unclear(charge))
        if charge.state is ChargeState.CANCELLED:
            return Heard(Step(PaymentEvent.VOIDED), charge)
        if charge.state is ChargeState.CAPTURED:
            return Heard(Step(PaymentEvent.CAPTURED), charge)
        return Heard(Step(None), charge)

    def _with_payer(self, work: Work) -> tuple[Work, str | Refused | Unknown]:
        if work.payer_id is not None:
            return work, work.payer_id
        payer = self._provider.payer(payer_key(work.payment.household_id))
        return (self._remember(work, payer, None) if isinstance(payer, str) else work), payer

    def _unasked(self, answer: Refused | Unknown) -> Unknown:
        return answer if isinstance(answer, Unknown) else _unclear(answer)

    def _ask_household(self, work: Work, payer: str, now: datetime) -> Heard:
        page = Page(
            return_url=self._rules.return_url,
            expires_at=work.payment.link_expires_at or now + self._rules.link_lifetime,
            language=work.payment.language,
        )
        # A page of an earlier attempt to make one was never shown to anybody.
        link = self._provider.pay_link(_paying(work, payer, self._rules), page)
        if isinstance(link, Refused) and link.reason is PaymentRefusal.INVALID:
            return Heard(policy.judge(link, work.facts(), now))
        return Heard(link if isinstance(link, Link) else self._unasked(link))

    def _ask_bank(self, work: Work, payer: str) -> tuple[Work, Charge | Refused | Unknown]:
        if work.mandate is None:
            return work, Refused(PaymentRefusal.MANDATE_GONE)
        paying = _paying(work, payer, self._rules)
        known = work.payment.charge_id
        if known is None:
            answer = NO_CHARGE if work.first else self._find(work, paying)
            if answer == NO_CHARGE:
                answer = self._provider.prepare(paying)
            if isinstance(answer, Charge):
                work = self._remember(work, None, answer.charge_id)
        else:
            answer = self._provider.charge(known, paying)
        if isinstance(answer, Charge) and answer.state is ChargeState.PREPARED:
            answer = self._provider.authorize(answer.charge_id, paying)
        return work, answer

    def _find(self, work: Work, paying: Paying) -> Charge | Refused | Unknown:
        return self._provider.find(paying, work.payment.created_at)

    def _judged(
        self, work: Work, payer: str, answer: Charge | Refused | Unknown, now: datetime
    ) -> Heard:
        if isinstance(answer, Refused) and answer.reason in _OURS:
            answer = _unclear(answer)
        if isinstance(answer, Unknown):
            return Heard(answer)
        step = policy.judge(answer, work.facts(), now)
        charge = answer if isinstance(answer, Charge) else None
        if not step.to_link or work.payment.charge_id is None:
            return Heard(step, charge)
        # Two charges that could both hold money must never be: this one ends for certain first.
        ended = self._provider.void(work.payment.charge_id, _paying(work, payer, self._rules))
        if isinstance(ended, Charge) and ended.state is ChargeState.CANCELLED:
            return Heard(step)
        if isinstance(ended, Charge):
            return Heard(policy.judge(ended, work.facts(), now), ended)
        return Heard(ended if isinstance(ended, Unknown) else _unclear(ended))

    def _expire(self, work: Work, paying: Paying, charge: Charge | None, now: datetime) -> Heard:
        if charge is not None and charge.state is not ChargeState.CANCELLED:
            ended = self._provider.void(charge.charge_id, paying)
            if not isinstance(ended, Charge):
                return Heard(ended if isinstance(ended, Unknown) else _unclear(ended))
            step = policy.judge(ended, work.facts(), now)
            if step.event is not None or ended.state is not ChargeState.CANCELLED:
                return Heard(step, ended)
        sent = work.payment.capture_wanted_at is not None
        return Heard(Step(PaymentEvent.GIVE_UP if sent else PaymentEvent.EXPIRED))

    def _to_void(self, work: Work) -> str | Unknown | None:
        payment = work.payment
        if work.payer_id is None:
            return None
        paying = _paying(work, work.payer_id, self._rules)
        answer: Charge | Refused | Unknown | None
        if payment.link_id is not None:
            link = self._provider.close_link(payment.link_id, paying)
            if isinstance(link, Link) and link.state is LinkState.OPEN:
                # While it is open, the household can still pay on it.
                return Unknown(PaymentFault.REFUSED)
            answer = link.charge if isinstance(link, Link) else link
        elif payment.charge_id is not None:
            return payment.charge_id
        elif payment.by_link or payment.attempt == 0:
            return None
        else:
            answer = self._find(work, paying)
            answer = None if answer == NO_CHARGE else answer
        if isinstance(answer, Refused):
            return _unclear(answer)
        return answer.charge_id if isinstance(answer, Charge) else answer


_OURS: Final = frozenset(
    {PaymentRefusal.UNAUTHORIZED, PaymentRefusal.NOT_FOUND, PaymentRefusal.WRONG_STATE}
)
"""No word of a bank: something is wrong between the provider and us."""


def _paying(work: Work, payer_id: str, rules: Rules) -> Paying:
    payment = work.payment
    by_mandate = work.mandate is not None and not payment.by_link
    return Paying(
        key=attempt_key(payment),
        order_key=payment.order_key,
        payer_id=payer_id,
        amount=payment.amount,
        method_id=work.mandate.method_id if by_mandate and work.mandate else None,
        keep_method=payment.by_link and rules.keep_method and work.mandate is None,
    )


def _unclear(answer: Refused) -> Unknown:
    """Take a no that is nobody's word about the money: it is asked again, and a person sees why."""
    our_key = answer.reason is PaymentRefusal.UNAUTHORIZED
    return Unknown(PaymentFault.UNAUTHORIZED if our_key else PaymentFault.REFUSED)
