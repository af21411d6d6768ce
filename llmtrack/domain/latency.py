"""Logarithmic latency buckets: percentiles that merge over any set of events.

A step holds the latencies for which `latency_ms + 1` lies between two neighbouring powers of
1.05, so a percentile read from steps is within 2.5 % of the exact one.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

LATENCY_MAX_MS = 2**63 - 1
STEP_RATIO = 1.05


def _first_of_steps() -> list[int]:
    """For each step s the least whole number >= 1.05**s, in exact integers."""
    firsts = []
    numerator, denominator = 1, 1
    while (first := -(-numerator // denominator)) <= LATENCY_MAX_MS + 1:
        firsts.append(first)
        numerator *= 21
        denominator *= 20
    return firsts


_FIRSTS = _first_of_steps()


def latency_step(latency_ms: int) -> int:
    """floor(log(latency_ms + 1) / log(1.05)), exact where floating point is not."""
    return bisect_right(_FIRSTS, latency_ms + 1) - 1


def latency_of_step(step: int) -> int:
    """The middle of the whole milliseconds in a step."""
    first = _FIRSTS[step]
    last = _FIRSTS[step + 1] - 1 if step + 1 < len(_FIRSTS) else LATENCY_MAX_MS + 1
    return (first + max(first, last)) // 2 - 1


def merged(many: Iterable[Mapping[int, int]]) -> Counter[int]:
    """The events of all of them by step."""
    found: Counter[int] = Counter()
    for events_by_step in many:
        for step, events in events_by_step.items():
            found[step] = found.get(step, 0) + events
    return found


def percentile(events_by_step: Mapping[int, int], share: float) -> int | None:
    """The latency below which `share` (0..1) of the events lie; None without events."""
    return percentiles(events_by_step, [share])[0]


def percentiles(events_by_step: Mapping[int, int], shares: Sequence[float]) -> list[int | None]:
    """As `percentile`, for several shares that rise."""
    total = sum(events_by_step.values())
    if total <= 0:
        return [None] * len(shares)
    steps = sorted([item for item in events_by_step.items() if item[1]])
    found: list[int | None] = []
    place, seen = 0, steps[0][1]
    for share in shares:
        while seen < share * total and place + 1 < len(steps):
            place += 1
            seen += steps[place][1]
        found.append(latency_of_step(steps[place][0]))
    return found
