"""`GET /w/{workspace}/statement?month=2026-10`: a month on paper, for finance."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from aiohttp import web

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.periods import (
    date_of_day,
    day_number,
    day_start_ms,
    local_date,
    month_start,
    next_month,
)
from llmtrack.domain.roles import Permission, may
from llmtrack.domain.spans import Span
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import (
    DayRow,
    breakdown_by_day,
    ranked,
    usage_by_value,
    used_days,
)
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.storage.sums import Sums, total_of
from llmtrack.web.auth import require
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.numbers import usd_digits
from llmtrack.web.page_query import DIMENSIONS
from llmtrack.web.render import page

TABLES = ("provider", "model", "feature", "customer", "key")
MONTHS_MAX = 36
ROWS_MAX = 200
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class Table(NamedTuple):
    name: str
    rows: list[tuple[Label, Sums]]
    more: int
    rest: Sums


class Statement(NamedTuple):
    month: date
    """Its first day."""
    span: Span
    months: list[date]
    """Those that can be chosen."""
    days: list[DayRow]
    tables: list[Table]
    total: Sums


@require(Permission.READ)
async def get_statement(request: web.Request) -> web.StreamResponse:
    found, scope, now_ms = await load_statement(request), request[SCOPE], request.app[CLOCK_MS]()
    first, today = found.month, local_date(now_ms, scope.time_zone)
    return page(
        request,
        "statement.html",
        now_ms=now_ms,
        month=first,
        is_running=first <= today < next_month(first),
        has_not_begun=today < first,
        total=found.total,
        digits=usd_digits(sums.cost_pico for sums in _lines(found.days, found.tables)),
        days=found.days,
        tables=found.tables,
        months=sorted({*found.months, first}, reverse=True),
        zone=scope.time_zone,
        path=request.path,
        may_export=may(scope.role, Permission.EXPORT),
    )


async def load_statement(request: web.Request, rows_max: int | None = ROWS_MAX) -> Statement:
    """Of the month that the URL names, else the last full one. Raises InvalidValue."""
    scope = request[SCOPE]
    today = local_date(request.app[CLOCK_MS](), scope.time_zone)
    asked = _month(request.query.get("month", ""))
    async with scope.reading() as reading:
        months = _months(await used_days(reading), today)
        first = asked or months[:2][-1]  # the last full one, where that may have events
        ends = (day_number(first), day_number(next_month(first)))
        span = Span(*(day_start_ms(day, scope.time_zone) for day in ends))
        days, tables = await reading.run(_load(reading, scope, span, rows_max))
    return Statement(first, span, months, days, tables, total_of(day.sums for day in days))


def _lines(days: Iterable[DayRow], tables: Iterable[Table]) -> Iterator[Sums]:
    """Of all that is written: where they have all their decimals, a total of theirs has, too."""
    yield from (day.sums for day in days)
    for table in tables:
        yield from (sums for _, sums in table.rows)
        yield table.rest


async def _load(
    reading: ScopedReading, scope: Scope, span: Span, rows_max: int | None
) -> tuple[list[DayRow], list[Table]]:
    days = await breakdown_by_day(reading, Question(Kind.TOTAL, span, scope.time_zone))
    questions = [(name, Question(DIMENSIONS[name], span, scope.time_zone)) for name in TABLES]
    return days, [await _table(reading, name, question, rows_max) for name, question in questions]


async def _table(
    reading: ScopedReading, name: str, question: Question, rows_max: int | None
) -> Table:
    values = await usage_by_value(reading, question)
    order = ranked(values)
    shown = order[:rows_max]
    rest = order[len(shown) :]
    named = [value for value in shown if value is not None]
    labels = await labels_of(reading, question.kind, named)
    rows = [(labels.get(value) or Label("", f"no {name}"), values[value]) for value in shown]
    return Table(name, rows, len(rest), total_of(values[value] for value in rest))


def _month(text: str) -> date | None:
    """The first day of the month asked for."""
    if not text:
        return None
    if not _MONTH.fullmatch(text) or not "1970-02" <= text < "9999":
        raise InvalidValue("month", f"{text[:20]!r} is no month", fix="write it as 2026-10")
    return date.fromisoformat(f"{text}-01")


def _months(used: tuple[int, int] | None, today: date) -> list[date]:
    """Months that may have events, the newest first."""
    first = month_start(date_of_day(used[0])) if used else month_start(today)
    months = [month_start(today)]
    while months[-1] > first and len(months) < MONTHS_MAX:
        months.append(month_start(months[-1] - timedelta(days=1)))
    return months


ROUTES = [web.get("/w/{workspace}/statement", get_statement)]
