"""What was measured, and the one table that it is printed as."""

import os
import platform
import sqlite3
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp


class Figure(NamedTuple):
    """`value` and `must` are in the same unit; `more` says that a larger value is better."""

    name: str
    baseline: str
    product: str
    p99: str
    memory: str
    value: float
    must: float | None
    more: bool = True

    @property
    def is_met(self) -> bool | None:
        if self.must is None:
            return None
        return self.value >= self.must if self.more else self.value <= self.must


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_table(figures: Sequence[Figure]) -> None:
    print(_machine())
    head = ("figure", "baseline", "product", "p99", "memory", "value", "must reach", "met")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    for number, row in enumerate(rows):
        print(
            "| "
            + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            + " |"
        )
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    sys.stdout.flush()


def _row(figure: Figure) -> tuple[str, ...]:
    must = "" if figure.must is None else f"{'>=' if figure.more else '<='} {figure.must:g}"
    met = {None: "", True: "yes", False: "NO"}[figure.is_met]
    return (
        figure.name,
        figure.baseline,
        figure.product,
        figure.p99,
        figure.memory,
        f"{figure.value:.3g}",
        must,
        met,
    )


def _machine() -> str:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} x {model}, load {load:.1f} at the end; {platform.platform()}; "
        f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, "
        f"SQLite {sqlite3.sqlite_version}\n"
    )
