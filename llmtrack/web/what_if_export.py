"""`GET /w/{workspace}/what-if/export`: each feature as it was, and at the other model's prices."""

from collections.abc import Iterator, Sequence

from aiohttp import web

from llmtrack.domain.errors import Refused
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span
from llmtrack.domain.what_if import Comparison
from llmtrack.services.what_if import Target
from llmtrack.web.analytics import Look, looking
from llmtrack.web.auth import require
from llmtrack.web.exports import check_understood, days_text
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.table_files import (
    PERIOD_HEADS,
    Row,
    Table,
    asked_form,
    period_cells,
    send_table,
    usd_cell,
)
from llmtrack.web.what_if import EXTRAS, WHAT_IF_RUNS, find_run, what_if_values
from llmtrack.web.what_if import Row as Compared

HEADS = (
    *PERIOD_HEADS,
    *("feature", "target", "requests", "compared_requests"),
    *("cost_usd", "target_cost_usd", "difference_usd", "lower_bound_requests"),
    *("uncosted_requests", "uncosted_target_cost_usd", "target_unpriced_requests"),
)


@require(Permission.EXPORT)
async def get_what_if_export(request: web.Request) -> web.StreamResponse:
    form = asked_form(request)
    async with looking(request, "what-if", EXTRAS) as look:
        check_understood(look.bar.problems)
        book = await request.app[PRICE_BOOKS].find(look.scope.workspace_id)
        run = find_run(request.app[WHAT_IF_RUNS], look)
        found = await look.reading.run(what_if_values(look, book, run))
        check_understood(look.bar.problems)  # there may be no such model
    if found["total"] is None:
        raise Refused("the comparison is under way", fix="ask again when the page shows its result")
    span, target, rows = found["span"], found["target"], found["rows"]
    days = days_text(span, look.scope.time_zone)
    name = f"what-if-{target.provider}-{target.model}-{days}"
    return await send_table(
        request, form, Table(name, HEADS, _rows(look, span, target, rows), len(rows))
    )


def _rows(look: Look, span: Span, target: Target, rows: Sequence[Compared]) -> Iterator[Row]:
    period = period_cells(span, look.scope.time_zone)
    for row in rows:
        feature = row.label.slug or None
        yield *period, feature, f"{target.provider}/{target.model}", *_cells(row.comparison)


def _cells(found: Comparison) -> tuple[str | int | None, ...]:
    """Both costs are of the same requests; where there is none, neither is known."""
    sums = (found.before_pico, found.after_pico, found.difference_pico)
    return (
        found.events,
        found.compared_events,
        *(usd_cell(pico if found.compared_events else None) for pico in sums),
        found.lower_bounds,
        found.only_after_events,
        usd_cell(found.only_after_pico if found.only_after_events else None),
        found.not_priced.total(),
    )


ROUTES = [web.get("/w/{workspace}/what-if/export", get_what_if_export)]
