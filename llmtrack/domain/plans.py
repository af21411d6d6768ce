"""Plans: a name, an optional monthly event limit, a billing state; and what they refuse.

The shapes are CONTRACT's 402 answers. The default plan is unlimited and refuses nothing.
"""

from enum import StrEnum
from typing import NamedTuple

FREE = "free"
UNLIMITED = "unlimited"
ACTIVE = "active"


class Plan(NamedTuple):
    name: str = UNLIMITED
    monthly_events: int | None = None
    billing_status: str = ACTIVE


class Reason(StrEnum):
    FREE_QUOTA = "FREE_PLAN_QUOTA_EXCEEDED"
    INACTIVE = "PAID_PLAN_INACTIVE"
    USAGE_LIMIT = "USAGE_LIMIT_REACHED"


class Refusal(NamedTuple):
    reason: Reason
    plan: Plan
    used: int


def refusal(plan: Plan, used: int) -> Refusal | None:
    """Why this plan takes no further event, `used` being this month's count; None if it does."""
    is_free = plan.name.casefold() == FREE
    if not is_free and plan.billing_status != ACTIVE:
        return Refusal(Reason.INACTIVE, plan, used)
    if plan.monthly_events is None or used < plan.monthly_events:
        return None
    return Refusal(Reason.FREE_QUOTA if is_free else Reason.USAGE_LIMIT, plan, used)
