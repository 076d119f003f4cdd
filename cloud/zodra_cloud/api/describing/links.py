"""Where an answer leads: which call takes what it gives, for readers and for tests that follow."""

from typing import Any, Final

_FIRST: Final = "$response.body#/items/0"
_SLOT: Final = {"device_id": "$response.body#/device_id", "slot_key": "$response.body#/slot_key"}
_FIRST_SLOT: Final = {
    "device_id": "$response.body#/0/device_id",
    "slot_key": "$response.body#/0/slot_key",
}
_YES: Final = {
    "snapshot_hash": "$response.body#/snapshot_hash",
    "label": "$response.body#/labels/en",
    "language": "en",
}

LINKS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "list_needs": {
        "read_need": {"parameters": {"signal_id": f"{_FIRST}/signal_id"}},
        "explain_need": {"parameters": {"signal_id": f"{_FIRST}/signal_id"}},
    },
    "list_quotes": {"read_quote": {"parameters": {"quote_id": f"{_FIRST}/quote_id"}}},
    "read_quote": {
        "confirm_quote": {
            "parameters": {"quote_id": "$response.body#/quote_id"},
            "requestBody": _YES,
        },
        "answer_question": {"parameters": {"quote_id": "$response.body#/quote_id"}},
        "decline_quote": {"parameters": {"quote_id": "$response.body#/quote_id"}},
    },
    "confirm_quote": {
        "read_order": {"parameters": {"order_key": "$response.body#/order_key"}},
        "cancel_order": {"parameters": {"order_key": "$response.body#/order_key"}},
    },
    "list_orders": {"read_order": {"parameters": {"order_key": f"{_FIRST}/order_key"}}},
    "read_order": {
        "cancel_order": {"parameters": {"order_key": "$response.body#/order_key"}},
        "say_whether_right": {"parameters": {"order_key": "$response.body#/order_key"}},
    },
    "list_slots": {
        "read_slot": {"parameters": _FIRST_SLOT},
        "read_forecast": {"parameters": _FIRST_SLOT},
    },
    "read_slot": {
        "change_slot": {"parameters": {**_SLOT, "header.if-match": "$response.header.ETag"}},
        "count_slot": {"parameters": _SLOT},
    },
    "list_devices": {"read_device": {"parameters": {"device_id": "$response.body#/0/device_id"}}},
}
"""By the operation that answers, then by the one that it leads to."""
