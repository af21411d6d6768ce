import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.formats.csv_lines import csv_lines


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1 (555)", "'+1 (555)"),
        ("@cmd", "'@cmd"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("-0.25", "-0.25"),
        ("-5", "-5"),
        ("plain", "plain"),
        (-7, "-7"),
        (None, ""),
    ],
)
def test_no_cell_is_taken_for_a_formula(cell: str | int | None, written: str) -> None:
    [row] = csv.reader(io.StringIO(csv_lines([[cell, "x"]]).decode(), newline=""))
    assert row == [written, "x"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=5))
def test_any_text_reads_back(cells: list[str]) -> None:
    [row] = csv.reader(io.StringIO(csv_lines([cells]).decode(), newline=""))
    assert [text.removeprefix("'") for text in row] == [text.removeprefix("'") for text in cells]
