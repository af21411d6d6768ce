import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.latency import (
    LATENCY_MAX_MS,
    latency_of_step,
    latency_step,
    percentile,
    percentiles,
)


@given(st.integers(0, LATENCY_MAX_MS))
def test_a_step_lies_between_its_two_powers_exactly(latency_ms: int) -> None:
    step = latency_step(latency_ms)
    shifted = latency_ms + 1
    assert 21**step <= shifted * 20**step
    assert shifted * 20 ** (step + 1) < 21 ** (step + 1)


@pytest.mark.parametrize(("latency_ms", "step"), [(0, 0), (1, 14), (2, 22), (999, 141)])
def test_known_steps(latency_ms: int, step: int) -> None:
    assert latency_step(latency_ms) == step


@given(st.integers(0, 86_400_000))
def test_the_middle_of_a_step_is_in_it_and_near(latency_ms: int) -> None:
    middle = latency_of_step(latency_step(latency_ms))
    assert latency_step(middle) == latency_step(latency_ms)
    assert abs(middle - latency_ms) <= 0.025 * (latency_ms + 1) + 1  # half a step, whole ms


def test_small_latencies_are_exact() -> None:
    assert [latency_of_step(latency_step(ms)) for ms in range(20)] == list(range(20))


def test_the_last_step_holds_the_largest_column_value() -> None:
    assert latency_of_step(latency_step(LATENCY_MAX_MS)) <= LATENCY_MAX_MS


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_within_a_step_of_the_exact_one(latencies: list[int], share: float) -> None:
    counts: dict[int, int] = {}
    for latency_ms in latencies:
        step = latency_step(latency_ms)
        counts[step] = counts.get(step, 0) + 1
    exact = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    found = percentile(counts, share)
    assert found is not None
    assert latency_step(found) == latency_step(exact)


@given(
    st.dictionaries(st.integers(0, 200), st.integers(0, 9)),
    st.lists(st.floats(0.01, 1), max_size=4).map(sorted),
)
def test_several_percentiles_are_those_of_each(counts: dict[int, int], shares: list[float]) -> None:
    steps = [step for step in sorted(counts) for _ in range(counts[step])]
    expected = [
        latency_of_step(steps[max(0, math.ceil(share * len(steps)) - 1)]) if steps else None
        for share in shares
    ]
    assert percentiles(counts, shares) == expected


def test_no_events_have_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({12: 0}, 0.5) is None
