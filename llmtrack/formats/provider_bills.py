"""A provider's cost or usage export (CSV) -> lines of a bill.

The columns that are understood stand in `docs/reconcile.md`. A file is read whole or not at
all: an error names the line and the column. Only lines that add up other lines are passed
over (`Total`), because they count everything a second time.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from llmtrack.domain.bill_matching import BillEntry
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.reconciliation import Tokens
from llmtrack.formats.bill_cells import Cell, amount_pico, count_of, day_of_text

LINES_MAX = 500_000
COLUMN_TARGETS = (
    "day", "model", "cost", "requests", "input", "cache_read", "cache_write", "output",
)  # fmt: skip
"""What a generic mapping can name. `input` is all input, what came from a cache included."""

# What a line is read from: ours -> the names it may have in the file, the first that is there.
_OPENAI = {
    "day": ("start_time_iso", "date", "day", "start_time", "usage_date_utc"),
    "model": ("model", "line_item"),
    "cost": ("amount_value", "amount", "cost_usd", "cost_in_usd", "cost"),
    "currency": ("amount_currency", "currency"),
    "requests": ("num_model_requests", "num_requests", "requests"),
    "input": ("input_tokens", "n_context_tokens_total"),
    "cache_read": ("input_cached_tokens",),
    "cache_write": ("input_cache_write_tokens",),
    "output": ("output_tokens", "n_generated_tokens_total"),
    "quantity": ("quantity",),
    "unit": ("quantity_unit",),
}
_ANTHROPIC = {
    "day": ("usage_date_utc", "date", "day"),
    "model": ("model_version", "model"),
    "cost": ("cost_usd", "amount_usd", "cost"),
    "currency": ("currency",),
    "uncached": ("usage_input_tokens_no_cache", "uncached_input_tokens"),
    "cache_read": ("usage_input_tokens_cache_read", "cache_read_input_tokens"),
    "cache_write": (
        "usage_input_tokens_cache_write_5m",
        "usage_input_tokens_cache_write",
        "cache_creation_input_tokens",
    ),
    "cache_write_1h": ("usage_input_tokens_cache_write_1h",),
    "output": ("usage_output_tokens", "output_tokens"),
}
KNOWN = {"openai": _OPENAI, "anthropic": _ANTHROPIC}
_LINE_ITEMS = {
    "input": "input",
    "input tokens": "input",
    "cached input": "cache_read",
    "cached input tokens": "cache_read",
    "input cached tokens": "cache_read",
    "cache write": "cache_write",
    "input cache write tokens": "cache_write",
    "output": "output",
    "output tokens": "output",
}
"""What stands after the comma of an OpenAI line item: `gpt-4o, cached input`."""
_SUM_WORDS = frozenset({"total", "totals", "grand total", "subtotal", "sub total", "sum"})
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
"""A first line by which spreadsheets tell each other the delimiter."""


class ParsedBill(NamedTuple):
    entries: list[BillEntry]
    unused_columns: list[str]
    """Of the file, as it names them: nothing was taken from these."""


def parse_bill(data: bytes, provider: str, columns: Mapping[str, str] | None = None) -> ParsedBill:
    """The lines of a bill, by the provider's own columns or by `columns` (ours -> theirs).

    Raises InvalidValue.
    """
    names, rows = _read(data)
    header = [_column_name(name) for name in names]
    layout: Mapping[str, Sequence[str]]
    if columns:
        layout = {ours: (_column_name(theirs),) for ours, theirs in columns.items()}
    elif provider in KNOWN:
        layout = KNOWN[provider]
    else:
        raise InvalidValue(
            "column",
            f"the columns of a bill of {provider} are not known",
            fix="say which they are: day=Date,model=Model,cost=Cost",
        )
    places = _places(header, layout, required=bool(columns))
    _require_enough(header, places, provider)
    used = set(places.values())
    return ParsedBill(
        [line for cells in rows if (line := _line(cells, places)) is not None],
        [name for place, name in enumerate(names) if place not in used and name],
    )


def _line(row: "_Row", places: Mapping[str, int]) -> BillEntry | None:
    if any(_is_sum(row.values[place]) for place in _naming(row, places)):
        return None
    row.check_length(max(places.values()))
    cells = {name: row.cell(place) for name, place in places.items()}
    cost = cells.get("cost")
    currency = cells.get("currency")
    if currency is not None and currency.text.lower() not in {"", "usd"}:
        raise currency.wrong("is not US dollars; only bills in US dollars can be compared")
    model, token_class = _model_and_class(cells.get("model"), row, places)
    tokens = _tokens(cells)
    unit = cells.get("unit")
    if tokens is None and token_class and unit is not None and unit.text.lower() == "tokens":
        tokens = Tokens()._replace(**{token_class: count_of(cells["quantity"])})
    line = BillEntry(
        day=day_of_text(cells["day"]),
        model=model,
        requests=None if "requests" not in cells else count_of(cells["requests"]),
        tokens=tokens,
        cost_pico=None if cost is None else amount_pico(cost),
    )
    # Exports have a row for every day, also where there was nothing to count.
    counted = line.requests or (tokens and tokens.total) or line.cost_pico
    return line if counted or model else None


def _naming(row: "_Row", places: Mapping[str, int]) -> list[int]:
    """The cells that can say that a line is a sum: the first one, the day's and the model's."""
    named = {0, places["day"], places.get("model", 0)}
    return [place for place in named if place < len(row.values)]


def _is_sum(text: str) -> bool:
    return text.strip().rstrip(":").lower().replace("-", " ") in _SUM_WORDS


def _tokens(cells: Mapping[str, Cell]) -> Tokens | None:
    names = ("input", "uncached", "cache_read", "cache_write", "cache_write_1h", "output")
    counts = {name: count_of(cells[name]) for name in names if name in cells}
    if not counts:
        return None
    read = counts.get("cache_read", 0)
    written = counts.get("cache_write", 0) + counts.get("cache_write_1h", 0)
    uncached = counts.get("uncached", 0)
    if "input" in counts:
        uncached = counts["input"] - read - written
        if uncached < 0:
            raise cells["input"].wrong("is less than the cached tokens that are a part of it")
    return Tokens(uncached, read, written, counts.get("output", 0))


def _model_and_class(
    cell: Cell | None, row: "_Row", places: Mapping[str, int]
) -> tuple[str, str | None]:
    if cell is None:
        return "", None
    if row.header[places["model"]] != "line_item":
        return cell.text, None
    name, comma, rest = cell.text.rpartition(",")
    if not comma:
        return cell.text, None
    return name.strip(), _LINE_ITEMS.get(rest.strip().lower().replace("_", " "))


class _Row(NamedTuple):
    number: int
    values: Sequence[str]
    header: Sequence[str]
    delimiter: str

    def cell(self, place: int) -> Cell:
        return Cell(
            self.values[place].strip(), self.number, self.header[place], self.delimiter == ","
        )

    def check_length(self, last_place: int) -> None:
        """Cells in the wrong column would be wrong figures. Raises InvalidValue."""
        if any(value.strip() for value in self.values[len(self.header) :]):
            raise InvalidValue(
                "file",
                f"line {self.number} has {len(self.values)} cells, and there are"
                f" {len(self.header)} columns",
                fix=f"put a value that has a {self.delimiter!r} in it into quotes",
            )
        if len(self.values) <= last_place:
            raise InvalidValue(
                "file",
                f"line {self.number} ends before column {self.header[last_place]!r}",
                fix="export the file again: this one was cut off",
            )


def _read(data: bytes) -> tuple[list[str], Iterator[_Row]]:
    """The names of the columns as they stand there, and the lines below them."""
    text = _decoded(data)
    first, _, rest = text.lstrip().partition("\n")
    told = _SEPARATOR_LINE.fullmatch(first.strip())
    if told:
        first = rest.lstrip().partition("\n")[0]
    if not first.strip():
        raise InvalidValue("file", "the file is empty")
    delimiter = told[1] if told else max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = _numbered(lines)
    header = next((values for _, values in rows if not _is_preface(values, told)), None)
    if header is None:
        raise InvalidValue("file", "the file has no column names")
    names = [_column_name(name) for name in header]
    lines_below = (_Row(number, values, names, delimiter) for number, values in rows)
    return [name.strip() for name in header], lines_below


def _is_preface(values: Sequence[str], told: re.Match[str] | None) -> bool:
    return told is not None and values[0].strip().lower().startswith("sep=")


def _numbered(reader: "_Reader") -> Iterator[tuple[int, list[str]]]:
    """Lines that are not empty, with the number at which each ends in the file."""
    try:
        for values in reader:
            if reader.line_num > LINES_MAX:
                raise InvalidValue("file", f"the file has more than {LINES_MAX:,} lines")
            if any(value.strip() for value in values):
                yield reader.line_num, values
    except csv.Error as error:
        raise InvalidValue("file", f"line {reader.line_num}: {error}") from error


class _Reader(Protocol):
    """What `csv.reader` makes; its type has no public name."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidValue(
            "file", f"line {line} is not {encoding} text", fix="export the file as CSV (UTF-8)"
        ) from error
    if "\0" in text:
        raise InvalidValue("file", "the file is no text", fix="export it as CSV")
    return text


def _column_name(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


def _places(
    header: Sequence[str], layout: Mapping[str, Sequence[str]], *, required: bool
) -> dict[str, int]:
    places = {}
    for ours, names in layout.items():
        found = next((name for name in names if name in header), None)
        if found is not None:
            places[ours] = header.index(found)
        elif required:
            raise InvalidValue(
                "column",
                f"the file has no column {names[0]!r} for {ours}",
                fix=f"its columns are: {', '.join(header)[:400]}",
            )
    return places


def _require_enough(header: Sequence[str], places: Mapping[str, int], provider: str) -> None:
    counted = {"cost", "input", "uncached", "output", "requests"} & places.keys()
    if "day" in places and counted:
        return
    missing = "a day" if "day" not in places else "a cost, a count of tokens or of requests"
    raise InvalidValue(
        "file",
        f"this is no export of {provider} that is known: no column with {missing}; "
        f"its columns are: {', '.join(header)[:400]}",
        fix="name the columns: day=..,model=..,cost=..",
    )
