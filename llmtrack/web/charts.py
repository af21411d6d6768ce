"""Charts as SVG from the server: classes for colours, HTML for words, no script needed.

A drawing is stretched to its box (`preserveAspectRatio="none"`), so it holds shapes only.
One path for each series keeps 90 bars of 6 series under 6 KB.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from markupsafe import Markup

HEIGHT = 500
"""Of which each is about half a pixel: whole numbers are fine enough, and short."""
ONE = Decimal(1)
TICKS = 4
NICE_STEPS = tuple(Decimal(step) for step in ("1", "2", "2.5", "5", "10"))
SPARK_HEIGHT = 48
"""The same in a cell of a table."""
SPARK_AIR = 2
SPARK_POINTS_MAX = 30

# `%` escapes what it puts in.
_NOTHING = Markup()
_DRAWING = Markup(
    '<svg class="%s" viewBox="0 0 %s %s" preserveAspectRatio="none" aria-hidden="true">%s</svg>'
)
_PATH = Markup('<path class="%s" d="%s"/>')
_OUTLINE = Markup('<path d="%s"/>')
_SHARE = Markup('<svg class="share" aria-hidden="true">%s</svg>')
_PART = Markup('<rect%s%s width="%s%%" height="9"/>')
_CLASS = Markup(' class="%s"')
_START = Markup(' x="%s%%"')
_CURSOR = Markup('<rect class="cursor" y="0" width="1" height="%s" hidden=""/>')


class Axis:
    """A scale from 0 in a few round steps, up to at least the largest value.

    `rate`: what a unit is as it is shown, where that is to be round.
    """

    def __init__(self, largest: int, *, ticks: int = TICKS, rate: Decimal = ONE) -> None:
        step = Decimal(max(largest, 1)) * rate / ticks
        magnitude = Decimal(1).scaleb(step.adjusted())
        nice = next(nice for nice in NICE_STEPS if nice * magnitude >= step)
        # Whole units: half a request or half a pico-dollar is no tick.
        self.step = max(1, round(nice * magnitude / rate))
        self.ticks = [self.step * place for place in range(-(-largest // self.step) + 1)]
        if len(self.ticks) == 1:
            self.ticks.append(self.step)
        self.top = self.ticks[-1]

    def height(self, value: int) -> float:
        return value * HEIGHT / self.top


def stacked_bars(series: Sequence[Sequence[int]], axis: Axis, classes: Sequence[str]) -> Markup:
    """Bars of equal width, the first series at the bottom; `series` is values by bucket.

    Each is drawn from the ground to its top, the upper ones first, so that the lower cover them:
    a bar is one number then, where its two ends would be as many that no compression shortens.
    """
    buckets = max((len(values) for values in series), default=0)
    tops = [0] * buckets
    paths = []
    for values, name in zip(series, classes, strict=True):
        drawn: list[str] = []
        before = 0
        for place, value in enumerate(values):
            if value > 0:
                tops[place] += value
                start = f"zm{place - before} 0" if drawn else f"M{place}.5 {HEIGHT}"
                drawn.append(f"{start}V{round(HEIGHT - axis.height(tops[place]))}")
                before = place
        if drawn:
            paths.append(_PATH % (name, "".join(drawn)))
    paths.reverse()
    return _drawing("bars", buckets, HEIGHT, [*_grid(axis, buckets), _CURSOR % HEIGHT, *paths])


def lines(series: Sequence[Sequence[int | None]], axis: Axis, classes: Sequence[str]) -> Markup:
    """A line for each series through the middles of the buckets, broken where a value is None."""
    buckets = max((len(values) for values in series), default=0)
    paths = []
    for values, name in zip(series, classes, strict=True):
        drawn = []
        for place, value in enumerate(values):
            if value is None:
                continue
            height = round(HEIGHT - axis.height(value))
            joined = place > 0 and values[place - 1] is not None
            drawn.append(f"{'L' if joined else 'M'}{place + 0.5:g} {height}")
            if not joined and (place + 1 == len(values) or values[place + 1] is None):
                drawn.append("h.1")  # a lone point has no line
        if drawn:
            paths.append(_PATH % (f"line {name}", "".join(drawn)))
    return _drawing("bars", buckets, HEIGHT, [*_grid(axis, buckets), _CURSOR % HEIGHT, *paths])


def sparkline(values: Sequence[int], name: str = "") -> Markup:
    """A trend in a table's cell, from 0 to its own largest value.

    Neighbours are added up where there are more than a cell can show; the oldest that make
    no whole group are left out, so that the last point is never a part.
    """
    merged = -(-len(values) // SPARK_POINTS_MAX)
    if merged > 1:
        first = len(values) % merged
        places = range(first, len(values), merged)
        values = [sum(values[place : place + merged]) for place in places]
    if len(values) < 2:
        values = [*values, *values] or [0, 0]
    largest = max(*values, 1)
    # Some air, so that the line is not cut at its ends.
    drawn = SPARK_HEIGHT - 2 * SPARK_AIR
    heights = [SPARK_HEIGHT - SPARK_AIR - round(value * drawn / largest) for value in values]
    # One outline, line and area: its other sides run outside of what is seen.
    outside = SPARK_HEIGHT + SPARK_AIR
    steps = zip([outside, *heights], [*heights, outside], strict=True)
    # Each point from the one before, which is shorter than where it is: "1-5 1 12".
    points = "".join(f" 1{end - start: d}" for start, end in steps)
    outline = f"m-1 {outside}{points}z"
    last = len(values) - 1
    return _drawing(f"spark {name}".strip(), last, SPARK_HEIGHT, [_OUTLINE % outline])


def share_bar(part: int, whole: int) -> Markup:
    """A bar of a whole, filled with a part from the left."""
    return parts_bar([("", part)], whole)


def parts_bar(parts: Sequence[tuple[str, int]], whole: int) -> Markup:
    """The same with parts beside each other, by the names of their classes."""
    shapes, start = [], 0.0
    for name, part in parts:
        width = part * 100 / whole if whole > 0 else 0
        if width > 0:
            x = _START % _short(start) if start else ""
            shapes.append(_PART % (_CLASS % name if name else "", x, _short(width)))
        start += width
    return _SHARE % _NOTHING.join(shapes)


def axis_texts(axis: Axis, text_of: Callable[[int], str]) -> list[str]:
    """What stands beside the lines, from top to bottom."""
    return [text_of(tick) for tick in reversed(axis.ticks)]


def labelled_places(count: int, most: int) -> set[int]:
    """Which of `count` buckets get a label so that at most `most` stand apart evenly."""
    if count <= 0:
        return set()
    gap = -(-count // most)
    # Counted from the end: the newest bucket always has one.
    return set(range(count - 1, -1, -gap))


def _grid(axis: Axis, buckets: int) -> list[Markup]:
    return [
        _PATH % ("grid", f"M0 {round(HEIGHT - axis.height(tick))}H{buckets}") for tick in axis.ticks
    ]


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _drawing(name: str, width: int, height: int, shapes: Sequence[Markup]) -> Markup:
    return _DRAWING % (name, max(width, 1), height, _NOTHING.join(shapes))
