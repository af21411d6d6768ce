"""Failed calls that told no usage: what they may have cost, beside every total.

A provider may bill a call that failed, timed out or was cancelled on the way. Nobody knows how
much, so such a call has no cost. The estimate takes the median cost of the successful calls of
the same model and feature, and leaves out those without any.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Peers = tuple[int, int]
"""(model, feature)"""


class AtRisk(NamedTuple):
    """An estimate, and never a part of a sum."""

    events: int = 0
    estimated_events: int = 0
    estimate_pico: int = 0

    @property
    def unestimated_events(self) -> int:
        return self.events - self.estimated_events


def estimate(
    events: int, failed: Mapping[Peers, int], costs: Mapping[Peers, Sequence[int]]
) -> AtRisk:
    """`events`: all that failed without usage; `failed`: those whose peers are known."""
    estimated = {peers: count for peers, count in failed.items() if costs.get(peers)}
    return AtRisk(
        events,
        sum(estimated.values()),
        sum(count * median(costs[peers]) for peers, count in estimated.items()),
    )


def median(costs: Sequence[int]) -> int:
    """The middle one, or the mean of the two in the middle, rounded half-even to pico-USD."""
    ordered = sorted(costs)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    half, odd = divmod(low + high, 2)
    return half + (odd and half % 2)
