"""The form that asks for the terms of a subscription, from a slot or a quote."""

from zodra_cloud.subscriptions.service import Item, Source
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.subscriptions.forms import start_fields
from zodra_cloud.web.views.subscriptions.overview import item_text
from zodra_cloud.web.views.subscriptions.pages import StartPage, Tried


def start_page(
    speech: Speech, source: Source, quote: str, key: str, tried: Tried | None
) -> StartPage:
    """Make the form.

    Args:
        speech: of the reader.
        source: what would be delivered, and to which slot.
        quote: the quote that it comes from; empty for none.
        key: drawn once for this form.
        tried: the form as it was sent, if it was not taken.
    """
    fields, fault = start_fields(speech, source.quantity, source.currency, tried)
    place = f"/slots/{source.device_id}/{source.slot_key}"
    return StartPage(
        action=f"{place}/subscribe",
        back=place,
        title=item_text(speech, Item(source.sku, 1, source.titles)),
        key=key,
        hidden=(("quote", quote),) if quote else (),
        fields=fields,
        fault=fault,
        sentence=speech.say(
            "We ask the shop what it costs. You then see all the terms, and nothing is agreed "
            "before your yes."
        ),
    )
