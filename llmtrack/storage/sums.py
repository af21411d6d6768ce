"""What a report adds up: the measures of some events, as exact whole numbers."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.money import join_pico
from llmtrack.storage.dimensions import MEASURES

_UNKNOWN_USAGE = ", ".join(
    str(int(status))
    for status in (
        CostStatus.NO_USAGE,
        CostStatus.INSUFFICIENT_USAGE,
        CostStatus.INVALID_USAGE,
    )
)

ROLLUP_SUMS = ",\n  ".join(f"sum({name}) as {name}" for name in MEASURES)

# In the order of MEASURES. A sum of whole costs overflows 64 bits, hence the two limbs.
EVENT_SUMS = f"""count(*) as events,
  sum(status = 1) as errors,
  sum(status = 2) as timeouts,
  sum(status = 3) as cancelled,
  sum(input_tokens) as input_tokens,
  sum(cache_read_tokens) as cache_read_tokens,
  sum(cache_write_tokens) as cache_write_tokens,
  sum(output_tokens) as output_tokens,
  sum(reasoning_tokens) as reasoning_tokens,
  sum(cost_pico / 1000000) as cost_micro,
  sum(cost_pico % 1000000) as cost_rest,
  sum(cost_status = {int(CostStatus.UNPRICED)}) as unpriced_events,
  sum(cost_status = {int(CostStatus.PARTIAL)}) as partial_events,
  sum(cost_status in ({_UNKNOWN_USAGE})) as unknown_usage_events"""


@dataclass(frozen=True, slots=True)
class Sums:
    """The measures of some events. Token counts leave out events that did not tell theirs."""

    events: int = 0
    errors: int = 0
    timeouts: int = 0
    cancelled: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pico: int = 0
    unpriced_events: int = 0
    partial_events: int = 0
    unknown_usage_events: int = 0

    @property
    def failures(self) -> int:
        """Errors and timeouts; a cancelled call is its caller's choice."""
        return self.errors + self.timeouts

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(*(a - b for a, b in zip(_values(self), _values(other), strict=True)))


NO_SUMS = Sums()


def sums_of(row: sqlite3.Row, first: int) -> Sums:
    """The sums in a row whose MEASURES begin at column `first`; a sum of nothing is 0."""
    values = dict(zip(MEASURES, (value or 0 for value in tuple(row)[first:]), strict=True))
    cost_pico = join_pico(values.pop("cost_micro"), values.pop("cost_rest"))
    return Sums(cost_pico=cost_pico, **values)


def _values(sums: Sums) -> tuple[int, ...]:
    return (
        sums.events,
        sums.errors,
        sums.timeouts,
        sums.cancelled,
        sums.input_tokens,
        sums.cache_read_tokens,
        sums.cache_write_tokens,
        sums.output_tokens,
        sums.reasoning_tokens,
        sums.cost_pico,
        sums.unpriced_events,
        sums.partial_events,
        sums.unknown_usage_events,
    )
