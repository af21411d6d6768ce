import re
from datetime import date
from itertools import accumulate
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from llmtrack.domain.periods import day_number, day_start_ms
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.web.charts import (
    HEIGHT,
    SPARK_HEIGHT,
    Axis,
    labelled_places,
    parts_bar,
    share_bar,
    sparkline,
    stacked_bars,
)
from llmtrack.web.usage_chart import Series, Style, chart_of

FIRST_BAR = re.compile(r"M([\d.]+) ([\d.]+)V([\d.]+)")
NEXT_BAR = re.compile(r"zm([\d.]+) 0V([\d.]+)")


@given(st.integers(0, 10**19))
def test_an_axis_reaches_its_largest_value_in_few_whole_steps(largest: int) -> None:
    axis = Axis(largest)
    assert axis.top >= largest
    assert axis.ticks[0] == 0
    assert 2 <= len(axis.ticks) <= 6
    assert {b - a for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)} == {axis.step}


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (39, [0, 10, 20, 30, 40]),
        (81, [0, 25, 50, 75, 100]),
        (3, [0, 1, 2, 3]),
        (0, [0, 1]),
        (4_000, [0, 1_000, 2_000, 3_000, 4_000]),
    ],
)
def test_ticks_are_round(largest: int, ticks: list[int]) -> None:
    assert Axis(largest).ticks == ticks


def tops_of(path: str) -> list[tuple[float, float]]:
    """Where each bar of a path stands, and how high up it reaches; all begin at the ground."""
    first = FIRST_BAR.match(path)
    assert first is not None
    place, ground, top = map(float, first.groups())
    assert ground == HEIGHT
    tops = [(place, top)]
    at = first.end()
    while at < len(path):
        following = NEXT_BAR.match(path, at)
        assert following is not None, path[at:]
        place += float(following[1])
        tops.append((place, float(following[2])))
        at = following.end()
    return tops


def test_bars_stand_on_each_other() -> None:
    svg = stacked_bars([[10, 0, 0, 40], [30, 40, 0, 0]], Axis(40), ["series-1", "series-2"])
    root = fromstring(str(svg))  # noqa: S314 - our own
    paths = [(path.get("class"), path.get("d") or "") for path in root.iter("path")]
    # The lower series is drawn over the upper one, whose bars reach from the ground to the top.
    [(upper, above), (lower, below)] = [path for path in paths if path[0] != "grid"]
    assert (lower, upper) == ("series-1", "series-2")
    assert tops_of(below) == [(0.5, HEIGHT * 3 / 4), (3.5, 0)]
    assert tops_of(above) == [(0.5, 0), (1.5, 0)]
    assert root.get("viewBox") == f"0 0 4 {HEIGHT}"


def test_parts_of_a_whole_stand_beside_each_other() -> None:
    root = fromstring(str(parts_bar([("a", 1), ("b", 0), ("c", 2)], 8)))  # noqa: S314 - our own
    shapes = [(r.get("class"), r.get("x"), r.get("width")) for r in root.iter("rect")]
    assert shapes == [("a", None, "12.5%"), ("c", "12.5%", "25%")]


def test_names_of_classes_are_escaped_and_nothing_is_styled_inline() -> None:
    drawings = [
        stacked_bars([[1]], Axis(1), ['"><script>']),
        sparkline([1, 2], '"><b>'),
        parts_bar([("<i>", 1)], 2),
    ]
    for svg in drawings:
        fromstring(str(svg))  # noqa: S314 - our own
        assert "style" not in svg
        assert "<script" not in svg


@pytest.mark.parametrize("values", [[], [5], [0, 0, 0], [1, 2, 3]])
def test_a_sparkline_of_anything_has_a_line(values: list[int]) -> None:
    assert len(points_of(sparkline(values))) == max(2, len(values))


def points_of(spark: Markup) -> list[int]:
    """The heights of a trend's points, whose path says how far each is from the one before."""
    [line] = fromstring(str(spark)).iter("path")  # noqa: S314 - our own
    numbers = [int(number) for number in re.findall(r"-?\d+", line.get("d") or "")]
    assert set(numbers[2::2]) == {1}
    heights = list(accumulate(numbers[1::2]))
    # It comes back outside, where it began.
    assert heights[0] == heights[-1] > SPARK_HEIGHT
    return heights[1:-1]


def test_a_sparkline_has_few_points_and_loses_none_of_the_newest() -> None:
    *older, newest = points_of(sparkline([0] * 89 + [5]))
    assert len(older) == 29
    assert newest < SPARK_HEIGHT / 10
    assert set(older) == {SPARK_HEIGHT - newest}


def test_a_share_of_nothing_is_empty() -> None:
    assert "<rect" not in share_bar(0, 0)


@given(st.integers(1, 400), st.integers(1, 12))
def test_labels_are_few_and_name_the_newest(count: int, most: int) -> None:
    places = labelled_places(count, most)
    assert len(places) <= most
    assert count - 1 in places
    assert all(0 <= place < count for place in places)


UNKNOWN_COSTS = {"a": [5, 0, None], "b": [None, 7, None]}


def test_ninety_days_of_six_series_stay_small() -> None:
    series = [[day * 37 % 91 + 1 for day in range(90)] for _ in range(6)]
    svg = stacked_bars(series, Axis(600), [f"series-{n}" for n in range(6)])
    assert len(svg) < 6_000


@pytest.mark.parametrize(
    ("zone_name", "day", "hours", "twice"),
    [
        ("Europe/Berlin", "2026-10-25", 25, ["25 Oct, 02:00 CEST", "25 Oct, 02:00 CET"]),
        ("Europe/Berlin", "2026-03-29", 23, []),
        ("America/New_York", "2026-11-01", 25, ["1 Nov, 01:00 EDT", "1 Nov, 01:00 EST"]),
        ("Asia/Kathmandu", "2026-11-01", 24, []),
        ("Asia/Kolkata", "2026-11-01", 24, []),
    ],
)
def test_an_hour_that_comes_twice_has_two_bars_with_their_zones(
    zone_name: str, day: str, hours: int, twice: list[str]
) -> None:
    start = day_number(date.fromisoformat(day))
    span = Span(day_start_ms(start, zone_name), day_start_ms(start + 1, zone_name))
    buckets = buckets_of(span, Step.HOUR, zone_name)
    series = [Series("all", "c1", "", None, list(range(len(buckets))))]

    chart = chart_of(series, buckets, zone_name, Style("Requests", str, str, ""))

    assert len(chart.bars) == hours
    assert chart.bars[0].text.endswith(", 00:00")
    assert chart.bars[-1].text.endswith(", 23:00")
    assert [bar.text for bar in chart.bars if not bar.text[-1].isdigit()] == twice
    assert len({(bar.first, bar.last) for bar in chart.bars}) == hours


def test_what_is_not_known_has_no_exact_amount() -> None:
    span = Span(day_start_ms(20_000, "UTC"), day_start_ms(20_003, "UTC"))
    buckets = buckets_of(span, Step.DAY, "UTC")
    series = [Series(name, "c1", "", None, values) for name, values in UNKNOWN_COSTS.items()]
    style = Style("Cost per request", str, str, "", stacked=False, is_money=True)

    chart = chart_of(series, buckets, "UTC", style)

    assert [bar.pico for bar in chart.bars] == ["5 ", "0 7", " "]


def test_a_day_that_the_period_cuts_zooms_to_what_is_shown_of_it() -> None:
    zone_name = "Asia/Kathmandu"
    starts = [day_start_ms(day_number(date(2026, 3, day)), zone_name) for day in (1, 4)]
    span = Span(starts[0] + 4 * 3_600_000, starts[1] - 1_800_000)
    buckets = buckets_of(span, Step.DAY, zone_name)
    series = [Series("a", "series-1", "", None, [1] * len(buckets))]
    chart = chart_of(series, buckets, zone_name, Style("t", str, str, "?"))
    ends = [(bar.first, bar.last) for bar in chart.bars]
    assert ends[1] == ("2026-03-02", "2026-03-02")
    assert ends[0] == ("2026-02-28T22:15Z", "2026-03-01")
    assert ends[2] == ("2026-03-03", "2026-03-03T17:45Z")
