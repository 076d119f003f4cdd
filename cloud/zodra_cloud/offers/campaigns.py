"""What may be offered, and when. Words are here with the rule, so that each is read with it."""

from datetime import timedelta
from typing import Final

from zodra_cloud.offers.policy import Campaign
from zodra_contract.signal import SignalKind

CAMPAIGNS: Final = (
    Campaign(
        campaign_id="heating-filter",
        kind=SignalKind.SERVICE_DUE,
        family="thermostat",
        sku="trv-filter",
        quantity=1,
        value=10,
        lifetime=timedelta(days=14),
        rest=timedelta(days=30),
        titles={"en": "A new filter for your heating", "nl": "Een nieuw filter voor je verwarming"},
        reasons={
            "en": "Because the heating has run for {duration} since the filter was new.",
            "nl": "Omdat de verwarming {duration} heeft gedraaid sinds het filter nieuw was.",
        },
        reasons_plain={
            "en": "Because the filter of your heating has run for as long as it should.",
            "nl": "Omdat het filter van je verwarming zo lang meeging als het hoort mee te gaan.",
        },
        duration_evidence="heating_hours",
    ),
    Campaign(
        campaign_id="wearable-strap",
        kind=SignalKind.WORN_OUT,
        family="wearable",
        sku="hr-strap",
        quantity=1,
        value=5,
        lifetime=timedelta(days=30),
        rest=timedelta(days=60),
        titles={"en": "A new strap for your wearable", "nl": "Een nieuwe band voor je wearable"},
        reasons={
            "en": "Because the strap has been worn for {duration} since it was new.",
            "nl": "Omdat de band {duration} is gedragen sinds hij nieuw was.",
        },
        reasons_plain={
            "en": "Because the strap has been worn for as long as it should.",
            "nl": "Omdat de band zo lang is gedragen als hij hoort mee te gaan.",
        },
        duration_evidence="worn_hours",
    ),
)
