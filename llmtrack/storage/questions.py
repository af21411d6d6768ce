"""A question about usage, and the cheapest tables that answer it exactly.

One dimension, filtered by itself or not at all, is in the rollups by one dimension; one
filter with another dimension is in the pairs, per day. All else is read from the events
themselves, where `READ_EVENTS_MAX` bounds the work.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrack.domain.errors import Refused
from llmtrack.domain.spans import DayPieces, Span, cut, cut_finely
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    Dimension,
    Filters,
    Kind,
    Tag,
    is_quarterly,
    kept_pair,
)

READ_EVENTS_MAX = 30_000
"""Events one question may read one by one: some 70 ms."""
LATENCY_EVENTS_MAX = 10_000
"""The same for latencies, which stand beside sums on a page that shows them if it can."""
PASSED_PER_READ = 10
"""An event that a filter passes over takes a tenth of the time of one that is added up."""


class TooMuchToRead(Refused):
    """The question needs more single events than a page may read."""

    def __init__(self, events: int, events_max: int) -> None:
        super().__init__(
            f"this reads {events:,} events one by one, and at most {events_max:,} are read",
            fix="choose a shorter period or fewer filters",
        )
        self.events = events
        self.events_max = events_max


@dataclass(frozen=True)
class Question:
    """Usage in a span, by the values of one dimension (TOTAL: of none), filtered by others."""

    kind: Dimension
    span: Span
    time_zone: str
    filters: Filters = field(default_factory=dict)
    read_events_max: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether all that it is about is in the sums, tags that are new among them."""
        return self.is_counted_from(self.span.start_ms)

    def is_counted_from(self, start_ms: int) -> bool:
        return all(
            kind.is_counted_from(start_ms)
            for kind in (self.kind, *self.filters)
            if isinstance(kind, Tag)
        )


class Flat(NamedTuple):
    """Rows of the rollups by one dimension; of one value, or of all."""

    kind: Dimension
    value: int | None


class Pair(NamedTuple):
    """Rows of `usage_pair_day` of one value on one side, or of some on the first."""

    code: int
    filters_first: bool
    values: tuple[int, ...]
    first_kind: Dimension


Route = Flat | Pair | None


def route(question: Question) -> Route:
    """Where whole days of the answer are; None: only in the events."""
    kind, filters = question.kind, question.filters
    if not question.is_counted:
        return None
    if not filters:
        return Flat(kind, None)
    if len(filters) > 1:
        return None
    [(filtered, value)] = filters.items()
    if kind in {Kind.TOTAL, filtered}:
        return Flat(filtered, value)
    pair = kept_pair(filtered, kind)
    if pair is None:
        return None
    return Pair(pair.code, pair.first == filtered, (value,), pair.first)


class Plan(NamedTuple):
    """What to read: day rows, quarter rows, events."""

    route: Route
    days: tuple[int, int] | None
    quarters: tuple[tuple[int, int], ...]
    events: tuple[Span, ...]
    less: tuple[Span, ...] = ()
    """Events that the day rows count and the question is not about."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """Whose events are read one by one."""
        return self.events + self.less


def plan(question: Question, found: Route, *, fine: bool, edges: DayPieces | None = None) -> Plan:
    """The cheapest way to the answer, whose whole days are at `found`.

    `fine`: without day rows, which are of another zone or too coarse.
    `edges`: how the span is made of days, wanted where `needs_edges`.
    """
    span = question.span
    if found is None or (isinstance(found, Flat) and not _is_daily(found.kind)):
        return Plan(None, None, (), (span,))
    if not needs_edges(found):
        return Plan(found, *(cut_finely(span) if fine else cut(span, question.time_zone)))
    if fine or edges is None:
        return Plan(found, None, (), (span,))
    return Plan(found, edges.days, (), edges.more, edges.less)


def needs_edges(found: Flat | Pair) -> bool:
    """Whether nothing is kept between its days and the events."""
    return isinstance(found, Pair) or not is_quarterly(found.kind)


def _is_daily(kind: Dimension) -> bool:
    return isinstance(kind, Tag) or kind in DAY_KINDS
