"""What requests that were made would have cost at another model's prices."""

from collections import Counter
from dataclasses import dataclass, field

from llmtrack.domain.costs import Cost, CostFlag, CostStatus


@dataclass
class Comparison:
    """Some requests, and both of their costs where both are known.

    Only those are in the two sums: a sum of some requests beside one of others says nothing.
    """

    events: int = 0
    compared_events: int = 0
    before_pico: int = 0
    after_pico: int = 0
    only_after_events: int = 0
    """Without a cost as they were made, but with one at the other prices."""
    only_after_pico: int = 0
    not_priced: Counter[CostStatus] = field(default_factory=Counter)
    """Requests that the other prices give no cost, by why."""
    lower_bounds: int = 0
    """Compared requests of which a part has no rate there, or no count."""
    flags: Counter[CostFlag] = field(default_factory=Counter)
    """How many of the compared costs are less than certain, by why."""

    @property
    def difference_pico(self) -> int:
        return self.after_pico - self.before_pico

    def add(self, before_pico: int | None, after: Cost) -> None:
        self.events += 1
        if after.cost_pico is None:
            self.not_priced[after.status] += 1
            return
        if before_pico is None:
            self.only_after_events += 1
            self.only_after_pico += after.cost_pico
            return
        self.compared_events += 1
        self.before_pico += before_pico
        self.after_pico += after.cost_pico
        self.lower_bounds += after.status is CostStatus.PARTIAL
        if after.flags:
            for flag in CostFlag:
                if after.flags & flag:
                    self.flags[flag] += 1


def total_of(parts: list[Comparison]) -> Comparison:
    total = Comparison()
    for part in parts:
        total.events += part.events
        total.compared_events += part.compared_events
        total.before_pico += part.before_pico
        total.after_pico += part.after_pico
        total.only_after_events += part.only_after_events
        total.only_after_pico += part.only_after_pico
        total.not_priced += part.not_priced
        total.lower_bounds += part.lower_bounds
        total.flags += part.flags
    return total
