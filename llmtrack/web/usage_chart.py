"""A chart over time with its table: bars for what adds up, lines for what does not."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from llmtrack.domain.periods import day_number, day_start_ms, local_date, rfc3339, zone
from llmtrack.domain.spans import Buckets, Span, Step
from llmtrack.web.charts import ONE, Axis, axis_texts, labelled_places, lines, stacked_bars
from llmtrack.web.numbers import NOTHING, shown_currency, usd_short

LABELS_MAX = 8

Write = Callable[[int], str]


class Series(NamedTuple):
    """A value of each bucket; None where there is none to tell (lines only)."""

    name: str
    css_class: str
    amount: str
    url: str | None
    values: Sequence[int | None]


class Bar(NamedTuple):
    """A row of the chart's table: what the tooltip shows, and where a click leads."""

    text: str
    first: str
    last: str
    cells: list[str]
    total: str | None
    pico: str
    """Of money, each cell's exact pico-USD with spaces between, nothing where none is known, from
    which the script tells it on hover: as titles they would double a page's size. Zeros at an end
    are counted, "12e7": prices have a few digits, so most amounts have some."""


@dataclass(frozen=True)
class Chart:
    title: str
    series: list[Series]
    bars: list[Bar]
    drawing: Markup
    ticks: list[str]
    labels: list[tuple[str, bool]]
    """Under each bar a text or nothing; every second one is left out where it is narrow."""
    zoom_url: str
    step: str
    stacked: bool
    exact_url: str | None
    """Of the same amounts as a file, for who has no script and sees rounded ones."""

    @property
    def help(self) -> str:
        what = "from bar to bar" if self.stacked else "from point to point"
        zooming = ", Enter zooms into one" if self.zoom_url else ""
        return f"Left and right arrows go {what}{zooming}."


class Style(NamedTuple):
    """How a chart is written."""

    title: str
    write: Write
    tick: Write
    zoom_url: str
    stacked: bool = True
    is_money: bool = False
    exact_url: str | None = None


def rest_name(names: Collection[str]) -> str:
    """What stands for all that has no name of its own among some names."""
    return "All others" if "Other" in names else "Other"


def chart_of(series: list[Series], buckets: Buckets, zone_name: str, style: Style) -> Chart:
    texts = _bucket_texts(buckets, zone_name)
    places = labelled_places(len(texts), LABELS_MAX)
    minor = sorted(places, reverse=True)[1::2]
    shown = shown_currency() if style.is_money else None
    rate = Decimal(shown.usd_rate) if shown else ONE
    axis = Axis(_largest(series, len(texts), stacked=style.stacked), rate=rate)
    classes = [one.css_class for one in series]
    if style.stacked:
        drawing = stacked_bars([[v or 0 for v in one.values] for one in series], axis, classes)
    else:
        drawing = lines([one.values for one in series], axis, classes)
    return Chart(
        title=style.title,
        series=series,
        bars=[
            _bar(text, _ends(bucket, buckets.step, zone_name), place, series, style)
            for place, ((_, text), bucket) in enumerate(zip(texts, buckets.spans, strict=True))
        ],
        drawing=drawing,
        ticks=axis_texts(axis, style.tick),
        labels=[
            (short if place in places else "", place in minor)
            for place, (short, _) in enumerate(texts)
        ],
        zoom_url=style.zoom_url,
        step=buckets.step.value,
        stacked=style.stacked,
        exact_url=style.exact_url,
    )


def tick_usd(pico: int) -> str:
    """Nothing for less than can be shown: an axis of nothing has a step of one pico-dollar."""
    text = usd_short(pico)
    whole, _, rest = text.partition(".")
    return "" if "<" in text else text if rest.strip("0") else whole


def _largest(series: Sequence[Series], count: int, *, stacked: bool) -> int:
    columns = [[one.values[place] or 0 for one in series] for place in range(count)]
    return max(
        (sum(column) if stacked else max(column, default=0) for column in columns), default=0
    )


def _bar(text: str, ends: tuple[str, str], place: int, series: list[Series], style: Style) -> Bar:
    values = [one.values[place] for one in series]
    cells = [NOTHING if value is None else style.write(value) for value in values]
    pico = " ".join(map(_exact, values)) if style.is_money else ""
    if not style.stacked:
        return Bar(text, *ends, cells, None, pico)
    known = [value for value in values if value is not None]
    total = style.write(sum(known)) if known or not values else NOTHING
    return Bar(text, *ends, cells, total, pico)


def _exact(pico: int | None) -> str:
    if pico is None:
        return ""
    text = str(pico)
    digits = text.rstrip("0")
    zeros = len(text) - len(digits)
    return f"{digits}e{zeros}" if digits and zeros > 2 else text


def _bucket_texts(buckets: Buckets, zone_name: str) -> list[tuple[str, str]]:
    """Short for the axis, long for tooltip and table; an hour that comes twice names its zone."""
    moments = [
        datetime.fromtimestamp(span.start_ms // 1000, zone(zone_name)) for span in buckets.spans
    ]
    if buckets.step is Step.MONTH:
        return [(f"{moment:%b %y}", f"{moment:%B %Y}") for moment in moments]
    if buckets.step is Step.DAY:
        return [
            (f"{moment.day} {moment:%b}", f"{moment:%a} {moment.day} {moment:%b %Y}")
            for moment in moments
        ]
    twice = Counter(f"{moment:%d %H:%M}" for moment in moments)
    texts = []
    for moment in moments:
        suffix = f" {moment:%Z}" if twice[f"{moment:%d %H:%M}"] > 1 else ""
        short = f"{moment:%H:%M}"
        texts.append((short, f"{moment.day} {moment:%b}, {short}{suffix}"))
    return texts


def _ends(span: Span, step: Step, zone_name: str) -> tuple[str, str]:
    """The bucket as `from` and `to` of a query: dates, or UTC times where it cuts a day."""
    first, last = (rfc3339(moment)[:16] + "Z" for moment in span)
    if step.is_fine:
        return first, last
    dates = local_date(span.start_ms, zone_name), local_date(span.end_ms - 1, zone_name)
    if day_start_ms(day_number(dates[0]), zone_name) == span.start_ms:
        first = dates[0].isoformat()
    if day_start_ms(day_number(dates[1]) + 1, zone_name) == span.end_ms:
        last = dates[1].isoformat()
    return first, last
