"""Reads what Explore shows: a metric by value, over time, by a second dimension, and before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmtrack.domain.latency import merged, percentile
from llmtrack.domain.spans import Buckets
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.latencies import Steps, latency_steps
from llmtrack.storage.latency_series import StepsByBucket, latency_series
from llmtrack.storage.pair_reports import usage_of_values
from llmtrack.storage.reports import (
    ByValue,
    UsageReport,
    totals_by_bucket,
    usage_by_value,
    usage_report,
)
from llmtrack.storage.sums import NO_SUMS, WHOLE, Sums, total_of
from llmtrack.web.analytics import Look
from llmtrack.web.explore_query import Ask, buckets_for
from llmtrack.web.metrics import Metric

Points = list[int | None]


@dataclass(frozen=True)
class Before:
    """The metric in the period before, which may have more buckets than this one, or fewer."""

    buckets: Buckets
    points: Points
    total: int | None
    values: Mapping[int | None, int | None]
    sums: ByValue

    def of(self, value: int | None, metric: Metric) -> int | None:
        """Of a value that had no requests then, as of no requests."""
        return self.values[value] if value in self.values else value_of(metric, NO_SUMS)


@dataclass
class Explored:
    """Values in the order of the metric, the largest first; the nameless one is None."""

    metric: Metric
    buckets: Buckets
    report: UsageReport[Sums]
    order: list[int | None]
    labels: Mapping[int | None, Label]
    shown: int
    """How many of `order` have a line of their own; the rest is "Other"."""
    steps: Steps = field(default_factory=dict)
    steps_by_bucket: StepsByBucket = field(default_factory=dict)
    """Of the shown values."""
    total_steps: Sequence[Counter[int]] = ()
    begun: int = 0
    """Buckets that have begun: a cumulative line ends there."""
    before: Before | None = None
    subs: dict[int | None, ByValue] = field(default_factory=dict)
    """The second dimension of each value that has a line."""
    sub_labels: Mapping[int | None, Label] = field(default_factory=dict)
    sub_totals: ByValue = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        return self.value_of(self.report.total, self.total_steps)

    @property
    def total_points(self) -> Points:
        return [
            self.value_of(sums, self.total_steps[place : place + 1])
            for place, sums in enumerate(self.report.bucket_totals)
        ]

    def of(self, value: int | None) -> int | None:
        return value_of(self.metric, self.report.values[value], [self.steps.get(value, Counter())])

    def points(self, value: int | None) -> Points:
        series = self.report.series.get(value) or self._rest()
        steps = self.steps_by_bucket.get(value, ())
        return [self.value_of(sums, steps[place : place + 1]) for place, sums in enumerate(series)]

    @property
    def before_rest(self) -> Sums:
        """Of what has no line, in the period before, which values of only then are part of."""
        named = set(self.order[: self.shown])
        sums = self.before.sums if self.before else {}
        return total_of(of_value for value, of_value in sums.items() if value not in named)

    @property
    def sub_rest(self) -> dict[int | None, Sums]:
        """The second dimension of what has no line."""
        rest = dict(self.sub_totals)
        for of_subs in self.subs.values():
            for sub, sums in of_subs.items():
                rest[sub] = rest.get(sub, NO_SUMS) - sums
        return {sub: sums for sub, sums in rest.items() if sums.events}

    def _rest(self) -> list[Sums]:
        """Of events without a value, which are last and so only shown when all others are."""
        rest = list(self.report.bucket_totals)
        for series in self.report.series.values():
            rest = [left - part for left, part in zip(rest, series, strict=True)]
        return rest

    def value_of(self, sums: Sums, steps: Sequence[Counter[int]] = ()) -> int | None:
        return value_of(self.metric, sums, steps)


def value_of(metric: Metric, sums: Sums, steps: Sequence[Counter[int]] = ()) -> int | None:
    """What the metric is of some events, from their sums or their latencies."""
    if metric.of is not None:
        return metric.of(sums) if sums.events or metric.adds_up else None
    return percentile(merged(steps), metric.percentile or 0)


async def explore(look: Look, ask: Ask) -> Explored:
    """Raises TooMuchToRead."""
    reading, zone = look.reading, look.scope.time_zone
    question = look.question()
    buckets = buckets_for(question.span, ask, zone)
    steps: Steps = await latency_steps(reading, question) if ask.metric.percentile else {}

    def order(values: ByValue) -> list[int | None]:
        return sorted(values, key=lambda value: _rank(ask.metric, values[value], steps, value))

    report = await usage_report(
        reading, question, buckets, series_max=ask.top + 1, of=WHOLE, order=order
    )
    found = Explored(ask.metric, buckets, report, order(report.values), {}, ask.top, steps)
    found.begun = sum(bucket.start_ms < look.now_ms for bucket in buckets.spans)
    if len(found.order) <= ask.top + 1:
        found.shown = len(found.order)
    shown = [value for value in found.order[: found.shown] if value is not None]
    found.labels = await labels_of(reading, question.kind, shown)
    if ask.metric.percentile:
        found.steps_by_bucket = await latency_series(reading, question, buckets, shown)
        total = await latency_series(reading, look.question(Kind.TOTAL), buckets)
        found.total_steps = total.get(0, ())
    if ask.sub_kind is not None:
        await _load_subs(look, ask, found)
    if ask.compare:
        found.before = await _load_before(look, ask)
    return found


async def _load_subs(look: Look, ask: Ask, found: Explored) -> None:
    kind = ask.sub_kind
    assert kind is not None  # noqa: S101 - asked for
    found.sub_totals = await usage_by_value(look.reading, look.question(kind))
    shown = [value for value in found.order[: found.shown] if value is not None]
    question = look.question(kind)
    found.subs = await usage_of_values(look.reading, question, look.query.kind, shown)
    if None in found.order[: found.shown]:
        found.subs[None] = found.sub_rest  # it is last: all others have a line
    every = [found.sub_totals, *found.subs.values()]
    values = {one for by_value in every for one in by_value if one is not None}
    found.sub_labels = await labels_of(look.reading, kind, sorted(values))


async def _load_before(look: Look, ask: Ask) -> Before:
    span, metric = look.timeframe.previous, ask.metric
    question, of_all = look.question(span=span), look.question(Kind.TOTAL, span)
    values = await usage_by_value(look.reading, question)
    buckets = buckets_for(span, ask, look.scope.time_zone)
    sums = await totals_by_bucket(look.reading, of_all, buckets)
    steps: Steps = {}
    steps_by_bucket: Sequence[Counter[int]] = ()
    if metric.percentile:
        steps = await latency_steps(look.reading, question)
        by_bucket = await latency_series(look.reading, of_all, buckets)
        steps_by_bucket = by_bucket.get(0, [Counter() for _ in sums])
    points = [
        value_of(metric, one, steps_by_bucket[place : place + 1]) for place, one in enumerate(sums)
    ]
    total = value_of(metric, total_of(values.values()), steps_by_bucket)
    of_values = {
        value: value_of(metric, of_value, [steps.get(value, Counter())])
        for value, of_value in values.items()
    }
    return Before(buckets, points, total, of_values, values)


def _rank(
    metric: Metric, sums: Sums, steps: Steps, value: int | None
) -> tuple[bool, int, int, int]:
    of_value = value_of(metric, sums, [steps.get(value, Counter())])
    return (value is None, -(of_value if of_value is not None else -1), -sums.events, value or 0)
