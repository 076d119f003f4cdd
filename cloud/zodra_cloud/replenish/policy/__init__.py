"""The room's rules, pure: what a need leads to, and what may be ordered without another yes."""

from zodra_cloud.replenish.policy.calling import (
    Cover,
    CoverBasis,
    judge_call_off,
    over_cap,
)
from zodra_cloud.replenish.policy.needs import (
    CLOCK_SLACK_S,
    ERROR_MS_MAX,
    ORDER_LABELS,
    POLICY_VERSION,
    Binding,
    Decision,
    Fact,
    Need,
    Reason,
    Standing,
    Verdict,
    age_s_max,
    decide,
    is_stale,
    judge_price,
    replay,
)

__all__ = [
    "CLOCK_SLACK_S",
    "ERROR_MS_MAX",
    "ORDER_LABELS",
    "POLICY_VERSION",
    "Binding",
    "Cover",
    "CoverBasis",
    "Decision",
    "Fact",
    "Need",
    "Reason",
    "Standing",
    "Verdict",
    "age_s_max",
    "decide",
    "is_stale",
    "judge_call_off",
    "judge_price",
    "over_cap",
    "replay",
]
