"""What the rollups count, and by what: the codes behind `kind`, and the measures' columns."""

from enum import IntEnum


class Kind(IntEnum):
    """A dimension of the rollups; its number is stored, so numbers are never reused."""

    TOTAL = 0
    PROVIDER = 1
    MODEL = 2
    FEATURE = 3
    KEY = 4
    ENVIRONMENT = 5
    STATUS = 6
    SOURCE = 7
    CUSTOMER = 8
    # Names only, not counted:
    OPERATION = 9
    SERVICE = 10
    SERVICE_TIER = 11


NAMED_KINDS = (
    Kind.PROVIDER,
    Kind.MODEL,
    Kind.FEATURE,
    Kind.ENVIRONMENT,
    Kind.SOURCE,
    Kind.CUSTOMER,
)
"""Kinds whose `value` is a `name.id`; KEY's is an `api_key.id`, STATUS's a status code."""

QUARTER_KINDS = (
    Kind.TOTAL,
    Kind.PROVIDER,
    Kind.MODEL,
    Kind.FEATURE,
    Kind.KEY,
    Kind.ENVIRONMENT,
    Kind.STATUS,
    Kind.SOURCE,
)
DAY_KINDS = (*QUARTER_KINDS, Kind.CUSTOMER)
LATENCY_DAY_KINDS = (Kind.TOTAL, Kind.MODEL, Kind.FEATURE)
LATENCY_QUARTER_KINDS = (Kind.TOTAL,)
"""In a quarter most steps of a model or feature hold one event: reading events costs no more."""

PAIRS = (
    (Kind.MODEL, Kind.PROVIDER),
    (Kind.MODEL, Kind.FEATURE),
    (Kind.MODEL, Kind.KEY),
    (Kind.MODEL, Kind.ENVIRONMENT),
    (Kind.MODEL, Kind.STATUS),
    (Kind.MODEL, Kind.SOURCE),
    (Kind.MODEL, Kind.CUSTOMER),
    (Kind.FEATURE, Kind.PROVIDER),
    (Kind.FEATURE, Kind.KEY),
    (Kind.FEATURE, Kind.ENVIRONMENT),
    (Kind.FEATURE, Kind.STATUS),
    (Kind.FEATURE, Kind.CUSTOMER),
    (Kind.PROVIDER, Kind.KEY),
    (Kind.PROVIDER, Kind.ENVIRONMENT),
    (Kind.KEY, Kind.ENVIRONMENT),
)
"""The pairs of dimensions that `usage_pair_day` keeps, `value` x `other`."""


def pair_code(first: Kind, second: Kind) -> int:
    return first * 16 + second


MEASURES = (
    "events",
    "errors",
    "timeouts",
    "cancelled",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_micro",
    "cost_rest",
    "unpriced_events",
    "partial_events",
    "unknown_usage_events",
)
"""Sums in every usage row. Cost is in two limbs, see `domain.money.split_pico`.

`unknown_usage_events` are those with status no_usage, insufficient_usage or invalid_usage.
"""
