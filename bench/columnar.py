"""The same questions about the same rows, asked by DuckDB of a Parquet file.

DuckDB is not among the product's dependencies: `make bench` installs it from
requirements/bench.lock, and without it this family says that it was left out.
"""

import asyncio
import csv
import importlib
import importlib.util
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.figures import Figure, median
from llmtrack.domain.periods import DAY_MS, day_of, day_start_ms
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.storage.database import Database
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import value_of
from llmtrack.storage.latencies import latency_steps
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import usage_by_value, usage_report
from llmtrack.storage.scope import Scope
from llmtrack.storage.sums import COSTS
from llmtrack.storage.workspaces import list_workspaces, scope_for_admin
from llmtrack.web.overview_data import ROWS_MAX

DAYS = (1, 7, 30, 90)
_COLUMNS = (
    *("workspace_id", "timestamp_ms", "provider_id", "model_id", "feature_id", "customer_id"),
    *("key_id", "environment_id", "status", "input_tokens", "output_tokens", "latency_ms"),
    "cost_pico",
)
_SUMMED = """count(*), sum(input_tokens), sum(output_tokens), sum(cost_pico),
  count(*) filter (status = 1), count(*) filter (status = 2)"""
_WHERE = (
    "where workspace_id = {workspace} and timestamp_ms >= {start_ms} and timestamp_ms < {end_ms}"
)
_KINDS = {"model": Kind.MODEL, "feature": Kind.FEATURE, "customer": Kind.CUSTOMER}

Ask = Callable[[], Awaitable[int]]


class Asked(NamedTuple):
    """One question to both; each gives back how many events it is about, which must agree."""

    name: str
    ask: Ask
    statements: tuple[str, ...]
    """The first one's last column is how many events a row is about."""


def has_duckdb() -> bool:
    return importlib.util.find_spec("duckdb") is not None


def columnar_figures(data_dir: Path, directory: Path, *, rounds: int) -> list[Figure]:
    """Medians of both over what an Overview asks, in turns. Empty without DuckDB."""
    if not has_duckdb():
        print("left out: DuckDB is missing (pip install -r requirements/bench.lock)")
        return []
    parquet = directory / "events.parquet"
    _write_parquet(data_dir / "llmtrack.db", parquet)
    return asyncio.run(_compared(data_dir / "llmtrack.db", parquet, rounds))


def _write_parquet(path: Path, parquet: Path) -> None:
    """As DuckDB writes it by itself, with rows in the order of workspace and time."""
    text = parquet.with_suffix(".csv")
    with sqlite3.connect(path) as connection, text.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(connection.execute(f"select {', '.join(_COLUMNS)} from event"))  # noqa: S608
    connection.close()
    _duckdb().execute(f"copy (from read_csv('{text}')) to '{parquet}' (format parquet)")
    text.unlink()


def _duckdb() -> Any:
    return importlib.import_module("duckdb").connect()


async def _compared(path: Path, parquet: Path, rounds: int) -> list[Figure]:
    other = _duckdb()
    other.execute(f"create view event as from read_parquet('{parquet}')")
    database = await Database.open(path)
    try:
        found = await list_workspaces(database)
        demo = next(workspace for workspace in found if workspace.name == "Demo")
        scope = await scope_for_admin(database, demo.public_id)
        questions = await _questions(scope, int(time.time() * 1000))
        figures = [await _figure(asked, other, rounds) for asked in questions]
    finally:
        await database.close()
    ratios = [figure.value for figure in figures]
    texts = (f"{len(ratios)} questions", "", "", "")
    return [*figures, Figure("median of them, of DuckDB", *texts, median(ratios), 1.0, more=False)]


async def _figure(asked: Asked, other: Any, rounds: int) -> Figure:
    theirs, ours, counts = [], [], set()
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        answers = [other.execute(statement).fetchall() for statement in asked.statements]
        counts.add(sum(row[-1] for row in answers[0]))
        between = time.perf_counter()
        counts.add(await asked.ask())
        ours.append((time.perf_counter() - between) * 1000)
        theirs.append((between - begun) * 1000)
    if len(counts) != 1:
        raise RuntimeError(f"{asked.name}: DuckDB and the product count differently: {counts}")
    base, rate = median(theirs[1:]), median(ours[1:])
    texts = (f"{base:.1f} ms", f"{rate:.1f} ms", "", "")
    return Figure(f"{asked.name}, of DuckDB", *texts, rate / base, 1.0, more=False)


async def _questions(scope: Scope, now_ms: int) -> list[Asked]:
    async with scope.reading() as reading:
        feature = await value_of(reading, Kind.FEATURE, "search") or 0
    zone = scope.time_zone
    end = day_of(now_ms, zone) + 1
    found = []
    for days in DAYS:
        span = Span(day_start_ms(end - days, zone), day_start_ms(end, zone))
        where = _WHERE.format(
            workspace=scope.workspace_id, start_ms=span.start_ms, end_ms=span.end_ms
        )
        found += [_by_value(scope, f"by {name}, {days} days", name, span, where) for name in _KINDS]
        found.append(
            _filtered(scope, f"by model of one feature, {days} days", feature, span, where)
        )
        found.append(_percentiles(scope, f"p50/p95/p99 by model, {days} days", span, where))
    return found


def _by_value(scope: Scope, name: str, column: str, span: Span, where: str) -> Asked:
    """Totals by value, and the series of the largest: what an Overview is made of."""
    question = Question(_KINDS[column], span, scope.time_zone)
    step = Step.HOUR if span.length_ms <= 2 * DAY_MS else Step.DAY

    async def ask() -> int:
        buckets = buckets_of(span, step, scope.time_zone)
        async with scope.reading() as reading:
            report = await usage_report(reading, question, buckets, series_max=ROWS_MAX, of=COSTS)
        return report.total.events

    unit_ms = 3_600_000 if step is Step.HOUR else DAY_MS
    value, bucket = f"{column}_id", f"timestamp_ms // {unit_ms}"
    largest = f"""
        select {value} from event {where} and {value} is not null
        group by 1 order by sum(cost_pico) desc limit {ROWS_MAX}
    """  # noqa: S608 - names and numbers of ours
    statements = (
        f"select {value}, {_SUMMED}, count(*) from event {where} group by 1",  # noqa: S608
        f"select {value}, {bucket}, {_SUMMED} from event {where} and {value} in ({largest}) group by 1, 2",  # noqa: S608, E501
        f"select {bucket}, {_SUMMED} from event {where} group by 1",  # noqa: S608
    )
    return Asked(name, ask, statements)


def _filtered(scope: Scope, name: str, feature: int, span: Span, where: str) -> Asked:
    question = Question(Kind.MODEL, span, scope.time_zone, {Kind.FEATURE: feature})

    async def ask() -> int:
        async with scope.reading() as reading:
            found = await usage_by_value(reading, question)
        return sum(sums.events for sums in found.values())

    sql = f"""
        select model_id, {_SUMMED}, count(*) from event {where} and feature_id = {feature}
        group by 1
    """  # noqa: S608 - names and numbers of ours
    return Asked(name, ask, (sql,))


def _percentiles(scope: Scope, name: str, span: Span, where: str) -> Asked:
    question = Question(Kind.MODEL, span, scope.time_zone)

    async def ask() -> int:
        async with scope.reading() as reading:
            steps = await latency_steps(reading, question)
        return sum(of_value.total() for of_value in steps.values())

    shares = ", ".join(f"quantile_disc(latency_ms, {share})" for share in (0.5, 0.95, 0.99))
    sql = f"""
        select model_id, {shares}, count(latency_ms) from event {where} group by 1
    """  # noqa: S608 - names and numbers of ours
    return Asked(name, ask, (sql,))
