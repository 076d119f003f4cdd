"""Standing agreements: the terms to be shown, the labelled yes to them, and what stands."""

from pydantic import BaseModel, ConfigDict, Field

from zodra_cloud.api.schemas.common import At, Given, Id, Place, Words
from zodra_cloud.api.schemas.quotes import Language
from zodra_cloud.replenish.agreements.terms import (
    NOTICE_S_MAX,
    ORDERS_MAX,
    WINDOW_DAYS_MAX,
    AgreementState,
)
from zodra_cloud.replenish.service import AGREEMENT_LABELS
from zodra_cloud.replenish.service import Agreement as StoredAgreement
from zodra_cloud.replenish.service import Terms as StoredTerms


class AgreementTerms(Place):
    """What a press may order without another yes, how dear, how often, after which notice."""

    model_config = ConfigDict(from_attributes=True)

    sku: str
    title: str = Field(description="What the product is called where the terms are shown.")
    quantity: int = Field(ge=1)
    currency: str = Field(pattern="^[A-Z]{3}$", examples=["EUR"])
    price_ceiling_minor: int = Field(
        description="Of one order in all, VAT and shipping included; above it, a question."
    )
    orders_max: int = Field(description="At most so many orders ...")
    window_days: int = Field(description="... in so many days.")
    notice_s: int = Field(
        description="Between telling the household of an order and asking the shop; until then "
        "it can be cancelled."
    )


class AgreementOffer(BaseModel):
    """Terms as they would be concluded; all of it is to be shown beside the control."""

    terms: AgreementTerms
    terms_hash: str = Field(description="Names all of `terms`.")
    labels: dict[Language, str] = Field(description="The literal words of the control.")

    @classmethod
    def of(cls, terms: StoredTerms) -> "AgreementOffer":
        """Show terms."""
        return cls(
            terms=AgreementTerms.model_validate(terms),
            terms_hash=terms.sha256(),
            labels={"en": AGREEMENT_LABELS["en"], "nl": AGREEMENT_LABELS["nl"]},
        )


class StandingAgreement(BaseModel):
    """An agreement under which a press orders, with the proof of its conclusion."""

    agreement_id: Id
    state: AgreementState
    terms: AgreementTerms
    terms_hash: str
    label: str = Field(description="The words on the control that was used.")
    language: str
    concluded_by: Id
    concluded_at: At
    ended_by: Id | None
    ended_at: At | None

    @classmethod
    def of(cls, stored: StoredAgreement) -> "StandingAgreement":
        """Show a stored one."""
        names = cls.model_fields.keys() - {"terms"}
        values = {name: getattr(stored, name) for name in names}
        return cls(terms=AgreementTerms.model_validate(stored.terms), **values)


class AgreementYes(Given):
    """A labelled yes to terms as they were shown; the numbers are those of the terms."""

    orders_max: int = Field(ge=1, le=ORDERS_MAX, examples=[2])
    window_days: int = Field(ge=1, le=WINDOW_DAYS_MAX, examples=[30])
    notice_s: int = Field(ge=0, le=NOTICE_S_MAX, examples=[14_400])
    terms_hash: str = Field(
        pattern="^[0-9a-f]{64}$", description="Of the terms as shown.", examples=["9f" * 32]
    )
    label: Words = Field(
        min_length=1,
        max_length=100,
        description="The literal words on the control that the person used: proof of the yes.",
        examples=[AGREEMENT_LABELS["en"]],
    )
    language: Language = Field(description="Of those words and the title.", examples=["en"])
