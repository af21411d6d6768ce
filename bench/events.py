"""Pages of single events, percentiles, and what an event takes on the disk."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figures import Figure, median, quantile
from llmtrack.domain.latency import percentile
from llmtrack.domain.periods import DAY_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span
from llmtrack.storage.database import Database
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.event_pages import Cursor, event_page
from llmtrack.storage.latencies import latency_steps
from llmtrack.storage.questions import Question
from llmtrack.storage.scope import Scope
from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

_COMMON = {Kind.MODEL: "gpt-4o"}
_LAST_CUSTOMER = """
-- bench.events
select max(text) from name where workspace_id = :workspace_id and kind = :kind
"""


def event_figures(data_dir: Path, *, rounds: int) -> list[Figure]:
    path = data_dir / "llmtrack.db"
    with sqlite3.connect(path) as connection:
        [events] = connection.execute("select count(*) from event").fetchone()
    size = path.stat().st_size / events
    measured = asyncio.run(_measure(path, rounds))
    texts = (f"{events:,} events", f"{path.stat().st_size / 2**20:,.0f} MiB", "", "")
    return [*measured, Figure("bytes on disk an event", *texts, size, 220, more=False)]


async def _measure(path: Path, rounds: int) -> list[Figure]:
    database = await Database.open(path)
    try:
        found = await list_workspaces(database)
        demo = next(workspace for workspace in found if workspace.name == "Demo")
        scope = await scope_for_admin(database, demo.public_id)
        now_ms = int(time.time() * 1000)
        # Of 2,000 in a large file; a small one lacks some.
        [[last]] = await scope.rows(_LAST_CUSTOMER, kind=int(Kind.CUSTOMER))
        rare = {Kind.CUSTOMER: last}
        triple = {Kind.FEATURE: "agent-planner", **_COMMON, **rare}
        wanted: list[tuple[str, dict[Kind, str], int]] = [
            ("no filter", {}, 10),
            ("one common filter", _COMMON, 10),
            ("one rare filter", rare, 10),
            ("a rare triple", triple, 150),
        ]
        figures = [
            await _page_figure(scope, now_ms, name, filters, rounds=rounds, must=must)
            for name, filters, must in wanted
        ]
        figures += await _percentile_figures(scope, now_ms, rounds)
    finally:
        await database.close()
    return figures


async def _page_figure(
    scope: Scope, now_ms: int, name: str, texts: dict[Kind, str], *, rounds: int, must: float
) -> Figure:
    filters = {}
    for kind, text in texts.items():
        [row] = await scope.rows(
            "select id from name where workspace_id = :workspace_id and kind = :kind and text = :t",
            kind=int(kind),
            t=text,
        )
        filters[kind] = row[0]
    span = Span(now_ms - 90 * DAY_MS, now_ms)
    cursors = [None, *(Cursor(now_ms - days * DAY_MS, 0) for days in (1, 30, 60, 85))]
    times, looked = [], 0
    for before in cursors:
        for _ in range(rounds):
            begun = time.perf_counter()
            page = await event_page(scope, span, filters=filters, before=before)
            times.append((time.perf_counter() - begun) * 1000)
            looked = max(looked, page.looked)
    return Figure(
        f"50 events, {name}, any depth, ms",
        f"looked at {looked:,} at most",
        f"median {median(times):.2f} ms",
        f"{quantile(times, 0.99):.2f} ms",
        "",
        quantile(times, 0.95),
        must,
        more=False,
    )


async def _timed(function: Callable[[], Awaitable[object]], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await function()
        times.append((time.perf_counter() - begun) * 1000)
    return times


_LATENCIES = """
select model_id, latency_ms
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and latency_ms is not null
order by 1, 2
"""


async def _percentile_figures(scope: Scope, now_ms: int, rounds: int) -> list[Figure]:
    today = day_of(now_ms, scope.time_zone)
    span = Span(day_start_ms(today - 29, scope.time_zone), day_start_ms(today + 1, scope.time_zone))
    question = Question(Kind.MODEL, span, scope.time_zone)

    async def ask() -> dict[int | None, list[int | None]]:
        async with scope.reading() as reading:
            steps = await latency_steps(reading, question)
        return {
            model: [percentile(counts, share) for share in (0.5, 0.95, 0.99)]
            for model, counts in steps.items()
        }

    times = await _timed(ask, rounds)
    approximate = await ask()
    exact: dict[int, list[int]] = {}
    for model, latency_ms in await scope.rows(
        _LATENCIES, start_ms=span.start_ms, end_ms=span.end_ms
    ):
        exact.setdefault(model, []).append(latency_ms)
    worst = 0.0
    for model, values in exact.items():
        for share, found in zip((0.5, 0.95, 0.99), approximate[model], strict=True):
            true = values[max(0, -(-int(share * len(values) * 1000) // 1000) - 1)]
            worst = max(worst, abs((found or 0) - true) / true * 100)
    texts = (f"{len(exact)} models", f"median {median(times):.1f} ms", "", "")
    return [
        Figure("p50/p95/p99 by model, 30 days, ms", *texts, median(times), 50, more=False),
        Figure("their distance from exact, %", *texts, worst, 2.5, more=False),
    ]
