"""A reconciliation as rows of plain values: for JSON, CSV and tables alike."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from llmtrack.domain.money import usd_text
from llmtrack.domain.reconciliation import (
    Billed,
    Line,
    Parts,
    Reconciliation,
    Recorded,
    causes,
)

MORE_ON_BILL = {
    "calls": "calls that were not recorded",
    "input": "input tokens that were not recorded",
    "cache_read": "cache reads that were not recorded",
    "cache_write": "cache writes that were not recorded",
    "output": "output tokens that were not recorded",
    "price": "higher prices on the bill",
    "unexplained": "the bill says too little to tell",
}
LESS_ON_BILL = {
    "calls": "calls that are not on the bill",
    "input": "input tokens that are not on the bill",
    "cache_read": "cache reads that are not on the bill",
    "cache_write": "cache writes that are not on the bill",
    "output": "output tokens that are not on the bill",
    "price": "lower prices on the bill",
    "unexplained": "the bill says too little to tell",
}
"""What a part of the difference is called, by `Parts`' fields."""


def explanation(lines: Iterable[Parts]) -> str:
    """What explains most of a difference, and what stands against it; `""` where there is none."""
    found = causes(lines)
    with_it, against = (found.raising, MORE_ON_BILL), (found.lowering, LESS_ON_BILL)
    if not found.raises:
        with_it, against = against, with_it
    name, other = with_it[0].largest, against[0].largest
    if not name:
        return ""
    text = with_it[1][name]
    told = {name, other} & {"", "unexplained"}
    if told or 2 * getattr(against[0], other) < getattr(with_it[0], name):
        return text
    return f"{text}, against {against[1][other]}"


def percent_text(share: Fraction | None) -> str | None:
    """Two decimals; 100.00 is an exact match alone."""
    if share is None:
        return None
    hundredths = round(share * 10_000)
    if hundredths == 10_000 and share != 1:
        hundredths += 1 if share > 1 else -1
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def line_rows(result: Reconciliation) -> Iterator[dict[str, Any]]:
    for line in result.lines:
        yield {"day": line.place.day.isoformat(), "model": line.place.model or None} | _row(
            line, [line.parts]
        )


def total_row(result: Reconciliation) -> dict[str, Any]:
    return _row(result, [line.parts for line in result.lines])


def _row(line: Line | Reconciliation, parts: Iterable[Parts]) -> dict[str, Any]:
    difference = line.difference_pico
    return {
        **_billed(line.billed),
        **_recorded(line.recorded),
        "difference_usd": None if difference is None else usd_text(difference),
        "coverage_percent": percent_text(line.coverage),
        **{f"by_{name}_usd": usd_text(pico) for name, pico in line.parts._asdict().items()},
        "mainly": explanation(parts) or None,
    }


def _billed(billed: Billed) -> dict[str, Any]:
    tokens = None if billed.tokens is None else billed.tokens._asdict()
    names = ("input", "cache_read", "cache_write", "output")
    return {
        "billed_usd": None if billed.cost_pico is None else usd_text(billed.cost_pico),
        "billed_requests": billed.requests,
        **{f"billed_{name}_tokens": tokens and tokens[name] for name in names},
    }


def _recorded(recorded: Recorded) -> dict[str, Any]:
    return {
        "recorded_usd": usd_text(recorded.cost_pico),
        "recorded_events": recorded.events,
        "recorded_calls": recorded.calls,
        "unpriced_events": recorded.unpriced_events,
        **{f"recorded_{name}_tokens": n for name, n in recorded.tokens._asdict().items()},
    }
