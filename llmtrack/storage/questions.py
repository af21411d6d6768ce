"""A question about usage, and the cheapest tables that answer it exactly.

One dimension, filtered by itself or not at all, is in the rollups by one dimension; one
filter with another dimension is in the pairs, per day. All else is read from the events
themselves, where `READ_EVENTS_MAX` bounds the work.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from llmtrack.domain.errors import Refused
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.spans import Pieces, Span, Step, cut, cut_finely
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
        return all(
            kind.is_counted_from(self.span.start_ms)
            for kind in (self.kind, *self.filters)
            if isinstance(kind, Tag)
        )


class Flat(NamedTuple):
    """Rows of the rollups by one dimension; of one value, or of all."""

    kind: Dimension
    value: int | None


class Pair(NamedTuple):
    """Rows of `usage_pair_day` of one value on one side."""

    code: int
    filters_first: bool
    value: int
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
    return Pair(pair.code, pair.first == filtered, value, pair.first)


class Plan(NamedTuple):
    """What to read: day rows, quarter rows, events."""

    route: Route
    days: tuple[int, int] | None
    quarters: tuple[tuple[int, int], ...]
    events: tuple[Span, ...]


def plan(question: Question, step: Step | None = None, *, has_days: bool = True) -> Plan:
    """The cheapest way to the answer; buckets finer than a day cannot use day rows.

    `has_days`: whether the day rows are those of the question's zone.
    """
    found = route(question)
    if found is None or (isinstance(found, Flat) and not _is_daily(found.kind)):
        return Plan(None, None, (), (question.span,))
    fine = not has_days or (step is not None and step.is_fine)
    pieces = cut_finely(question.span) if fine else cut(question.span, question.time_zone)
    if isinstance(found, Flat) and is_quarterly(found.kind):
        return Plan(found, *pieces)
    return Plan(found, pieces.days, (), _outside_days(question, pieces))


def _is_daily(kind: Dimension) -> bool:
    return isinstance(kind, Tag) or kind in DAY_KINDS


def _outside_days(question: Question, pieces: Pieces) -> tuple[Span, ...]:
    """Quarters and instants of the span as spans of events."""
    if pieces.days is None:
        return (question.span,)
    # The edges left and right of the days; `cut` made quarters and instants neighbours there.
    edges = sorted(
        [*pieces.instants, *(Span(a * QUARTER_MS, b * QUARTER_MS) for a, b in pieces.quarters)]
    )
    joined: list[Span] = []
    for edge in edges:
        if joined and joined[-1].end_ms == edge.start_ms:
            joined[-1] = Span(joined[-1].start_ms, edge.end_ms)
        else:
            joined.append(edge)
    return tuple(joined)
