"""Explore's chart and its tables, ready to be written."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from markupsafe import Markup

from llmtrack.domain.spans import Span
from llmtrack.domain.timeframes import span_text
from llmtrack.storage.labels import Label, told_apart
from llmtrack.storage.sums import NO_SUMS, Sums, total_of
from llmtrack.web.changes import Change, ratio_change
from llmtrack.web.charts import share_bar
from llmtrack.web.dimension_texts import dimension_text, no_value
from llmtrack.web.explore_data import Before, Explored
from llmtrack.web.explore_query import Ask
from llmtrack.web.metrics import written
from llmtrack.web.numbers import NOTHING, percent
from llmtrack.web.page_query import SUB, PageQuery
from llmtrack.web.usage_chart import Chart, Series, Style, chart_of, rest_name

COLORED = 5
SUB_COLUMNS_MAX = 8


class Line(NamedTuple):
    label: Label
    css_class: str
    url: str | None
    text: str
    share: str
    share_bar: Markup | None
    requests: int
    before: str | None
    change: Change | None


class Pivot(NamedTuple):
    """Values of the first dimension down, of the second across."""

    heads: list[str]
    rows: list[tuple[Line, list[str]]]


def explore_chart(query: PageQuery, ask: Ask, found: Explored, zone_name: str) -> Chart:
    metric = ask.metric
    what = metric.title
    if ask.cumulative:
        what = f"Cumulative {what[0].lower()}{what[1:]}"
    title = f"{what} per {found.buckets.step.value}"
    if found.before is not None:
        series, stacked = _compared(ask, found, found.before), False
        title += ", compared"
    else:
        series, stacked = _by_value(query, ask, found), metric.adds_up
        title += f" by {dimension_text(query.by)}"
        if len(found.order[: found.shown]) > COLORED:
            title += f", the largest {COLORED}"
    if ask.cumulative and found.before is None:
        series = [one._replace(values=running(one.values, found.begun)) for one in series]
    zoom_url, is_money = query.with_period("30d").url, metric.unit == "usd"
    style = Style(title, metric.write, metric.tick, zoom_url, stacked, is_money)
    return chart_of(series, found.buckets, zone_name, style)


def _by_value(query: PageQuery, ask: Ask, found: Explored) -> list[Series]:
    rest = found.total_points
    kept = query if ask.sub else query.with_extra(SUB, "")  # what was left out here is so there
    series = []
    shown = found.order[: min(found.shown, COLORED)]
    labels = told_apart({value: label_of(query, found, value) for value in shown})
    for place, (value, label) in enumerate(labels.items(), start=1):
        points = found.points(value)
        rest = [_less(left, part) for left, part in zip(rest, points, strict=True)]
        url = kept.narrowed_to(label.slug).url if label.slug else None
        amount = written(ask.metric, found.of(value))
        series.append(Series(label.text, f"series-{place}", amount, url, points))
    if ask.metric.adds_up and any(rest):
        amount = written(ask.metric, sum(point or 0 for point in rest))
        name = rest_name([label.text for label in labels.values()])
        series.append(Series(name, "series-other", amount, None, rest))
    return series


def _compared(ask: Ask, found: Explored, before: Before) -> list[Series]:
    """As many points of the period before as this one has; `undrawn` tells of more."""
    now, was = found.total_points, before.points
    if ask.cumulative:
        now, was = running(now, found.begun), running(was, len(was))
    count = len(found.buckets)
    return [
        Series("This period", "series-1", written(ask.metric, found.total), None, now),
        Series(
            "Before",
            "series-other",
            written(ask.metric, before.total),
            None,
            [*was, *[None] * count][:count],
        ),
    ]


def undrawn(found: Explored, zone_name: str) -> str:
    """What of the period before has no place in the chart, as a sentence; "" if all of it has."""
    more = list(found.before.buckets.spans)[len(found.buckets) :] if found.before else []
    if not more:
        return ""
    text = span_text(Span(more[0].start_ms, more[-1].end_ms), zone_name)
    return f"The period before is longer: {text} is in its sums and not in the chart."


def explore_lines(query: PageQuery, ask: Ask, found: Explored) -> list[Line]:
    """A line for each value that has one, and one for the rest."""
    lines = [
        _line(query, ask, found, value, place)
        for place, value in enumerate(found.order[: found.shown], start=1)
    ]
    rest = found.order[found.shown :]
    if rest:
        sums = total_of(found.report.values[value] for value in rest)
        text = written(ask.metric, found.value_of(sums)) if ask.metric.of else NOTHING
        line = _plain(Label("", f"Other ({len(rest):,})"), text, found, sums, ask)
        if found.before is not None and ask.metric.of:
            was = found.value_of(found.before_rest)
            line = _with_before(line, ask, found.value_of(sums), was)
        lines.append(line)
    return lines


def total_line(ask: Ask, found: Explored) -> Line:
    total = found.report.total
    line = _plain(Label("", "Total"), written(ask.metric, found.total), found, total, ask)
    if found.before is None:
        return line
    return _with_before(line, ask, found.total, found.before.total)


def explore_pivot(query: PageQuery, ask: Ask, found: Explored) -> Pivot:
    """The lines and the total, each split: ratios are of summed parts, like all else."""
    columns = _sub_columns(found)
    known = {value: found.sub_labels[value] for value in columns if value in found.sub_labels}
    labels = told_apart(known)
    heads = [labels[one].text if one in labels else no_value(ask.sub) for one in columns]
    is_whole = len(columns) == len(found.sub_totals)
    lines = explore_lines(query, ask, found)
    split = [found.subs[value] for value in found.order[: found.shown]]
    if len(lines) > len(split):
        split.append(found.sub_rest)
    rows = []
    for line, of_subs in zip(
        [*lines, total_line(ask, found)], [*split, found.sub_totals], strict=True
    ):
        cells = [of_subs.get(one, NO_SUMS) for one in columns]
        if not is_whole:
            cells.append(total_of(of_subs[one] for one in of_subs if one not in columns))
        rows.append((line, [written(ask.metric, _cell(found, sums)) for sums in cells]))
    return Pivot(heads if is_whole else [*heads, rest_name(heads)], rows)


def _sub_columns(found: Explored) -> list[int | None]:
    """The values across that are largest over all rows."""
    sums = found.sub_totals
    by_size = sorted(sums, key=lambda value: -(found.value_of(sums[value]) or 0))
    return by_size[:SUB_COLUMNS_MAX]


def _cell(found: Explored, sums: Sums) -> int | None:
    return found.value_of(sums) if sums.events else None


def _line(query: PageQuery, ask: Ask, found: Explored, value: int | None, place: int) -> Line:
    label = label_of(query, found, value)
    sums = found.report.values[value]
    line = _plain(label, written(ask.metric, found.of(value)), found, sums, ask)
    url = query.about(query.by, label.slug).url if label.slug else None
    css_class = f"series-{place}" if place <= COLORED and found.before is None else "none"
    line = line._replace(url=url, css_class=css_class)
    if found.before is None:
        return line
    return _with_before(line, ask, found.of(value), found.before.of(value, ask.metric))


def _plain(label: Label, text: str, found: Explored, sums: Sums, ask: Ask) -> Line:
    share, bar = "", None
    if ask.metric.adds_up and ask.metric.of is not None:
        part, whole = ask.metric.of(sums), ask.metric.of(found.report.total) or 0
        share = NOTHING if part is None else percent(part, whole)
        bar = share_bar(part or 0, whole)
    return Line(label, "none", None, text, share, bar, sums.events, None, None)


def _with_before(line: Line, ask: Ask, is_now: int | None, was: int | None) -> Line:
    text = written(ask.metric, was)
    change = None
    if was is not None and is_now is not None:
        change = ratio_change(
            is_now,
            was,
            less_is_better=ask.metric.less_is_better,
            before_text=f"{ask.metric.write(was)} before",
        )
    return line._replace(before=text, change=change)


def label_of(query: PageQuery, found: Explored, value: int | None) -> Label:
    if value is None:
        return Label("", no_value(query.by))
    return found.labels.get(value) or Label("", "?")


def _less(whole: int | None, part: int | None) -> int | None:
    return None if whole is None else whole - (part or 0)


def running(values: Sequence[int | None], end: int) -> list[int | None]:
    """Sums so far: none before the first known value, nor from the place `end` on."""
    known = [place for place, value in enumerate(values) if value is not None]
    if not known:
        return list(values)
    sums = accumulate(value or 0 for value in values)
    return [one if known[0] <= place < end else None for place, one in enumerate(sums)]
