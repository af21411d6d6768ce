"""Tables as CSV, RFC 4180, that no spreadsheet takes for a program."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

Cell = str | int | None

_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 lines ending in CR LF. None is an empty field, which "" is not told from.

    Text that a spreadsheet would run as a formula gets an apostrophe in front
    (https://owasp.org/www-community/attacks/CSV_Injection); numbers stay numbers.
    """
    text = io.StringIO()
    csv.writer(text).writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8", "replace")


def _safe(cell: Cell) -> Cell:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA_STARTS):
        return cell
    return cell if _PLAIN_NUMBER.match(cell) else f"'{cell}"
