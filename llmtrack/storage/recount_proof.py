"""Proves quickly that a day's rollups are the sums of its events, all of them in one pass.

Counting every table anew sorts each event thirty times. Instead each row is mapped to a number
that is linear in its measures: (random weights x measures) x random function of its values,
modulo a prime. What adds up has equal totals; what does not has equal ones by a chance of 1 in
2^28, with weights that are drawn anew for each recount. Only days whose totals differ are then
counted row by row (`recount`), which says what is wrong.

The prime is that small so that 32 products of two numbers below it add up within 64 bits.
"""

import secrets
from collections.abc import Callable, Iterable
from typing import NamedTuple

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.latency import STEP_RATIO
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.tags import TAGS_MAX
from llmtrack.storage.connections import has_logarithm
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    LATENCY_DAY_KINDS,
    LATENCY_QUARTER_KINDS,
    MEASURES,
    PAIRS,
    QUARTER_KINDS,
    Kind,
    pair_code,
)
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.usage_rows import EVENT_COLUMNS

PRIME = 2**28 - 57
STRETCH_QUARTERS = 8
"""A busy day has too many events to hold their numbers at once."""

_COLUMNS = dict(EVENT_COLUMNS)
_UNKNOWN = (CostStatus.NO_USAGE, CostStatus.INSUFFICIENT_USAGE, CostStatus.INVALID_USAGE)
_OF_EVENT = {
    "events": "1",
    "errors": "(status = 1)",
    "timeouts": "(status = 2)",
    "cancelled": "(status = 3)",
    "cost_micro": f"coalesce(cost_pico, 0) / 1000000 % {PRIME}",
    "cost_rest": "coalesce(cost_pico, 0) % 1000000",
    "unpriced_events": f"(cost_status = {int(CostStatus.UNPRICED)})",
    "partial_events": f"(cost_status = {int(CostStatus.PARTIAL)})",
    "unknown_usage_events": f"(cost_status in ({', '.join(str(int(one)) for one in _UNKNOWN)}))",
}
_STEP = 16
"""Stands for a kind where a latency step is hashed."""


class Proven(NamedTuple):
    """Which rollups of a day were shown to be right; the others may be, or may not."""

    usage: bool
    latencies: bool


def draw_weights() -> dict[str, int]:
    """Random numbers for one recount: what a query of this module takes, whichever it is."""
    drawn = {name: 1 + secrets.randbelow(PRIME - 1) for name in ("a", "b", "c", "d", "e", "f")}
    drawn |= {f"w{place}": 1 + secrets.randbelow(PRIME - 1) for place in range(len(MEASURES))}
    drawn |= {
        f"t{place}{name}": 1 + secrets.randbelow(PRIME - 1)
        for place in range(TAGS_MAX)
        for name in "abcd"
    }
    # Of `a * (17 * value + kind) + b`, so that a query that knows the kind multiplies once.
    for factor, addend in (("a", "b"), ("c", "d")):
        drawn[f"{factor}17"] = drawn[factor] * 17 % PRIME
        for kind in (*DAY_KINDS, _STEP):
            drawn[f"{addend}{int(kind)}"] = (drawn[factor] * kind + drawn[addend]) % PRIME
    return drawn


def modulo(expression: str) -> str:
    return f"(({expression}) % {PRIME})"


def _hashed(value: str, kind: int) -> str:
    """A quadratic of value and kind: what one row has too much and another lacks must show."""
    first, second = (
        modulo(f":{factor}17 * {value} + :{addend}{kind}") for factor, addend in ("ab", "cd")
    )
    return modulo(f"{first} * {second}")


def hashed_row(value: str, kind: str) -> str:
    """The same where the kind is a column."""
    first, second = (
        modulo(f":{factor}17 * {value} + :{factor} * {kind} + :{addend}")
        for factor, addend in ("ab", "cd")
    )
    return modulo(f"{first} * {second}")


def hashed_bucket(bucket: str) -> str:
    return modulo(f":e * ({bucket}) + :f")


def weighed(measure_of: Callable[[str], str]) -> str:
    terms = (f"{measure_of(name)} * :w{place}" for place, name in enumerate(MEASURES))
    return modulo(" + ".join(terms))


def measure_of_event(name: str) -> str:
    return _OF_EVENT.get(name) or f"coalesce({name}, 0) % {PRIME}"


ROW = weighed(lambda name: f"{name} % {PRIME}")


def _k(kind: Kind) -> str:
    return f"k{int(kind)}"


def _both() -> str:
    """The sum over all pairs of what both values are hashed to, one product for each first."""
    firsts = dict.fromkeys(first for first, _ in PAIRS)
    return " + ".join(
        f"{_k(first)} * {modulo(' + '.join(_k(b) for a, b in PAIRS if a is first))}"
        for first in firsts
    )


def sum_of(kinds: tuple[Kind, ...]) -> str:
    return " + ".join(map(_k, kinds))


# An event without a customer has no row by customer: its hash there is 0.
HASHES = ", ".join(
    f"coalesce({_hashed(_COLUMNS[kind], int(kind))}, 0) as {_k(kind)}"
    if kind is Kind.CUSTOMER
    else f"{_hashed(_COLUMNS[kind], int(kind))} as {_k(kind)}"
    for kind in DAY_KINDS
)
# Floating point is near enough for every latency below a year: see the tests. Were it not,
# the latencies of a day would be counted step by step.
_LATENCY_STEP = f"cast(ln(latency_ms + 1) / ln({STEP_RATIO}) as integer)"


def _prove_events(step: str) -> str:
    """All sums over the events of a stretch; `step`: 0 or what a latency's step is hashed to."""
    sums = (
        f"{modulo('g * m')} * {modulo(sum_of(QUARTER_KINDS))}",
        f"m * {modulo(sum_of(DAY_KINDS))}",
        f"m * {modulo(_both())}",
        f"{modulo('g * s')} * {modulo(sum_of(LATENCY_QUARTER_KINDS))}",
        f"s * {modulo(sum_of(LATENCY_DAY_KINDS))}",
    )
    # The limit is none: it has SQLite compute a number once, not wherever it is used.
    return f"""
-- recount_proof.prove
select {", ".join(f"coalesce(sum({modulo(each)}), 0)" for each in sums)}
from (
  select
    {HASHES},
    {hashed_bucket(f"timestamp_ms / {QUARTER_MS}")} as g,
    {weighed(measure_of_event)} as m,
    {step} as s
  from event
  where workspace_id = :workspace_id
    and timestamp_ms >= :start_ms
    and timestamp_ms < :end_ms
  limit -1
)
"""  # noqa: S608 - names of columns


PROVE_USAGE = _prove_events("0")
PROVE_EVENTS = _prove_events(f"coalesce({_hashed(_LATENCY_STEP, _STEP)}, 0)")


def rows_add_up_to(table: str, kinds: str, *factors: str) -> str:
    """The sum over the rows of some `kind`s in some buckets."""
    term = factors[0]
    for factor in factors[1:]:
        term = modulo(f"{term} * {factor}")
    return f"""
-- recount_proof.rows_add_up_to
select coalesce(sum({term}), 0)
from {table}
where workspace_id = :workspace_id
  and kind {kinds}
  and bucket >= :first
  and bucket < :end
"""  # noqa: S608 - names of columns


def _among(kinds: Iterable[int]) -> str:
    return f"in ({', '.join(str(int(kind)) for kind in kinds)})"


_VALUE = hashed_row("value", "kind")
_LATENCIES = (_VALUE, _hashed("step", _STEP), f"(events % {PRIME})")
# A pair's code is sixteen times its first kind and its second.
_FIRST, _OTHER = hashed_row("value", "(kind / 16)"), hashed_row("other", "(kind % 16)")
_BUCKET = hashed_bucket("bucket")
_PAIR_CODES = [pair_code(*pair) for pair in PAIRS]
PROVE_ROWS = (
    rows_add_up_to("usage_quarter", _among(QUARTER_KINDS), _BUCKET, _VALUE, ROW),
    rows_add_up_to("usage_day", _among(DAY_KINDS), _VALUE, ROW),
    rows_add_up_to("usage_pair_day", _among(_PAIR_CODES), _FIRST, _OTHER, ROW),
    rows_add_up_to("latency_quarter", _among(LATENCY_QUARTER_KINDS), _BUCKET, *_LATENCIES),
    rows_add_up_to("latency_day", _among(LATENCY_DAY_KINDS), *_LATENCIES),
)
"""In the order of what `PROVE_EVENTS` gives."""


async def prove(
    reading: ScopedReading, weights: dict[str, int], *, day: int, quarters: range
) -> Proven:
    """Which rows of a day that consists of these quarters are what its events add up to.

    `weights`: of `draw_weights`.
    """
    with_latencies = has_logarithm()
    counted = [0] * len(PROVE_ROWS)
    for first in range(quarters.start, quarters.stop, STRETCH_QUARTERS):
        end = min(first + STRETCH_QUARTERS, quarters.stop)
        [row] = await reading.rows(
            PROVE_EVENTS if with_latencies else PROVE_USAGE,
            start_ms=first * QUARTER_MS,
            end_ms=end * QUARTER_MS,
            **weights,
        )
        counted = [before + more for before, more in zip(counted, row, strict=True)]
    is_right = []
    for total, sql in zip(counted, PROVE_ROWS, strict=True):
        of_quarters = "_quarter" in sql
        first, end = (quarters.start, quarters.stop) if of_quarters else (day, day + 1)
        [stored] = await reading.rows(sql, first=first, end=end, **weights)
        is_right.append((total - stored[0]) % PRIME == 0)
    return Proven(all(is_right[:3]), with_latencies and all(is_right[3:]))
