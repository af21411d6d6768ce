"""The table of the Overview, and of a value's page, as a file: below them, `/export`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from aiohttp import web

from llmtrack.domain.errors import NotFound
from llmtrack.domain.latency import percentile
from llmtrack.domain.roles import Permission
from llmtrack.storage.latencies import Steps, latency_steps
from llmtrack.storage.questions import LATENCY_EVENTS_MAX, TooMuchToRead
from llmtrack.storage.reports import UsageRow, breakdown
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.exports import check_understood, days_text
from llmtrack.web.metrics import per_request_pico
from llmtrack.web.one_value import grouped, looking_at_value
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
    usd_cell,
    value_cells,
)

HEADS = (
    *PERIOD_HEADS,
    *VALUE_HEADS,
    *USAGE_HEADS,
    *("cost_per_1000_requests_usd", "p50_ms", "p95_ms", "errors", "timeouts", "cancelled"),
)


class Breakdown(NamedTuple):
    lines: Sequence[UsageRow]
    steps: Steps
    """Of latencies; none where it would have been too much to read."""


@require(Permission.EXPORT)
async def get_overview_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    async with looking(request, "") as look:
        check_understood(look.bar.problems)
        found = await look.reading.run(_load(look))
    return await send_table(request, form, _table(look, found, "usage"))


@require(Permission.EXPORT)
async def get_value_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    async with looking_at_value(request) as (asked, name):
        if name not in asked.bar.labels:
            raise NotFound(f"which {dimension_text(name)[:60]} is exported is not said")
        check_understood(asked.bar.problems)
        look = grouped(asked, name)
        found = await look.reading.run(_load(look))
    return await send_table(request, form, _table(look, found, f"one-{name}"))


async def _load(look: Look) -> Breakdown:
    """Raises TooMuchToRead."""
    question = look.question()
    lines = await breakdown(look.reading, question)
    try:
        within = replace(question, read_events_max=LATENCY_EVENTS_MAX)
        return Breakdown(lines, await latency_steps(look.reading, within))
    except TooMuchToRead:
        return Breakdown(lines, {})


def _table(look: Look, found: Breakdown, what: str) -> Table:
    days = days_text(look.timeframe.span, look.scope.time_zone)
    name = f"{what}-by-{look.query.by}-{days}"
    return Table(name, HEADS, _rows(look, found), len(found.lines))


def _rows(look: Look, found: Breakdown) -> Iterator[Row]:
    period = period_cells(look.timeframe.span, look.scope.time_zone)
    for value, label, sums in found.lines:
        steps = found.steps.get(value, Counter())
        is_known = sums.known_cost_pico is not None
        yield (
            *period,
            *value_cells(look.query.by, value, label if label.text else None),
            *usage_cells(sums),
            usd_cell(per_request_pico(sums, 1000) if is_known else None),
            *(percentile(steps, share) for share in (0.5, 0.95)),
            *(sums.errors, sums.timeouts, sums.cancelled),
        )


ROUTES = [
    web.get("/w/{workspace}/export", get_overview_export),
    web.get("/w/{workspace}/by/{dimension}/export", get_value_export),
]
