"""What the rollups count, and by what: the codes behind `kind`, and the measures' columns."""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, Self

from llmtrack.domain.periods import QUARTER_MS


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


TAG_KINDS = 1024
"""Added to a tag's number: its kind. Greater than every pair of the dimensions above."""


class Tag(int):
    """A tracked tag as a dimension. As a number it is its `kind` in the tables."""

    key: str
    counted_quarter: int
    """Events of this quarter and later ones are in the sums; 0: all are."""
    known_ms: int | None
    """Single events before it were deleted uncounted; None: none were."""

    def __new__(
        cls, number: int, key: str, counted_quarter: int = 0, known_ms: int | None = None
    ) -> Self:
        tag = super().__new__(cls, TAG_KINDS + number)
        tag.key, tag.counted_quarter, tag.known_ms = key, counted_quarter, known_ms
        return tag

    @property
    def number(self) -> int:
        return self - TAG_KINDS

    @property
    def path(self) -> str:
        """Of the member of metadata, as SQLite's JSON functions take it."""
        return f'$."{self.key}"'

    def parameters(self, prefix: str = "") -> dict[str, str | int]:
        """Of the expressions in `tag_values`."""
        return {f"{prefix}path": self.path, f"{prefix}number": self.number}

    def is_counted_from(self, start_ms: int) -> bool:
        return start_ms >= self.counted_quarter * QUARTER_MS or not self.counted_quarter


OTHER_VALUE = 0
"""Stands for all values of a tag that are not counted on their own."""
Dimension = Kind | Tag
Filters = Mapping[Kind, int] | Mapping[Tag, int] | Mapping[Dimension, int]
"""Dimensions and the values that events must have of them."""
TAG_PARTNERS = DAY_KINDS[1:]
"""The dimensions that each tag has pairs with, `value` being the tag's; and later tags."""


class Both(NamedTuple):
    """Two dimensions in the order in which a pair of them is kept."""

    first: Dimension
    second: Dimension

    @property
    def code(self) -> int:
        return pair_code(self.first, self.second)


def is_quarterly(kind: Dimension) -> bool:
    """Whether sums by this dimension are kept per quarter and per day."""
    return isinstance(kind, Tag) or kind in QUARTER_KINDS


def is_partial(kind: Dimension) -> bool:
    """Whether events may have no value of this dimension: the rollups have no row for those."""
    return isinstance(kind, Tag) or kind is Kind.CUSTOMER


def kept_pair(one: Dimension, other: Dimension) -> Both | None:
    """The two as a pair whose sums are kept, in its order."""
    for first, second in ((one, other), (other, one)):
        if isinstance(first, Tag):
            is_kept = first < second if isinstance(second, Tag) else second in TAG_PARTNERS
        else:
            is_kept = (first, second) in PAIRS
        if is_kept:
            return Both(first, second)
    return None


def pair_code(first: int, second: int) -> int:
    return first * (16 if second < 16 else 2**16) + second


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
