"""The write path: single events by three kinds of connection, and batches."""

import sqlite3
import time
from pathlib import Path

from bench.figures import Figure, median
from bench.load import Load, run_load
from bench.servers import Pair, bare, make_pair, product, set_up
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer

BATCH = 1000
BATCH_CONNECTIONS = 4


def single_figures(directory: Path, *, rounds: int, seconds: int) -> list[Figure]:
    """Product and baseline in turns: kept alive, over TLS, and a new TLS connection an event."""
    pair = make_pair(directory)
    kinds: list[tuple[str, Pair | None, bool, float]] = [
        ("single event", None, False, 0.60),
        ("single event, TLS", pair, False, 0.65),
        ("single event, new TLS connection", pair, True, 0.80),
    ]
    found = []
    for name, tls, close, must in kinds:
        data_dir = directory / name.replace(" ", "-").replace(",", "")
        key = set_up(data_dir)
        with bare(tls) as baseline, product(data_dir, tls) as ours:
            before, after = [], []
            for _ in range(rounds):
                before.append(run_load(baseline.url, key, seconds=seconds, close=close))
                after.append(run_load(ours.url, key, seconds=seconds, close=close))
            memory = ours.memory_mib()
        found.append(_compared(name, before, after, memory, must))
    return found


def _compared(
    name: str, before: list[Load], after: list[Load], memory: float, must: float
) -> Figure:
    base, rate = median([load.rate for load in before]), median([load.rate for load in after])
    refused = sum(load.refused for load in after)
    return Figure(
        name + (f" ({refused} refused!)" if refused else ""),
        f"{base:,.0f}/s",
        f"{rate:,.0f}/s",
        f"{median([load.p99_ms for load in after]):.1f} ms",
        f"{memory:.0f} MiB",
        rate / base,
        must,
    )


def latency_figure(directory: Path, *, seconds: int) -> Figure:
    """A single event at half of the maximum rate."""
    data_dir = directory / "latency"
    key = set_up(data_dir)
    with product(data_dir) as ours:
        most = run_load(ours.url, key, seconds=seconds)
        delay_ms = 64 / (most.rate / 2) * 1000
        half = run_load(ours.url, key, seconds=seconds, delay_ms=delay_ms)
    return Figure(
        "latency of a single event at half the rate, ms",
        f"{most.rate:,.0f}/s at most",
        f"{half.rate:,.0f}/s, p50 {half.p50_ms:.1f} ms",
        f"{half.p99_ms:.1f} ms",
        "",
        half.p99_ms,
        20,
        more=False,
    )


def batch_figures(directory: Path, *, rounds: int, seconds: int) -> list[Figure]:
    """Batches of 1000 by 4 connections against `executemany` of the same rows, as durable."""
    data_dir = directory / "batches"
    key = set_up(data_dir)
    raw, ours = [], []
    with product(data_dir) as process:
        run_load(process.url, key, seconds=1, connections=1, batch=BATCH)
        rows = _rows(data_dir)
        for number in range(rounds):
            raw.append(_raw_rate(directory / f"raw-{number}.db", rows, seconds))
            load = run_load(
                process.url, key, seconds=seconds, connections=BATCH_CONNECTIONS, batch=BATCH
            )
            ours.append(load.rate * BATCH)
        memory = process.memory_mib()
    base, rate = median(raw), median(ours)
    texts = (f"{base:,.0f}/s", f"{rate:,.0f}/s", "", f"{memory:.0f} MiB")
    return [
        Figure("batches of 1000, 4 connections", *texts, rate / base, 0.30),
        Figure("batches of 1000, events/s", *texts, rate, 50_000),
    ]


def _rows(data_dir: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(data_dir / "llmtrack.db")
    rows = connection.execute(f"select {', '.join(EventRow._fields)} from event limit 1000")  # noqa: S608
    found = rows.fetchall()
    connection.close()
    return found


def _raw_rate(path: Path, rows: list[tuple[object, ...]], seconds: int) -> float:
    connection = connect_writer(path, create=True)
    migrate(connection)
    marks = ", ".join("?" * len(EventRow._fields))
    insert = f"insert into event ({', '.join(EventRow._fields)}) values ({marks})"  # noqa: S608
    count, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        shifted = [(row[0], int(str(row[1])) + count, *row[2:]) for row in rows]
        connection.execute("begin immediate")
        connection.executemany(insert, shifted)
        connection.execute("commit")
        count += len(rows)
    connection.close()
    path.unlink()
    return count / passed
