"""Proves quickly that a day's rollups are the sums of its events, all of them in one pass.

Counting every table anew sorts each event thirty times. Instead each row is mapped to a number
that is linear in its measures: (random weights x measures) x random function of its values,
modulo a prime. What adds up has equal totals; what does not has equal ones by a chance of 1 in
2^28, with weights that are drawn anew for each recount. Only days whose totals differ are then
counted row by row (`recount`), which says what is wrong.

The prime is that small so that 32 products of two numbers below it add up within 64 bits.
"""

from collections.abc import Callable

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.dimensions import DAY_KINDS, MEASURES, PAIRS, QUARTER_KINDS, pair_code
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.usage_rows import EVENT_COLUMNS

PRIME = 2**28 - 57
_FACTORS = ("a", "b", "c", "d", "e", "f")
WEIGHTS = (*_FACTORS, *(f"w{place}" for place in range(len(MEASURES))))

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


def _modulo(expression: str) -> str:
    return f"(({expression}) % {PRIME})"


def _hashed(value: str, kind: str) -> str:
    """A quadratic of value and kind: what one row has too much and another lacks must show."""
    number = f"({value} * 16 + {kind})"
    return _modulo(f"{_modulo(f':a * {number} + :b')} * {_modulo(f':c * {number} + :d')}")


def _bucket(bucket: str) -> str:
    return _modulo(f":e * ({bucket}) + :f")


def _weighed(measure_of: Callable[[str], str]) -> str:
    terms = (f"{measure_of(name)} * :w{place}" for place, name in enumerate(MEASURES))
    return _modulo(" + ".join(terms))


def _of_event(name: str) -> str:
    return _OF_EVENT.get(name) or f"coalesce({name}, 0) % {PRIME}"


_ROW = _weighed(lambda name: f"{name} % {PRIME}")
_ONES = " + ".join(f"coalesce(k{int(kind)}, 0)" for kind in DAY_KINDS)
_QUARTER = " + ".join(f"k{int(kind)}" for kind in QUARTER_KINDS)
_BOTH = " + ".join(f"coalesce(k{int(a)} * k{int(b)}, 0)" for a, b in PAIRS)

# Materialized, so that no number of an event is computed more than once.
PROVE_EVENTS = f"""
-- recount_proof.is_proven
with e as materialized (
  select
    {", ".join(f"{_hashed(_COLUMNS[kind], str(int(kind)))} as k{int(kind)}" for kind in DAY_KINDS)},
    {_bucket(f"timestamp_ms / {QUARTER_MS}")} as g,
    {_weighed(_of_event)} as m
  from event
  where workspace_id = :workspace_id
    and timestamp_ms >= :start_ms
    and timestamp_ms < :end_ms
)
select
  coalesce(sum({_modulo(f"{_modulo('g * m')} * {_modulo(_QUARTER)}")}), 0),
  coalesce(sum({_modulo(f"m * {_modulo(_ONES)}")}), 0),
  coalesce(sum({_modulo(f"m * {_modulo(_BOTH)}")}), 0)
from e
"""  # noqa: S608 - names of columns


def _prove(table: str, codes: list[int], term: str) -> str:
    return f"""
-- recount_proof.is_proven
select coalesce(sum({_modulo(f"{term} * {_ROW}")}), 0)
from {table}
where workspace_id = :workspace_id
  and kind in ({", ".join(map(str, codes))})
  and bucket >= :first
  and bucket < :end
"""  # noqa: S608 - names of columns


PROVE_QUARTERS = _prove(
    "usage_quarter",
    [int(kind) for kind in QUARTER_KINDS],
    _modulo(f"{_bucket('bucket')} * {_hashed('value', 'kind')}"),
)
PROVE_DAY = _prove("usage_day", [int(kind) for kind in DAY_KINDS], _hashed("value", "kind"))
# A pair's code is sixteen times its first kind and its second.
PROVE_PAIRS = _prove(
    "usage_pair_day",
    [pair_code(*pair) for pair in PAIRS],
    _modulo(f"{_hashed('value', '(kind / 16)')} * {_hashed('other', '(kind % 16)')}"),
)


async def is_proven(
    reading: ScopedReading,
    weights: dict[str, int],
    *,
    day: int,
    span_ms: tuple[int, int],
    quarters: range,
) -> bool:
    """Whether quarters, day and pairs of a day are what its events add up to.

    `weights`: a random number in [1, PRIME) for each of WEIGHTS.
    """
    [row] = await reading.rows(PROVE_EVENTS, start_ms=span_ms[0], end_ms=span_ms[1], **weights)
    for counted, (sql, first, end) in zip(
        row,
        (
            (PROVE_QUARTERS, quarters.start, quarters.stop),
            (PROVE_DAY, day, day + 1),
            (PROVE_PAIRS, day, day + 1),
        ),
        strict=True,
    ):
        [stored] = await reading.rows(sql, first=first, end=end, **weights)
        if (counted - stored[0]) % PRIME:
            return False
    return True
