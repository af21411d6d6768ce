"""A difference between a bill and our own sums is split into parts that add up to it exactly."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.bill_matching import BillEntry, RecordedRow, match_bill
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.reconciliation import (
    Billed,
    Parts,
    Recorded,
    Tokens,
    causes,
    split_difference,
)
from llmtrack.formats.reconciliation_rows import explanation
from llmtrack.services.price_books import bundled_book

DAY = date(2025, 11, 20)
RATES = {
    "input": Fraction(10),
    "cache_read": Fraction(1),
    "cache_write": Fraction(12),
    "output": Fraction(40),
}
OURS = Recorded(events=10, calls=10, tokens=Tokens(100, 50, 10, 20), cost_pico=1_970)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return bundled_book()


def split(requests: int | None, tokens: Tokens | None, cost_pico: int | None) -> Parts:
    return split_difference(Billed(requests, tokens, cost_pico), OURS, RATES)


def test_the_same_on_both_sides_leaves_nothing() -> None:
    assert split(10, OURS.tokens, 1_970) == Parts()
    assert split(None, None, 1_970) == Parts()


def test_twice_the_requests_are_missing_calls() -> None:
    parts = split(20, Tokens(200, 100, 20, 40), 3_940)

    assert parts == Parts(calls=1_970)
    assert causes([parts]).raising.largest == "calls"


def test_tokens_alike_too_many_are_missing_calls_even_without_requests() -> None:
    assert split(None, Tokens(200, 100, 20, 40), 3_940) == Parts(calls=1_970)


@pytest.mark.parametrize(
    ("tokens", "name", "worth"),
    [
        (Tokens(107, 50, 10, 20), "input", 70),
        (Tokens(100, 57, 10, 20), "cache_read", 7),
        (Tokens(100, 50, 17, 20), "cache_write", 84),
        (Tokens(100, 50, 10, 13), "output", -280),
    ],
)
def test_one_class_that_differs_is_named(tokens: Tokens, name: str, worth: int) -> None:
    parts = split(10, tokens, 1_970 + worth)

    assert parts == Parts(**{name: worth})
    found = causes([parts])
    assert (found.raising if worth > 0 else found.lowering).largest == name


def test_what_is_left_with_equal_tokens_is_the_price() -> None:
    assert split(10, OURS.tokens, 2_500) == Parts(price=530)


def test_a_cost_alone_says_too_little() -> None:
    assert split(None, None, 2_500) == Parts(unexplained=530)


def test_nothing_recorded_is_all_missing_calls() -> None:
    assert split_difference(Billed(cost_pico=5), Recorded(), RATES) == Parts(calls=5)


def test_what_explains_a_difference_points_the_same_way() -> None:
    assert explanation([Parts(calls=-200, price=600)]) == "higher prices on the bill"
    assert explanation([Parts(calls=200, price=-600)]) == "lower prices on the bill"
    assert explanation([Parts(calls=500, unexplained=-400)]) == "calls that were not recorded"
    assert explanation([Parts(), Parts()]) == ""


def test_what_stands_against_it_is_named_within_a_line_and_between_lines() -> None:
    told = "calls that were not recorded, against lower prices on the bill"
    assert explanation([Parts(calls=500, price=-400)]) == told
    days = [Parts(calls=500), Parts(calls=-450), Parts(price=60)]
    assert explanation(days) == (
        "calls that were not recorded, against calls that are not on the bill"
    )
    assert explanation([Parts(calls=500), Parts(calls=-500)]).endswith("not on the bill")


COUNTS = st.integers(0, 10**6)
TOKENS = st.builds(Tokens, COUNTS, COUNTS, COUNTS, COUNTS)
BILLED = st.builds(Billed, st.none() | COUNTS, st.none() | TOKENS, st.integers(-(10**9), 10**15))
RECORDED = st.builds(Recorded, COUNTS, COUNTS, st.just(0), TOKENS, st.integers(0, 10**15))


@given(BILLED, RECORDED, st.sampled_from([RATES, None]))
def test_the_parts_always_add_up(
    billed: Billed, recorded: Recorded, rates: dict[str, Fraction] | None
) -> None:
    assert billed.cost_pico is not None

    parts = split_difference(billed, recorded, rates)

    assert parts.total == billed.cost_pico - recorded.cost_pico


def test_spellings_of_one_model_meet_on_one_line(book: PriceBook) -> None:
    bill = [
        BillEntry(DAY, "gpt-4o-mini-2024-07-18", None, None, 70),
        BillEntry(DAY, "gpt-4o-mini", None, None, 30),
    ]
    rows = [RecordedRow(DAY, "openai", "gpt-4o-mini", Recorded(1, 1, 0, Tokens(1), 90))]

    [line] = match_bill(bill, rows, book, "openai").lines

    assert (line.billed.cost_pico, line.recorded.cost_pico) == (100, 90)
    assert line.coverage == Fraction(9, 10)


def test_names_for_people_meet_names_for_programs(book: PriceBook) -> None:
    bill = [BillEntry(DAY, "Claude Haiku 4.5", None, None, 50)]
    name = "claude-haiku-4-5-20251001"
    rows = [RecordedRow(DAY, "anthropic", name, Recorded(1, 1, 0, Tokens(1), 50))]

    [line] = match_bill(bill, rows, book, "anthropic").lines

    assert line.difference_pico == 0


def test_different_models_stay_apart(book: PriceBook) -> None:
    bill = [BillEntry(DAY, "gpt-4o", None, None, 50)]
    rows = [RecordedRow(DAY, "openai", "gpt-4o-mini", Recorded(1, 1, 0, Tokens(1), 50))]

    result = match_bill(bill, rows, book, "openai")

    assert [line.difference_pico for line in result.lines] == [50, -50]
    assert result.difference_pico == 0


def test_a_usage_export_beside_a_cost_export_is_not_counted_twice(book: PriceBook) -> None:
    bill = [
        BillEntry(DAY, "gpt-4o", None, Tokens(input=100), 25),
        BillEntry(DAY, "gpt-4o", 3, Tokens(input=100), None),
    ]

    [line] = match_bill(bill, [], book, "openai").lines

    assert line.billed == Billed(3, Tokens(input=100), 25)


def test_a_bill_without_models_is_compared_by_whole_days(book: PriceBook) -> None:
    bill = [BillEntry(DAY, "", None, None, 100)]
    rows = [
        RecordedRow(DAY, "openai", name, Recorded(1, 1, 0, Tokens(1), 40))
        for name in ("gpt-4o", "gpt-4o-mini")
    ]

    [line] = match_bill(bill, rows, book, "openai").lines

    assert (line.place.model, line.recorded.cost_pico) == ("", 80)
