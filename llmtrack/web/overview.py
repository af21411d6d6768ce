"""`GET /w/{workspace}/`: what it cost, what it will have cost, and what causes it."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from llmtrack.domain.periods import date_of_day, local_date
from llmtrack.domain.roles import Permission, may
from llmtrack.domain.timeframes import NAMED, Timeframe
from llmtrack.storage.scope import Scope
from llmtrack.web.auth import require
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.numbers import when_seconds
from llmtrack.web.overview_chart import chart_of
from llmtrack.web.overview_data import OverviewData, load_overview
from llmtrack.web.overview_view import table_of, tiles_of
from llmtrack.web.page_query import DIMENSIONS, PageQuery, parse_page_query
from llmtrack.web.render import page

PERIOD_KEYS = {"24h": "d", "7d": "w", "30d": "t", "90d": "n", "month": "m", "last-month": "p"}
PERIOD_TEXTS = {
    "24h": "24 h",
    "7d": "7 d",
    "30d": "30 d",
    "90d": "90 d",
    "month": "Month",
    "last-month": "Last month",
}
REFRESH_S = 30
WAIT_S = 1
"""How often a page without any event looks for the first one."""


@require(Permission.READ)
async def get_overview(request: web.Request) -> web.StreamResponse:
    scope = request[SCOPE]
    now_ms = request.app[CLOCK_MS]()
    path = f"/w/{scope.public_id}/"
    query, timeframe = parse_page_query(path, request.query, now_ms, scope.time_zone)
    data = await load_overview(scope, query, timeframe, now_ms)
    problems = [*query.problems, *data.problems]
    if data.problems:
        kept = {name: query.filters[name] for name in data.filters}
        query = replace(query, filters=kept)
    values = _frame(scope, query, timeframe, data)
    if data.report is not None and data.report.total.events:
        values |= {
            "tiles": tiles_of(data, timeframe),
            "chart": chart_of(query, data, scope.time_zone),
            "table": table_of(query, data),
        }
    return page(
        request,
        "overview.html",
        now_ms=now_ms,
        problems=problems,
        updated=when_seconds(now_ms, scope.time_zone),
        **values,
    )


def _frame(
    scope: Scope, query: PageQuery, timeframe: Timeframe, data: OverviewData
) -> dict[str, Any]:
    """What the page shows whatever the answers are: filters, choices, ways out."""
    return {
        "data": data,
        "query": query,
        "timeframe": timeframe,
        "zone": scope.time_zone,
        "refresh_s": REFRESH_S if data.days is not None else WAIT_S,
        "may_manage_keys": may(scope.role, Permission.MANAGE_KEYS),
        "periods": [
            (text, query.with_period(key).url, PERIOD_KEYS[key], key == timeframe.key, NAMED[key])
            for key, text in PERIOD_TEXTS.items()
        ],
        "groupings": [(name, query.with_by(name).url, name == query.by) for name in DIMENSIONS],
        "pills": [
            (name, label.text, query.without_filter(name).url)
            for name, label in data.filters.items()
        ],
        "clear_url": query.without_filters().url,
        "custom_dates": _dates(timeframe, scope.time_zone),
        "range_parameters": query.parameters,
        "nearest_url": _nearest_url(query, data),
        "tiles": None,
        "chart": None,
        "table": None,
    }


def _dates(timeframe: Timeframe, zone_name: str) -> tuple[str, str]:
    """First and last date of the period, for the fields of a custom one."""
    first = local_date(timeframe.span.start_ms, zone_name)
    last = local_date(timeframe.span.end_ms - 1, zone_name)
    return first.isoformat(), last.isoformat()


def _nearest_url(query: PageQuery, data: OverviewData) -> str | None:
    """The last 30 days that have events, for a period that has none."""
    if data.days is None:
        return None
    first, last = data.days
    start = date_of_day(max(first, last - 29)).isoformat()
    return query.with_range(start, date_of_day(last).isoformat()).url


ROUTES = [web.get("/w/{workspace}/", get_overview)]
