"""What a source reports becomes one canonical meaning, or a told contradiction."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.domain.usage import (
    CACHE_BESIDE_SOURCES,
    COUNT_FIELDS,
    COUNT_MAX,
    Convention,
    ReportedUsage,
    Usage,
    canonical_usage,
)

C = Convention
NAMES = {
    "i": "input_tokens",
    "o": "output_tokens",
    "t": "total_tokens",
    "r": "reasoning_tokens",
    "cr": "cache_read_tokens",
    "cw": "cache_write_tokens",
    "cw1": "cache_write_1h_tokens",
    "ai": "input_audio_tokens",
    "ao": "output_audio_tokens",
    "w": "web_searches",
    "acc": "cache_accounting",
    "p": "provider",
    "src": "source",
}


def read(**short: Any) -> Usage:
    return canonical_usage(
        ReportedUsage(**{"provider": "openai"} | {NAMES[name]: n for name, n in short.items()})
    )


@pytest.mark.parametrize(
    ("reported", "all_input", "all_output", "convention"),
    [
        # Nothing to settle, and the total settles it.
        ({"i": 120, "o": 80}, 120, 80, C.ASSUMED),
        ({"i": 120, "o": 80, "t": 200}, 120, 80, C.BY_TOTAL),
        ({"i": 0, "o": 0, "t": 0}, 0, 0, C.BY_TOTAL),
        # The sender's word comes first.
        ({"i": 100, "o": 10, "cr": 60, "acc": "inclusive"}, 100, 10, C.BY_SENDER),
        ({"i": 100, "o": 10, "cr": 60, "acc": "exclusive"}, 160, 10, C.BY_SENDER | C.CACHE_BESIDE),
        ({"i": 100, "o": 10, "cr": 60, "acc": "inclusive", "p": "anthropic"}, 100, 10, C.BY_SENDER),
        # ... a total that was added up by the other rule does not change it,
        (
            {"i": 100, "o": 10, "t": 110, "cr": 60, "acc": "exclusive"},
            *(160, 10, C.BY_SENDER | C.CACHE_BESIDE | C.BY_TOTAL),
        ),
        (
            {"i": 100, "o": 10, "t": 170, "cr": 60, "acc": "inclusive"},
            *(100, 10, C.BY_SENDER | C.BY_TOTAL),
        ),
        # ... and the total still tells where reasoning is.
        (
            {"i": 100, "o": 10, "t": 117, "cr": 60, "r": 7, "acc": "inclusive"},
            *(100, 17, C.BY_SENDER | C.BY_TOTAL | C.REASONING_BESIDE),
        ),
        (
            {"i": 100, "o": 10, "t": 177, "cr": 60, "r": 7, "acc": "exclusive"},
            *(160, 17, C.BY_SENDER | C.BY_TOTAL | C.CACHE_BESIDE | C.REASONING_BESIDE),
        ),
        ({"i": 51, "o": 136, "r": 31, "acc": "exclusive"}, 51, 136, C.BY_SENDER | C.CACHE_BESIDE),
        # Then what the total proves, whoever the provider is.
        ({"i": 100, "o": 10, "t": 110, "cr": 60}, 100, 10, C.BY_TOTAL),
        ({"i": 100, "o": 10, "t": 110, "cr": 60, "p": "anthropic"}, 100, 10, C.BY_TOTAL),
        ({"i": 100, "o": 10, "t": 170, "cr": 60}, 160, 10, C.BY_TOTAL | C.CACHE_BESIDE),
        ({"i": 100, "o": 10, "t": 200, "cr": 60, "cw": 30}, 190, 10, C.BY_TOTAL | C.CACHE_BESIDE),
        ({"i": 9, "o": 4, "t": 20, "r": 7}, 9, 11, C.BY_TOTAL | C.REASONING_BESIDE),
        ({"i": 9, "o": 40, "t": 49, "r": 7, "p": "xai"}, 9, 40, C.BY_TOTAL),
        (
            {"i": 9, "o": 4, "t": 25, "r": 7, "cr": 5},
            *(14, 11, C.BY_TOTAL | C.CACHE_BESIDE | C.REASONING_BESIDE),
        ),
        # A gap that no count explains is reasoning (Gemini's compatible API).
        ({"i": 9, "o": 4, "t": 20}, 9, 11, C.BY_TOTAL | C.REASONING_BESIDE),
        ({"i": 9, "o": 4, "t": 20, "cr": 5}, 9, 11, C.BY_TOTAL | C.REASONING_BESIDE),
        # One whole is missing and follows from the total.
        ({"i": 777, "t": 777}, 777, 0, C.ASSUMED),
        ({"i": 9, "t": 20, "r": 7}, 9, 11, C.ASSUMED),
        ({"o": 11, "t": 20}, 9, 11, C.ASSUMED),
        ({"i": 9, "t": 30, "cr": 10, "p": "anthropic"}, 19, 11, C.BY_SOURCE | C.CACHE_BESIDE),
        ({"o": 4, "t": 20, "r": 7, "p": "xai"}, 9, 11, C.BY_SOURCE | C.REASONING_BESIDE),
        # Then the source's convention.
        ({"i": 50, "o": 9, "cr": 40, "p": "anthropic"}, 90, 9, C.BY_SOURCE | C.CACHE_BESIDE),
        ({"i": 50, "o": 9, "cr": 40, "p": " Anthropic "}, 90, 9, C.BY_SOURCE | C.CACHE_BESIDE),
        ({"i": 50, "o": 9, "cr": 40, "p": "anthropic", "src": "otel"}, 50, 9, C.ASSUMED),
        ({"i": 50, "o": 9, "cr": 40, "p": "bedrock"}, 50, 9, C.ASSUMED),
        ({"i": 50, "o": 9, "cr": 40, "src": "langfuse"}, 90, 9, C.BY_SOURCE | C.CACHE_BESIDE),
        ({"i": 9, "o": 40, "r": 7, "p": "x-ai"}, 9, 47, C.BY_SOURCE | C.REASONING_BESIDE),
        ({"i": 9, "o": 40, "r": 7, "p": "xai", "acc": "inclusive"}, 9, 40, C.BY_SENDER),
        ({"i": 9, "o": 40, "r": 7, "p": "xai", "src": "otel"}, 9, 40, C.ASSUMED),
        (
            {"i": 33, "o": 7163, "t": 7196, "r": 95305, "p": "perplexity"},
            *(33, 102468, C.BY_SOURCE | C.REASONING_BESIDE),
        ),
        # A wrapper's own sum over Anthropic's counts proves nothing.
        (
            {"i": 5, "o": 9, "t": 14, "cr": 4000, "p": "anthropic"},
            *(4005, 9, C.BY_SOURCE | C.CACHE_BESIDE | C.BY_TOTAL),
        ),
        # Then the net: a part cannot be larger than its whole.
        ({"i": 5, "o": 9, "cr": 4000}, 4005, 9, C.BY_SIZE | C.CACHE_BESIDE),
        ({"i": 5, "o": 9, "r": 30}, 5, 39, C.BY_SIZE | C.REASONING_BESIDE),
    ],
)
def test_the_conventions_are_told_apart(
    reported: dict[str, Any], all_input: int, all_output: int, convention: Convention
) -> None:
    usage = read(**reported)
    assert usage.problem is None
    assert (usage.input_tokens, usage.output_tokens) == (all_input, all_output)
    assert usage.total_tokens == all_input + all_output
    assert usage.convention == convention


@pytest.mark.parametrize(
    "reported",
    [
        {"i": 100, "o": 5, "t": 105, "cr": 101},  # proven inside, yet larger
        {"i": 100, "o": 5, "cr": 101, "acc": "inclusive"},
        {"i": 100, "o": 5, "r": 6, "acc": "inclusive"},
        {"i": 100, "o": 5, "t": 105, "r": 6},
        {"i": 100, "o": 5, "t": 104},
        {"i": 100, "t": 99},
        {"o": 100, "t": 99},
        {"t": 99, "cr": 100},
        {"i": 100, "o": 5, "t": 130, "cr": 60, "acc": "exclusive"},  # fits no sum
        {"i": 100, "o": 5, "t": 130, "cr": 60, "p": "anthropic"},
        {"i": 100, "o": 5, "t": 900, "p": "anthropic"},  # cache counts that were not sent
        {"i": 100, "o": 5, "cw": 10, "cw1": 11},
        {"i": 100, "o": 5, "ai": 101},
        {"i": 100, "o": 5, "ao": 6},
        {"i": -1, "o": 5},
        {"i": COUNT_MAX + 1, "o": 5},
        {"i": COUNT_MAX, "o": 5, "cr": 1, "acc": "exclusive"},
    ],
)
def test_a_contradiction_is_told_and_never_computed_with(reported: dict[str, Any]) -> None:
    usage = read(**reported)
    assert usage.problem
    assert all(n is None or 0 <= n <= COUNT_MAX for n in counts_of(usage))


def test_null_stays_null() -> None:
    assert read() == Usage()
    assert read().is_unreported
    assert read(i=5) == Usage(input_tokens=5)
    assert read(o=5) == Usage(output_tokens=5)
    assert read(t=5) == Usage(total_tokens=5)
    assert read(cr=5, acc="exclusive").input_tokens is None
    assert not read(w=1).is_unreported
    assert not read(i=0).is_unreported


def test_a_gap_in_the_total_tells_the_reasoning_tokens() -> None:
    assert read(i=9, o=4, t=20).reasoning_tokens == 7
    assert read(i=9, o=4, t=20, r=3).reasoning_tokens == 3


def test_an_hour_part_alone_is_the_whole_cache_write() -> None:
    usage = read(i=9, o=4, cw1=5, acc="exclusive")
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (5, 5)
    assert usage.input_tokens == 14


def counts_of(usage: Usage) -> list[int | None]:
    return [getattr(usage, name) for name in COUNT_FIELDS]


COUNTS = st.none() | st.integers(0, 40) | st.integers(0, 2 * COUNT_MAX)
REPORTED = st.builds(
    ReportedUsage,
    provider=st.sampled_from(["openai", "anthropic", "xai", "perplexity", "bedrock"]),
    cache_accounting=st.sampled_from([None, "inclusive", "exclusive"]),
    source=st.sampled_from(["native", "otel", *sorted(CACHE_BESIDE_SOURCES)]),
    **dict.fromkeys(COUNT_FIELDS, COUNTS),
)


@pytest.mark.parametrize(
    "counts",
    [
        {"input_tokens": COUNT_MAX, "cache_write_1h_tokens": 1, "cache_accounting": "exclusive"},
        {"input_tokens": COUNT_MAX // 2, "cache_write_1h_tokens": COUNT_MAX // 2 + 1},
        {"output_tokens": COUNT_MAX // 2, "reasoning_tokens": COUNT_MAX // 2 + 1},
    ],
)
def test_a_whole_beyond_the_bound_is_a_problem_where_the_other_is_unknown(
    counts: dict[str, Any],
) -> None:
    usage = canonical_usage(ReportedUsage(provider="openai", **counts))

    assert usage.problem == f"the counts add up to more than {COUNT_MAX}"
    assert all(n is None or n <= COUNT_MAX for n in counts_of(usage))


@settings(max_examples=500, deadline=None)
@given(REPORTED)
def test_any_report_gives_sane_counts_or_a_problem(reported: ReportedUsage) -> None:
    usage = canonical_usage(reported)
    assert all(n is None or 0 <= n <= COUNT_MAX for n in counts_of(usage))
    assert all(
        after is not None or not 0 <= before <= COUNT_MAX
        for before, after in (
            (getattr(reported, name), getattr(usage, name)) for name in COUNT_FIELDS
        )
        if before is not None
    ), "a reported count is kept"
    if usage.problem is not None:
        return
    cache = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    for part, whole in (
        (cache, usage.input_tokens),
        (usage.cache_write_1h_tokens, usage.cache_write_tokens),
        (usage.input_audio_tokens, usage.input_tokens),
        (usage.reasoning_tokens, usage.output_tokens),
        (usage.output_audio_tokens, usage.output_tokens),
    ):
        assert part is None or whole is None or part <= whole
    if usage.input_tokens is not None and usage.output_tokens is not None:
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens


@settings(max_examples=200, deadline=None)
@given(REPORTED)
def test_reading_what_was_read_changes_nothing(reported: ReportedUsage) -> None:
    usage = canonical_usage(reported)
    if usage.problem is None:
        again = canonical_usage(
            ReportedUsage(
                provider="openai",
                cache_accounting="inclusive",
                **{name: getattr(usage, name) for name in COUNT_FIELDS},
            )
        )
        assert counts_of(again) == counts_of(usage)
