"""`GET /w/{workspace}/events/export`: what the events page shows, all of it, as a file."""

from collections.abc import Sequence

from aiohttp import web

from llmtrack.domain.roles import Permission
from llmtrack.formats.csv_lines import csv_lines
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_search import EventDetail, exported_pages
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.reports import usage_total
from llmtrack.web.analytics import looking
from llmtrack.web.auth import require
from llmtrack.web.context import SCOPE
from llmtrack.web.event_columns import Column, chosen_columns
from llmtrack.web.event_query import EXTRAS, wanted_events
from llmtrack.web.exports import attachment_headers, check_understood, days_text
from llmtrack.web.table_files import CONTENT_TYPES, ROWS_HEADER, Row, asked_form, lines_of


@require(Permission.EXPORT)
async def get_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    scope = request[SCOPE]
    async with looking(request, "events", EXTRAS) as look:
        asked = wanted_events(look)
        check_understood([*look.bar.problems, *asked.problems])
        wanted = asked.filter
        columns = chosen_columns(look.query.extras.get("columns", ""), look.query.tags)
        try:
            rows = (await usage_total(look.reading, look.question(Kind.TOTAL))).events
        except TooMuchToRead as error:
            rows = error.events
    name = f"events-{days_text(wanted.span, scope.time_zone)}.{form}"
    response = web.StreamResponse(headers=attachment_headers(name, CONTENT_TYPES[form]))
    response.headers[ROWS_HEADER] = str(rows)
    await response.prepare(request)
    names = _names(columns)
    if form == "csv":
        await response.write(csv_lines([names]))
    async for events in exported_pages(scope, wanted):
        if events:
            rows_of_page = _rows(columns, events, scope.time_zone)
            await response.write(lines_of(form, names, rows_of_page))
    await response.write_eof()
    return response


def _names(columns: Sequence[Column]) -> list[str]:
    """`time_zone` stands in every export: whose days the period is, and those of times in UTC."""
    return [*(name for column in columns for name, _ in column.in_files), "time_zone"]


def _rows(columns: Sequence[Column], events: list[EventDetail], time_zone: str) -> list[Row]:
    values = [value for column in columns for _, value in column.in_files]
    return [[*(value(event) for value in values), time_zone] for event in events]
