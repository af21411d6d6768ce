"""`GET /w/{workspace}/performance/export`: latencies and failures of all requests, and by whom."""

from collections.abc import Iterator, Sequence

from aiohttp import web

from llmtrack.domain.roles import Permission
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.exports import check_understood, days_text
from llmtrack.web.performance import Row as Figures
from llmtrack.web.performance import load_course, rows_by, shown_tables
from llmtrack.web.table_files import (
    PERIOD_HEADS,
    VALUE_HEADS,
    Row,
    Table,
    asked_form,
    period_cells,
    send_table,
)

HEADS = (
    *PERIOD_HEADS,
    *VALUE_HEADS,
    *("requests", "p50_ms", "p95_ms", "p99_ms", "errors", "timeouts", "cancelled"),
)
Tables = Sequence[tuple[str, Sequence[Figures]]]


@require(Permission.EXPORT)
async def get_performance_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    async with looking(request, "performance") as look:
        check_understood(look.bar.problems)
        tables = await look.reading.run(_load(look))
    name = f"performance-{days_text(look.timeframe.span, look.scope.time_zone)}"
    table = Table(name, HEADS, _rows(look, tables), sum(len(rows) for _, rows in tables))
    return await send_table(request, form, table)


async def _load(look: Look) -> Tables:
    """Percentiles do not add up, so the line of all requests comes first. Raises TooMuchToRead."""
    course = await load_course(look)
    tables = [(name, await rows_by(look, name, None)) for name in shown_tables(look)]
    return [("total", [course.total]), *tables]


def _rows(look: Look, tables: Tables) -> Iterator[Row]:
    period = period_cells(look.timeframe.span, look.scope.time_zone)
    for by, rows in tables:
        for label, _, sums, p50_ms, p95_ms, p99_ms, _ in rows:
            yield (
                *period,
                *(by, label.slug or None, label.text),
                *(sums.events, p50_ms, p95_ms, p99_ms),
                *(sums.errors, sums.timeouts, sums.cancelled),
            )


ROUTES = [web.get("/w/{workspace}/performance/export", get_performance_export)]
