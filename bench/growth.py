"""What becomes of rates, times and sizes as the file grows."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.dataset import make_dataset
from bench.figures import Figure, median, quantile
from bench.load import run_load
from bench.pages import Browser, paths
from bench.servers import product, run

PAGES_AT_MOST = 60
PURGED_OLDER_THAN = "81d"
"""A tenth of 90 days."""


class Grown(NamedTuple):
    """What was measured of one size."""

    events_per_s: float
    page_p95_ms: float
    size_mib: float
    ready_s: float
    backup_s: float
    purge_s: float


_FIGURES: tuple[tuple[str, str, float | None, bool], ...] = (
    ("single events/s", "events_per_s", 0.85, True),
    ("any page, p95 in ms", "page_p95_ms", None, False),
    ("file, MiB", "size_mib", None, False),
    ("ready, s", "ready_s", None, False),
    ("backup with its check, s", "backup_s", None, False),
    ("purge of a tenth of the events, s", "purge_s", None, False),
)
"""Name, field, and what the ratio to the smallest file must reach."""


def growth_figures(directory: Path, sizes: list[int], *, rounds: int, seconds: int) -> list[Figure]:
    """A line for each measure and size; the baseline is the smallest size."""
    grown = {}
    for size in sizes:
        data_dir = directory / f"grown-{size}"
        grown[size] = _grown(data_dir, size, rounds=rounds, seconds=seconds)
        shutil.rmtree(data_dir)
    return [
        _figure(grown, size, name, field, must=must, more=more)
        for name, field, must, more in _FIGURES
        for size in sizes
    ]


def _grown(data_dir: Path, events: int, *, rounds: int, seconds: int) -> Grown:
    key = make_dataset(data_dir, events)
    size_mib = (data_dir / "llmtrack.db").stat().st_size / 2**20
    listed = json.loads(run(data_dir, "workspaces", "list", "--json"))
    demo = next(found["id"] for found in listed if found["name"] == "Demo")
    wanted = list(paths(demo))
    wanted = wanted[:: len(wanted) // PAGES_AT_MOST]
    with product(data_dir) as process:
        process.wait_until_at_rest()
        browser = Browser(process.url)
        times = [median([browser.time_ms(path) for _ in range(3)]) for path in wanted]
        backup_s = _timed_s(lambda: run(data_dir, "backup", "create"))
        rate = median([run_load(process.url, key, seconds=seconds).rate for _ in range(rounds)])
    ready = []
    for _ in range(rounds):
        with product(data_dir) as process:
            ready.append(process.ready_s)
    purge = ("purge", "events", "--older-than", PURGED_OLDER_THAN, "--yes")
    purge_s = _timed_s(lambda: run(data_dir, *purge))
    return Grown(rate, quantile(times, 0.95), size_mib, median(ready), backup_s, purge_s)


def _timed_s(function: Callable[[], object]) -> float:
    begun = time.monotonic()
    function()
    return time.monotonic() - begun


def _figure(
    grown: dict[int, Grown], size: int, name: str, field: str, *, must: float | None, more: bool
) -> Figure:
    smallest = min(grown)
    base, value = (float(getattr(grown[one], field)) for one in (smallest, size))
    return Figure(
        f"{name}, {size:,} events",
        f"{base:,.4g} at {smallest:,}",
        f"{value:,.4g}",
        "",
        "",
        value / base,
        must if size != smallest else None,
        more=more,
    )
