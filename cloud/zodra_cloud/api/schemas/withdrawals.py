"""Withdrawal from an order after it was bought, in its two steps."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from zodra_cloud.api.schemas.common import Amount, At, Given, Id, Words
from zodra_cloud.api.schemas.quotes import Language
from zodra_cloud.law.labels import Control, Labels, allowed
from zodra_cloud.law.models import Choice
from zodra_cloud.law.models import Withdrawal as Stored
from zodra_cloud.law.policy.period import Exclusion
from zodra_cloud.law.policy.withdrawing import NotPossible, WithdrawalState
from zodra_cloud.law.service import Channel

WORDS_EN = allowed(Control.CONFIRM_WITHDRAWAL, Channel.WEB, "en")[0]


def control_words(labels: Labels) -> dict[Language, str]:
    """Give the literal words of the control that withdraws, by language."""
    control = Control.CONFIRM_WITHDRAWAL
    return {"en": labels.text(control, "en"), "nl": labels.text(control, "nl")}


class Withdrawal(BaseModel):
    """One declaration of withdrawal; it holds from the moment it was made."""

    model_config = ConfigDict(from_attributes=True)

    order_key: Id
    number: int = Field(ge=1, description="A second one of the same order is of another part.")
    quantity: int = Field(ge=1)
    state: WithdrawalState
    reason: str = Field(description="Why it was refused or needs a person; else empty.")
    refund: Amount = Field(description="What goes back.")
    refund_by_at: At = Field(description="By when the law wants it back.")
    declared_at: At
    acknowledged_at: At | None = Field(description="When the acknowledgement had arrived.")
    goods_back_at: At | None = Field(description="When the goods, or proof of sending, were there.")
    refunded_at: At | None

    @classmethod
    def of(cls, stored: Stored) -> "Withdrawal":
        """Show a stored one."""
        names = cls.model_fields.keys() - {"refund"}
        values = {name: getattr(stored, name) for name in names}
        refund = Amount(amount_minor=stored.refund_minor, currency=stored.currency)
        return cls(refund=refund, **values)


class WithdrawalChoice(BaseModel):
    """The first step: what can be withdrawn from now, until when, and by which words."""

    order_key: Id
    left: int = Field(ge=0, description="How many can still be withdrawn from.")
    withdrawn: int = Field(ge=0, description="How many already are; give it back as shown.")
    days: int = Field(ge=0, description="Of the terms as quoted, never less than the law's.")
    ends_at: datetime | None = Field(description="Null until a delivery is known.")
    exclusion: Exclusion | None = Field(description="What the law lets the shop except.")
    not_possible: NotPossible | None = Field(description="Why not; null if it is possible.")
    acknowledgement_to: str | None = Field(
        description="Where the acknowledgement goes; null: it is kept with the order."
    )
    labels: dict[Language, str] | None = Field(
        description="The literal words of the control that withdraws; null if none can."
    )
    withdrawals: list[Withdrawal]

    @classmethod
    def of(cls, choice: Choice, labels: Labels) -> "WithdrawalChoice":
        """Show a choice."""
        return cls(
            order_key=choice.order.order_key,
            left=choice.left,
            withdrawn=choice.withdrawn,
            days=choice.terms.days,
            ends_at=choice.ends_at,
            exclusion=choice.terms.exclusion,
            not_possible=choice.not_possible,
            acknowledgement_to=choice.email,
            labels=control_words(labels) if choice.not_possible is None else None,
            withdrawals=[Withdrawal.of(each) for each in choice.withdrawals],
        )


class ContractWithdrawalYes(Given):
    """The words of the control that withdraws from a contract."""

    label: Words = Field(
        min_length=1,
        max_length=100,
        description="The literal words on the control that the person used.",
        examples=[WORDS_EN],
    )
    language: Language = Field(description="Of those words.", examples=["en"])


class WithdrawalYes(ContractWithdrawalYes):
    """The second step: the declaration."""

    quantity: int = Field(ge=1, le=1_000, description="Of what was ordered.", examples=[1])
    withdrawn: int = Field(
        ge=0, le=1_000, description="As the first step showed: nothing came between.", examples=[0]
    )


class GoodsSent(BaseModel):
    """Whether the word that the goods are on their way back changed anything."""

    taken: bool = Field(description="False: no withdrawal of the order waits for goods.")
    withdrawals: list[Withdrawal]
