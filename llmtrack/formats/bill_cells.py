"""Single cells of a bill: days, amounts and counts as spreadsheets write them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.money import pico_from_usd

AMOUNT_MAX = Decimal(10**9)
COUNT_MAX = 10**15
_EPOCH = re.compile(r"\d{9,10}")
_SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_SPACES = re.compile(r"[\s\u00a0\u202f'_]")
_DOLLARS = re.compile(r"^-?\s*(us)?\$\s*|\s*\$$|\s*usd\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_AMBIGUOUS = re.compile(r"-?[1-9]\d{0,2},\d{3}")
_DECIMAL_COMMA = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+),\d+")


class Cell(NamedTuple):
    text: str
    line: int
    column: str
    has_decimal_points: bool = True
    """False in a file whose commas may be decimal ones: its cells are not split by commas."""

    def wrong(self, what: str) -> InvalidValue:
        shown = repr(self.text[:60])
        return InvalidValue("file", f"line {self.line}, column {self.column!r}: {shown} {what}")


def amount_pico(cell: Cell) -> int:
    """US dollars as pico-USD; an empty cell is 0."""
    if not cell.text:
        return 0
    text = _without_dollars(cell.text)
    if not cell.has_decimal_points and _AMBIGUOUS.fullmatch(_SPACES.sub("", text)):
        raise cell.wrong("may be a thousand times as much; write it with a decimal point")
    amount = _number(cell, text)
    if not -AMOUNT_MAX <= amount <= AMOUNT_MAX:
        raise cell.wrong("is out of range")
    return pico_from_usd(amount)


def count_of(cell: Cell) -> int:
    if not cell.text:
        return 0
    number = _number(cell, cell.text)
    if number != number.to_integral_value() or not 0 <= number <= COUNT_MAX:
        raise cell.wrong("is no count")
    return int(number)


def day_of_text(cell: Cell) -> date:
    """A UTC day: a date, a time with its offset, or seconds since 1970."""
    text = cell.text
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC).date()
        if slashed := _SLASHED.fullmatch(text):
            return date(*map(int, slashed.groups()))
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError as error:
        raise cell.wrong("is no date; write it as 2026-11-24") from error
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()


def _without_dollars(text: str) -> str:
    negative = text.startswith("-") or (text.startswith("(") and text.endswith(")"))
    bare = _DOLLARS.sub("", text.strip("()")).strip()
    return f"-{bare.lstrip('-')}" if negative else bare


def _number(cell: Cell, text: str) -> Decimal:
    bare = _SPACES.sub("", text)
    if _THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(bare):
        bare = bare.replace(".", "").replace(",", ".")
    try:
        number = Decimal(bare)
    except InvalidOperation as error:
        raise cell.wrong("is no number") from error
    if not number.is_finite():
        raise cell.wrong("is no number")
    return number
