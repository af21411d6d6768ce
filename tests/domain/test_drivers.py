"""What moved a cost: parts that add up, whatever the numbers."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.drivers import (
    Cause,
    Driver,
    Figures,
    Split,
    largest_drivers,
    split_change,
    total_split,
)

counts = st.one_of(st.integers(0, 5), st.integers(0, 10**12))
figures = st.builds(Figures, counts, counts, st.integers(0, 10**19)).map(
    # No cost and no tokens without a request.
    lambda found: found if found.requests else Figures(0, 0, 0)
)
periods = st.dictionaries(st.sampled_from("abcdefg"), figures)


def cost(period: dict[str, Figures]) -> int:
    return sum(found.cost_pico for found in period.values())


@given(periods, periods)
def test_the_parts_add_up_to_the_pico_for_each_value_and_in_all(
    before: dict[str, Figures], now: dict[str, Figures]
) -> None:
    splits = split_change(before, now)

    assert set(splits) == set(before) | set(now)
    for value, split in splits.items():
        was, is_now = (period.get(value, Figures(0, 0, 0)) for period in (before, now))
        assert split.total_pico == is_now.cost_pico - was.cost_pico
        assert all(isinstance(part, int) for part in split)
    assert total_split(splits.values()).total_pico == cost(now) - cost(before)


told = st.builds(Figures, st.integers(1, 10**9), st.integers(1, 10**12), st.integers(0, 10**19))


@given(told, told, st.integers(1, 10**9), st.integers(1, 10**9))
def test_each_part_is_less_than_a_pico_from_what_the_formula_says(
    was: Figures, is_now: Figures, others_before: int, others_now: int
) -> None:
    before, now = {"a": was, "b": Figures(others_before, 1, 1)}, {"a": is_now}
    now["b"] = Figures(others_now, 1, 1)
    before_all, now_all = was.requests + others_before, is_now.requests + others_now

    split = split_change(before, now)["a"]

    volume = Fraction(was.cost_pico * (now_all - before_all), before_all)
    by_requests = Fraction(was.cost_pico * is_now.requests, was.requests)
    by_tokens = Fraction(was.cost_pico * is_now.tokens, was.tokens)
    expected = (
        *(volume, by_requests - was.cost_pico - volume),
        *(by_tokens - by_requests, is_now.cost_pico - by_tokens),
    )
    assert all(abs(part - exact) < 1 for part, exact in zip(split, expected, strict=True))


@given(periods, st.integers(2, 9))
def test_when_everything_grows_alike_it_is_volume_alone(
    before: dict[str, Figures], times: int
) -> None:
    now = {value: Figures(*(times * figure for figure in was)) for value, was in before.items()}
    for value, split in split_change(before, now).items():
        assert split == Split((times - 1) * before[value].cost_pico, 0, 0, 0)


def test_each_cause_alone_is_named_alone() -> None:
    before = {"a": Figures(100, 1000, 500), "b": Figures(100, 1000, 500)}

    dearer = {**before, "a": Figures(100, 1000, 900)}
    assert split_change(before, dearer)["a"] == Split(0, 0, 0, 400)
    longer = {**before, "a": Figures(100, 3000, 1500)}
    assert split_change(before, longer)["a"] == Split(0, 0, 1000, 0)
    shifted = {"a": Figures(150, 1500, 750), "b": Figures(50, 500, 250)}
    assert split_change(before, shifted) == {"a": Split(0, 250, 0, 0), "b": Split(0, -250, 0, 0)}
    more = {"a": Figures(300, 3000, 1500), "b": Figures(100, 1000, 500)}
    assert split_change(before, more)["a"] == Split(500, 500, 0, 0)


def test_new_and_vanished_values_are_mix() -> None:
    before = {"old": Figures(10, 100, 1000), "gone": Figures(10, 100, 600)}
    now = {"old": Figures(10, 100, 1000), "new": Figures(10, 100, 70)}
    assert split_change(before, now) == {
        "old": Split(0, 0, 0, 0),
        "gone": Split(0, -600, 0, 0),
        "new": Split(0, 70, 0, 0),
    }


def test_what_was_not_known_before_is_no_price_change() -> None:
    untold = {"a": Figures(10, 0, 0)}
    assert split_change(untold, {"a": Figures(10, 500, 900)})["a"] == Split(0, 0, 900, 0)
    unpriced = {"a": Figures(10, 500, 0)}
    assert split_change(unpriced, {"a": Figures(10, 500, 900)})["a"] == Split(0, 0, 0, 900)
    by_request = {"a": Figures(10, 0, 100)}
    assert split_change(by_request, {"a": Figures(20, 0, 500)})["a"] == Split(100, 0, 0, 300)


def test_the_first_period_ever_is_volume() -> None:
    assert split_change({}, {"a": Figures(1, 2, 3)}) == {"a": Split(3, 0, 0, 0)}


def test_the_largest_drivers_come_first_in_either_direction() -> None:
    splits = {"a": Split(5, -3, 0, 10), "b": Split(0, 0, -40, 1)}
    assert largest_drivers(splits, 3) == [
        Driver("b", Cause.TOKENS, -40),
        Driver("a", Cause.PRICE, 10),
        Driver("a", Cause.REQUESTS, 2),
    ]
