"""Stretches of time, cut so that each piece can be read from the coarsest sums that fit.

A span is `[start_ms, end_ms)`. Its pieces are whole local days, then whole quarters, then
what is left of quarters that begin or end inside.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from llmtrack.domain.periods import (
    DAY_MS,
    QUARTER_MS,
    date_of_day,
    day_number,
    day_of,
    day_start_ms,
    next_month,
    zone,
)


class Span(NamedTuple):
    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        return max(0, self.end_ms - self.start_ms)


class Pieces(NamedTuple):
    """Each pair is half-open; `days` and `quarters` count days and quarters, not ms."""

    days: tuple[int, int] | None
    quarters: tuple[tuple[int, int], ...]
    instants: tuple[Span, ...]


def cut(span: Span, zone_name: str) -> Pieces:
    """The fewest, coarsest pieces that make up the span exactly."""
    if span.end_ms <= span.start_ms:
        return Pieces(None, (), ())
    first_quarter = -(-span.start_ms // QUARTER_MS)
    end_quarter = span.end_ms // QUARTER_MS
    if first_quarter > end_quarter:  # inside one quarter
        return Pieces(None, (), (span,))
    instants = _some(
        Span(span.start_ms, first_quarter * QUARTER_MS), Span(end_quarter * QUARTER_MS, span.end_ms)
    )
    first_day = day_of(span.start_ms, zone_name)
    if day_start_ms(first_day, zone_name) < span.start_ms:
        first_day += 1
    end_day = day_of(span.end_ms, zone_name)
    if end_day <= first_day:
        return Pieces(None, _pairs((first_quarter, end_quarter)), instants)
    days_start = day_start_ms(first_day, zone_name) // QUARTER_MS
    days_end = day_start_ms(end_day, zone_name) // QUARTER_MS
    quarters = _pairs((first_quarter, days_start), (days_end, end_quarter))
    return Pieces((first_day, end_day), quarters, instants)


def cut_finely(span: Span) -> Pieces:
    """Quarters and instants only: for buckets shorter than a day."""
    first_quarter = -(-span.start_ms // QUARTER_MS)
    end_quarter = span.end_ms // QUARTER_MS
    if first_quarter > end_quarter:
        return Pieces(None, (), _some(span))
    return Pieces(
        None,
        _pairs((first_quarter, end_quarter)),
        _some(
            Span(span.start_ms, first_quarter * QUARTER_MS),
            Span(end_quarter * QUARTER_MS, span.end_ms),
        ),
    )


class DayPieces(NamedTuple):
    """Whole days, and what is to be added to them and taken away from them."""

    days: tuple[int, int] | None
    more: tuple[Span, ...]
    less: tuple[Span, ...]


def cut_at_days(span: Span, zone_name: str, until_ms: int) -> DayPieces:
    """Where nothing is finer than a day but the events: as few of those as make the span exact.

    A day that the span cuts is added in part, or taken as a whole without its rest, whichever is
    shorter; from `until_ms` on there are no events.
    """
    if not span.length_ms:
        return DayPieces(None, (), ())

    def held_ms(spans: Sequence[Span]) -> int:
        return sum(Span(part.start_ms, min(part.end_ms, until_ms)).length_ms for part in spans)

    first, last = day_of(span.start_ms, zone_name), day_of(span.end_ms - 1, zone_name)
    before = _some(Span(day_start_ms(first, zone_name), span.start_ms))
    after = _some(Span(span.end_ms, day_start_ms(last + 1, zone_name)))
    if first == last:
        rests = (*before, *after)
        if not rests or held_ms(rests) < held_ms([span]):
            return DayPieces((first, first + 1), (), rests)
        return DayPieces(None, (span,), ())
    more: list[Span] = []
    less: list[Span] = []
    head = Span(span.start_ms, day_start_ms(first + 1, zone_name))
    tail = Span(day_start_ms(last, zone_name), span.end_ms)
    days = [first, last + 1]
    for rest, part, side, inwards in ((before, head, 0, 1), (after, tail, 1, -1)):
        if rest and held_ms(rest) >= held_ms([part]):
            more.append(part)
            days[side] += inwards
        else:
            less += rest
    if days[0] == days[1]:
        return DayPieces(None, (span,), ())
    return DayPieces((days[0], days[1]), tuple(more), tuple(less))


class Step(Enum):
    """The width of a chart's buckets."""

    QUARTER = "15 minutes"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @property
    def is_fine(self) -> bool:
        return self in {Step.QUARTER, Step.HOUR}


class Buckets:
    """Neighbouring spans that cover a whole one, and which of them a moment falls in."""

    def __init__(self, starts: Sequence[int], end_ms: int, step: Step) -> None:
        self.step = step
        self.spans = [Span(*pair) for pair in zip(starts, [*starts[1:], end_ms], strict=True)]
        self._starts = starts

    def __len__(self) -> int:
        return len(self.spans)

    def place(self, timestamp_ms: int) -> int:
        return max(0, bisect_right(self._starts, timestamp_ms) - 1)

    @property
    def quarters_together(self) -> tuple[int, int]:
        """A quarter no later than the first one here, and a width: as many from there on, and
        then again as many, are of one bucket. The width is 1 where buckets differ.
        """
        first = self._starts[0] // QUARTER_MS
        whole = [start // QUARTER_MS for start in self._starts[1:]]  # the first may be a part
        widths = {after - before for before, after in pairwise(whole)}
        if len(widths) != 1:
            return first, 1
        [width] = widths
        return (whole[0] - width, width) if whole[0] - width <= first else (first, 1)


def buckets_of(span: Span, step: Step, zone_name: str) -> Buckets:
    """Cut a quarter-aligned span at the zone's own hours, days or months."""
    if step is Step.QUARTER:
        starts = list(range(span.start_ms, span.end_ms, QUARTER_MS))
    elif step is Step.HOUR:
        starts = _hour_starts(span, zone_name)
    elif step is Step.DAY:
        first, last = day_of(span.start_ms, zone_name), day_of(span.end_ms - 1, zone_name)
        starts = [day_start_ms(day, zone_name) for day in range(first, last + 1)]
    else:
        starts = _month_starts(span, zone_name)
    if starts:
        starts[0] = max(starts[0], span.start_ms)
    return Buckets(starts, span.end_ms, step)


def _hour_starts(span: Span, zone_name: str) -> list[int]:
    """A new hour where the local hour or the UTC offset changes: 25 of them in autumn."""
    starts: list[int] = []
    before: tuple[int, timedelta | None] | None = None
    for start_ms in range(span.start_ms, span.end_ms, QUARTER_MS):
        local = datetime.fromtimestamp(start_ms // 1000, zone(zone_name))
        hour = (local.hour, local.utcoffset())
        if hour != before:
            starts.append(start_ms)
            before = hour
    return starts


def _month_starts(span: Span, zone_name: str) -> list[int]:
    day = date_of_day(day_of(span.start_ms, zone_name)).replace(day=1)
    starts = []
    while (start_ms := day_start_ms(day_number(day), zone_name)) < span.end_ms:
        starts.append(start_ms)
        day = next_month(day)
    return starts


def aligned(span: Span) -> Span:
    """Widened to whole quarters."""
    return Span(
        span.start_ms // QUARTER_MS * QUARTER_MS, -(-span.end_ms // QUARTER_MS) * QUARTER_MS
    )


def step_for(span: Span) -> Step:
    """Bars that are neither too few nor too many to read."""
    if span.length_ms <= DAY_MS // 6:
        return Step.QUARTER
    if span.length_ms <= 2 * DAY_MS + DAY_MS // 8:
        return Step.HOUR
    return Step.DAY if span.length_ms <= 400 * DAY_MS else Step.MONTH


def _pairs(*pairs: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(pair for pair in pairs if pair[0] < pair[1])


def _some(*spans: Span) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.start_ms < span.end_ms)
