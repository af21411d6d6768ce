"""Changes against an earlier figure, as people read them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.web.changes import ratio_change

AMOUNTS = st.integers(0, 10**18)


def text_of(current: int, before: int) -> str | None:
    change = ratio_change(current, before, less_is_better=True, before_text="")
    return change and f"{change.direction} {change.text}"


@pytest.mark.parametrize(
    ("current", "before", "text"),
    [
        (131_051_125_000, 558_588_900_000, "down 77%"),  # 76.54
        (98_877_850_000, 134_590_425_000, "down 27%"),  # 26.53
        (849_480, 100_000, "up 749%"),  # 749.48
        (1096, 1000, "up 9.6%"),
        (10_996, 10_000, "up 10%"),
        (109_949, 100_000, "up 9.9%"),
        (10_004, 10_000, "same 0%"),
        (0, 7, "down 100%"),
        (1, 0, None),
        (37_343_252, 1, "up 37,343,252 times"),
    ],
)
def test_a_change_is_rounded_once(current: int, before: int, text: str | None) -> None:
    assert text_of(current, before) == text


@given(AMOUNTS, AMOUNTS.filter(bool))
def test_what_stands_there_is_the_nearest_that_can(current: int, before: int) -> None:
    change = ratio_change(current, before, less_is_better=None, before_text="")
    assert change is not None
    exact = Fraction(current - before, before) * 100
    if change.text.endswith(" times"):
        shown, unit = Fraction(change.text[:-6].replace(",", "")), Fraction(1)
        exact = Fraction(current, before)
    else:
        number = change.text.removesuffix("%")
        shown, unit = Fraction(number), Fraction(1, 10) if "." in number else Fraction(1)
    assert abs(abs(exact) - shown) <= unit / 2
    assert change.direction == ("same" if not shown else "up" if current > before else "down")
