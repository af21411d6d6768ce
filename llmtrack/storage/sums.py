"""What a report adds up: the measures of some events, as exact whole numbers."""

from collections.abc import Callable, Iterable, Sequence
from operator import add, sub
from typing import Any, Generic, NamedTuple, TypeVar

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


class Sums(NamedTuple):
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
    def known_cost_pico(self) -> int | None:
        """The cost; None where no request has a known one: a sum of nothing known is not 0."""
        return _known_cost_pico(self)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    # Adds up, where other tuples are joined.
    def __add__(self, other: "Sums") -> "Sums":  # type: ignore[override]
        return _make(Sums, map(add, self, other))

    def __sub__(self, other: "Sums") -> "Sums":
        return _make(Sums, map(sub, self, other))


class CostSums(NamedTuple):
    """What of `Sums` a trend of costs or requests takes: read in a third of the time."""

    events: int = 0
    cost_pico: int = 0
    unpriced_events: int = 0
    unknown_usage_events: int = 0

    @property
    def known_cost_pico(self) -> int | None:
        """As that of `Sums`."""
        return _known_cost_pico(self)

    def __add__(self, other: "CostSums") -> "CostSums":  # type: ignore[override]
        return _make(CostSums, map(add, self, other))

    def __sub__(self, other: "CostSums") -> "CostSums":
        return _make(CostSums, map(sub, self, other))


S = TypeVar("S", Sums, CostSums)
NO_SUMS = Sums()
_make = tuple.__new__  # a page makes thousands, and `Sums._make` takes half as long again


def _known_cost_pico(sums: Sums | CostSums) -> int | None:
    without = sums.unpriced_events + sums.unknown_usage_events
    return None if sums.events and without >= sums.events else sums.cost_pico


def sums_of(row: Sequence[Any], first: int) -> Sums:
    """The sums in a row whose MEASURES begin at column `first`; a sum of nothing is 0."""
    values = row[first:]
    if None in values:
        values = [value or 0 for value in values]
    # As in MEASURES, and one by one: slices put together take twice as long.
    n, errors, late, off, tokens, read, wrote, told, thought, micro, rest, no, part, odd = values
    cost_pico = join_pico(micro, rest)
    return _make(
        Sums, (n, errors, late, off, tokens, read, wrote, told, thought, cost_pico, no, part, odd)
    )


COST_MEASURES = ("events", "cost_micro", "cost_rest", "unpriced_events", "unknown_usage_events")


def cost_sums_of(row: Sequence[Any], first: int) -> CostSums:
    """The sums in a row whose COST_MEASURES, none of them null, begin at column `first`."""
    events, micro, rest, unpriced, unknown = row[first:]
    return _make(CostSums, (events, join_pico(micro, rest), unpriced, unknown))


def _costs_in(sums: Sums) -> CostSums:
    return CostSums(sums.events, sums.cost_pico, sums.unpriced_events, sums.unknown_usage_events)


class Measured(NamedTuple, Generic[S]):
    """Which of the measures are read."""

    measures: Sequence[str]
    make: Callable[[Sequence[Any], int], S]
    """From a row, and the column where `measures` begin."""
    part_of: Callable[[Sums], S]
    nothing: S


WHOLE = Measured(MEASURES, sums_of, lambda sums: sums, NO_SUMS)
COSTS = Measured(COST_MEASURES, cost_sums_of, _costs_in, CostSums())


def total_of(many: Iterable[Sums]) -> Sums:
    """All of them together."""
    return Sums._make(map(sum, zip(NO_SUMS, *many, strict=True)))
