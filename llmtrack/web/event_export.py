"""`GET /w/{workspace}/events/export`: what the events page shows, all of it, as a file."""

from collections.abc import Sequence

import msgspec
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

CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/jsonl"}
ROWS_HEADER = "LLMtrack-Rows"
"""How many rows will come at most, for a progress bar."""


@require(Permission.EXPORT)
async def get_export(request: web.Request) -> web.StreamResponse:
    form = request.query.get("format", "csv")
    if form not in CONTENT_TYPES:
        raise web.HTTPBadRequest(text="The format is csv or jsonl.")
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
    if form == "csv":
        await response.write(csv_lines([_names(columns)]))
    async for events in exported_pages(scope, wanted):
        if events:
            await response.write(_written(form, columns, events, scope.time_zone))
    await response.write_eof()
    return response


def _names(columns: Sequence[Column]) -> list[str]:
    """`time_zone` stands in every export: whose days the period is, and those of times in UTC."""
    return [*(name for column in columns for name, _ in column.in_files), "time_zone"]


def _written(
    form: str, columns: Sequence[Column], events: list[EventDetail], time_zone: str
) -> bytes:
    values = [value for column in columns for _, value in column.in_files]
    rows = [[*(value(event) for value in values), time_zone] for event in events]
    if form == "csv":
        return csv_lines(rows)
    names = _names(columns)
    return b"".join(msgspec.json.encode(dict(zip(names, row, strict=True))) + b"\n" for row in rows)
