"""Every move of a need, a quote or an order: one table look-up, one set of rows, one commit.

All functions work inside the caller's unit of work, which must name the household: units of the
same household follow each other, so what is read here does not change until it is written.
"""

from zodra_cloud.replenish.moves.common import (
    CANCEL_JOB,
    EXPIRE_JOB,
    FOLLOW_JOB,
    FOLLOW_UP_JOB,
    LATE_JOB,
    PLACE_JOB,
    QUOTE_JOB,
    enqueue,
    job_key,
    move_need,
    move_needs,
)
from zodra_cloud.replenish.moves.orders import (
    Yes,
    add_order,
    flag_late,
    hear_shop,
    move_order,
    new_order,
    note,
    wait_for_payment,
)
from zodra_cloud.replenish.moves.quotes import (
    QUESTION_LIFETIME,
    Moving,
    Wanted,
    add_quotes,
    ask,
    end_quote,
    move_quote,
    move_quotes,
    new_quote,
    order_key,
    quote_id,
)

__all__ = [
    "CANCEL_JOB",
    "EXPIRE_JOB",
    "FOLLOW_JOB",
    "FOLLOW_UP_JOB",
    "LATE_JOB",
    "PLACE_JOB",
    "QUESTION_LIFETIME",
    "QUOTE_JOB",
    "Moving",
    "Wanted",
    "Yes",
    "add_order",
    "add_quotes",
    "ask",
    "end_quote",
    "enqueue",
    "flag_late",
    "hear_shop",
    "job_key",
    "move_need",
    "move_needs",
    "move_order",
    "move_quote",
    "move_quotes",
    "new_order",
    "new_quote",
    "note",
    "order_key",
    "quote_id",
    "wait_for_payment",
]
