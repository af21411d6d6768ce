"""`GET /w/{workspace}/statement/export?month=2026-10`: a month's total and all of its lines."""

from collections.abc import Iterator
from datetime import date

from aiohttp import web

from llmtrack.domain.periods import day_number, day_start_ms
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span
from llmtrack.web.auth import require
from llmtrack.web.context import SCOPE
from llmtrack.web.statement import Statement, load_statement
from llmtrack.web.table_files import (
    PERIOD_HEADS,
    USAGE_HEADS,
    VALUE_HEADS,
    Row,
    Table,
    asked_form,
    period_cells,
    send_table,
    usage_cells,
)

HEADS = (*PERIOD_HEADS, *VALUE_HEADS, *USAGE_HEADS)


@require(Permission.EXPORT)
async def get_statement_export(request: web.Request) -> web.StreamResponse:
    """Each dimension's lines, and the days', add up to the total, which is the first line."""
    form, zone = asked_form(request), request[SCOPE].time_zone
    found = await load_statement(request, rows_max=None)
    count = 1 + sum(len(table.rows) for table in found.tables) + len(found.days)
    name = f"statement-{found.month:%Y-%m}-{zone}"
    return await send_table(request, form, Table(name, HEADS, _rows(found, zone), count))


def _rows(found: Statement, zone: str) -> Iterator[Row]:
    period = period_cells(found.span, zone)
    yield *period, *("total", None, None), *usage_cells(found.total)
    for table in found.tables:
        for label, sums in table.rows:
            name = label.text if label.slug else None
            yield *period, *(table.name, label.slug or None, name), *usage_cells(sums)
    for day in found.days:
        of_day = period_cells(_span_of(day.date, zone), zone)
        yield *of_day, *("day", day.date, day.date), *usage_cells(day.sums)


def _span_of(day: str, zone: str) -> Span:
    number = day_number(date.fromisoformat(day))
    return Span(day_start_ms(number, zone), day_start_ms(number + 1, zone))


ROUTES = [web.get("/w/{workspace}/statement/export", get_statement_export)]
