"""A page's table as a file, CSV or JSON lines: all of its rows, exact.

Amounts are decimal text in dollars, what is not known is empty, and instants are in UTC.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec
from aiohttp import web

from llmtrack.domain.money import usd_text
from llmtrack.domain.periods import rfc3339
from llmtrack.domain.spans import Span
from llmtrack.formats.csv_lines import Cell, csv_lines
from llmtrack.storage.labels import Label
from llmtrack.storage.sums import Sums
from llmtrack.web.exports import attachment_headers

CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/jsonl"}
CHUNK_ROWS = 200
"""So many are written before others get a turn: there may be tens of thousands of customers."""
ROWS_HEADER = "LLMtrack-Rows"
"""How many rows will come at most, for a progress bar."""

Row = Sequence[Cell]

PERIOD_HEADS = ("from", "to", "time_zone")
VALUE_HEADS = ("by", "id", "name")
USAGE_HEADS = (
    *("cost_usd", "requests", "input_tokens", "cache_read_tokens", "output_tokens"),
    *("unpriced_requests", "unknown_usage_requests", "partly_priced_requests"),
)


class Table(NamedTuple):
    name: str
    """Of the file, without its ending."""
    heads: Sequence[str]
    rows: Iterable[Row]
    """Made while they are written."""
    row_count: int


def asked_form(request: web.Request) -> str:
    """Raises HTTPBadRequest."""
    form = request.query.get("format", "csv")
    if form not in CONTENT_TYPES:
        raise web.HTTPBadRequest(text="The format is csv or jsonl.")
    return form


async def send_table(request: web.Request, form: str, table: Table) -> web.StreamResponse:
    headers = attachment_headers(f"{table.name}.{form}", CONTENT_TYPES[form])
    response = web.StreamResponse(headers=headers | {ROWS_HEADER: str(table.row_count)})
    await response.prepare(request)
    if form == "csv":
        await response.write(csv_lines([table.heads]))
    rows = iter(table.rows)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        await response.write(lines_of(form, table.heads, chunk))
        await asyncio.sleep(0)
    await response.write_eof()
    return response


def lines_of(form: str, heads: Sequence[str], rows: Sequence[Row]) -> bytes:
    """Without a line of the heads, which JSON lines have in each."""
    if form != "jsonl":
        return csv_lines(rows)
    return b"".join(msgspec.json.encode(dict(zip(heads, row, strict=True))) + b"\n" for row in rows)


def usd_cell(pico: int | None) -> str | None:
    return None if pico is None else usd_text(pico)


def period_cells(span: Span, time_zone: str) -> tuple[Cell, ...]:
    """Of PERIOD_HEADS: instants in UTC, and the zone whose days they begin and end."""
    return rfc3339(span.start_ms), rfc3339(span.end_ms), time_zone


def value_cells(by: str, value: int | None, label: Label | None) -> tuple[Cell, ...]:
    """Of VALUE_HEADS; requests without a value have neither id nor name."""
    if value is None:
        return by, None, None
    return (by, None, "?") if label is None else (by, label.slug or None, label.text)


def usage_cells(sums: Sums) -> tuple[Cell, ...]:
    """Of USAGE_HEADS."""
    tells_tokens = sums.tokens or not sums.events or sums.unknown_usage_events < sums.events
    tokens = (sums.input_tokens, sums.cache_read_tokens, sums.output_tokens)
    return (
        usd_cell(sums.known_cost_pico),
        sums.events,
        *(tokens if tells_tokens else (None, None, None)),
        sums.unpriced_events,
        sums.unknown_usage_events,
        sums.partial_events,
    )
