"""How a figure compares with an earlier one, in words, a direction and a judgement."""

from fractions import Fraction
from typing import NamedTuple

from llmtrack.web.numbers import milliseconds


class Change(NamedTuple):
    text: str
    direction: str
    """`up`, `down` or `same`: drawn as an arrow, so that colour never says it alone."""
    tone: str
    """`good`, `bad` or nothing."""
    title: str


def ratio_change(
    current: int, before: int, *, less_is_better: bool | None, before_text: str
) -> Change | None:
    """As a share of what was before; None when there was nothing to compare with."""
    if before <= 0:
        return None
    difference = current - before
    percents = Fraction(abs(difference) * 100, before)
    tenths = round(percents * 10)
    # Each is rounded from the exact share: twice would take 76.54 to 76.5, and that to 76.
    if tenths >= 10_000:
        text = f"{round(Fraction(current, before)):,} times"
    elif tenths >= 100:
        text = f"{round(percents)}%"
    else:
        text = f"{tenths // 10}.{tenths % 10}%" if tenths else "0%"
    return _change(text, difference if tenths else 0, less_is_better, before_text)


def points_change(
    current: tuple[int, int], before: tuple[int, int], *, before_text: str
) -> Change | None:
    """Between two shares (part, whole), in percentage points; less is better."""
    if not current[1] or not before[1]:
        return None
    points = current[0] * 100 / current[1] - before[0] * 100 / before[1]
    shown = round(points, 2)
    return _change(f"{abs(shown):g} pt", shown, True, before_text)


def duration_change(current_ms: int, before_ms: int, *, before_text: str) -> Change:
    difference = current_ms - before_ms
    return _change(milliseconds(abs(difference)), difference, True, before_text)


def _change(text: str, difference: float, less_is_better: bool | None, before_text: str) -> Change:
    direction = "up" if difference > 0 else "down" if difference < 0 else "same"
    tone = ""
    if less_is_better is not None and difference:
        tone = "good" if (difference < 0) == less_is_better else "bad"
    return Change(text, direction, tone, before_text)
