"""CSV that a spreadsheet cannot be made to compute."""

import csv
import io

import pytest

from llmtrack.formats.csv_table import csv_text, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_would_be_a_formula_gets_a_quote(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"), [("-1.5", "-1.5"), (-3, "-3"), ("gpt-4o", "gpt-4o"), (None, ""), ("-", "'-")]
)
def test_numbers_and_names_stay_as_they_are(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_any_text_comes_back_as_it_was_written() -> None:
    text = csv_text([{"a": 'say "x", y', "b": "two\nlines"}], ["a", "b"])

    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["a", "b"],
        ['say "x", y', "two\nlines"],
    ]
