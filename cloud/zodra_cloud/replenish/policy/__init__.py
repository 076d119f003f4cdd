"""The room's rules, pure: what a need leads to, and what may be ordered without another yes."""

from zodra_cloud.law.labels import ORDER_LABELS
from zodra_cloud.replenish.policy.after import (
    FOLLOW_UP_AFTER,
    FOLLOW_UP_LIFETIME,
    LATE_SLACK,
    Late,
    judge_late,
)
from zodra_cloud.replenish.policy.calling import (
    Cover,
    CoverBasis,
    judge_call_off,
    over_cap,
)
from zodra_cloud.replenish.policy.needs import (
    CLOCK_SLACK_S,
    ERROR_MS_MAX,
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
    "FOLLOW_UP_AFTER",
    "FOLLOW_UP_LIFETIME",
    "LATE_SLACK",
    "ORDER_LABELS",
    "POLICY_VERSION",
    "Binding",
    "Cover",
    "CoverBasis",
    "Decision",
    "Fact",
    "Late",
    "Need",
    "Reason",
    "Standing",
    "Verdict",
    "age_s_max",
    "decide",
    "is_stale",
    "judge_call_off",
    "judge_late",
    "judge_price",
    "over_cap",
    "replay",
]
