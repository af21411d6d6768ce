"""Token counts: from what a source reports to one canonical meaning.

Sources disagree on two questions: are cached tokens counted inside the input or beside it,
and are reasoning tokens counted inside the output or beside it? Canonical counts are always
inside: `input_tokens` is all input, `output_tokens` all output, the rest are parts of them.

With I, O, T = reported input, output, total; C = cache read + cache write; R = reasoning,
each question is settled by the first line that applies:

    question    says                                    reading
    cache       cache_accounting                        as it says
                T = I+C+O, or I+C+O+R                   beside
                T = I+O, or I+O+R                       inside (*)
                the source is known for it              beside
                C > I                                   beside
                nothing                                 inside
    reasoning   T = the input's tokens + O              inside (**)
                T = the input's tokens + O + R          beside
                T larger, and no count explains why     beside: the gap is reasoning (***)
                cache_accounting = inclusive            inside
                the source is known for it              beside
                R > O                                   beside
                nothing                                 inside

(*) Not when C > I and the source is known to report the cache beside: such a total is what a
wrapper added up, and proves nothing. From any other source that is a contradiction.
(**) Not where the source is known to leave reasoning out of its total.
(***) Not where the cache is reported beside: there the gap may be a cache count that was not
sent, which costs a fraction of output.

`cache_accounting` stands above T: a T that was added up by the other rule is disregarded,
any other T that disagrees is a contradiction. `exclusive` is about the cache alone, since the
APIs that report the cache beside the input (Anthropic, Bedrock) count thinking inside the
output. T = I+O+R reads as beside although a wrapper could have added a part to its whole,
because that is what Gemini's compatible API and xAI send, and no provider's own total counts
reasoning twice.

A missing whole is computed from T and the other whole. Null stays null, never 0.
"""

from enum import IntFlag
from typing import Literal

import msgspec

COUNT_MAX = 10**12
"""Above it a count is a mistake; below it no sum of a batch can overflow 64 bits."""

NATIVE = "native"
_CACHE_BESIDE_PROVIDERS = frozenset({"anthropic"})
_REASONING_BESIDE_PROVIDERS = frozenset({"xai", "x-ai", "x_ai", "perplexity"})
_TOTAL_OMITS_REASONING_PROVIDERS = frozenset({"perplexity"})
CACHE_BESIDE_SOURCES = frozenset(
    {
        "com.anthropic.claude_code",
        "com.anthropic.claude_code.events",
        "com.anthropic.claude_code.tracing",
        "ai.anthropic",  # AI SDK v4 and v5 with Anthropic; from v6 on the input is all input
        "openlit.instrumentation.anthropic",
        "langfuse",
        "helicone",
    }
)
"""Values of `ReportedUsage.source` whose input leaves the cache out."""


class Convention(IntFlag):
    """How the counts were read, stored with the event: two answers and what gave them."""

    ASSUMED = 0
    CACHE_BESIDE = 1
    REASONING_BESIDE = 2
    BY_SENDER = 4
    BY_TOTAL = 8
    BY_SOURCE = 16
    BY_SIZE = 32


class ReportedUsage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Counts as the source names them; `provider` as it was sent."""

    provider: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    web_searches: int | None = None
    cache_accounting: Literal["inclusive", "exclusive"] | None = None
    source: str = NATIVE
    """Who counted, where that is not the provider's API: see CACHE_BESIDE_SOURCES."""


class Usage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Canonical counts. With a `problem` they are as reported and have no price."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    """Input plus output; where one is unknown, what was reported."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    web_searches: int | None = None
    convention: Convention = Convention.ASSUMED
    problem: str | None = None

    @property
    def is_unreported(self) -> bool:
        if self.input_tokens is not None or self.output_tokens is not None:
            return False
        return all(getattr(self, name) is None for name in COUNT_FIELDS)


COUNT_FIELDS = tuple(
    name for name in Usage.__struct_fields__ if name not in ("convention", "problem")
)
_CACHE_BESIDE, _REASONING_BESIDE, _BY_SENDER, _BY_TOTAL, _BY_SOURCE, _BY_SIZE = (
    flag.value for flag in Convention
)  # plain ints: IntFlag arithmetic is slow, and this runs for every event


class _Contradiction(Exception):
    """Counts that cannot all be true; the text says why."""


def canonical_usage(reported: ReportedUsage) -> Usage:
    """The canonical counts. A contradiction is told in `problem`, never raised."""
    plain = _plain_usage(reported)
    if plain is not None:
        return plain
    counts = {name: getattr(reported, name) for name in COUNT_FIELDS}
    wild = [name for name, n in counts.items() if n is not None and not 0 <= n <= COUNT_MAX]
    if wild:
        problem = f"{wild[0]} is not between 0 and {COUNT_MAX}"
        return Usage(**(counts | dict.fromkeys(wild)), problem=problem)
    if counts["cache_write_tokens"] is None:
        counts["cache_write_tokens"] = counts["cache_write_1h_tokens"]
    cache = (counts["cache_read_tokens"] or 0) + (counts["cache_write_tokens"] or 0)
    try:
        flags, beyond = _read(reported, cache)
        wholes = _wholes(reported, cache if flags & _CACHE_BESIDE else 0, beyond)
        if beyond and counts["reasoning_tokens"] is None:
            counts["reasoning_tokens"] = beyond
        _check_parts(counts | wholes, cache)
    except _Contradiction as contradiction:
        return Usage(**counts, problem=str(contradiction))
    return Usage(**(counts | wholes), convention=Convention(flags))


def _plain_usage(reported: ReportedUsage) -> Usage | None:
    """Input and output alone, as most calls have them: nothing is left to find out."""
    whole, output, total = reported.input_tokens, reported.output_tokens, reported.total_tokens
    if (
        whole is None
        or output is None
        or reported.cache_accounting is not None
        or reported.cache_read_tokens is not None
        or reported.cache_write_tokens is not None
        or reported.cache_write_1h_tokens is not None
        or reported.reasoning_tokens is not None
        or reported.input_audio_tokens is not None
        or reported.output_audio_tokens is not None
        or reported.web_searches is not None
    ):
        return None
    both = whole + output
    if min(whole, output) < 0 or both > COUNT_MAX or total not in (None, both):
        return None
    convention = Convention.ASSUMED if total is None else Convention.BY_TOTAL
    return Usage(input_tokens=whole, output_tokens=output, total_tokens=both, convention=convention)


def _read(reported: ReportedUsage, cache: int) -> tuple[int, int]:
    """The convention's flags and how many output tokens were counted beside the output."""
    whole, output, total = reported.input_tokens, reported.output_tokens, reported.total_tokens
    if whole is None or output is None or total is None:
        flags = _cache_reading(reported, cache, None)
        by, beyond = _untold_reasoning(reported)
        return flags | by, beyond
    gap = total - whole - output
    if gap < 0:
        raise _Contradiction(f"total_tokens {total} is less than input plus output")
    flags = _cache_reading(reported, cache, gap)
    by, beyond = _told_reasoning(reported, flags, cache, gap)
    return flags | by, beyond


def _cache_reading(reported: ReportedUsage, cache: int, gap: int | None) -> int:
    if reported.cache_accounting is not None:
        return _BY_SENDER | (_CACHE_BESIDE if reported.cache_accounting == "exclusive" else 0)
    if not cache or reported.input_tokens is None:
        return 0
    source_beside = _has_cache_beside(reported)
    exceeds = cache > reported.input_tokens
    if gap is not None:
        reasoning = reported.reasoning_tokens or 0
        if gap in (cache, cache + reasoning):
            return _BY_TOTAL | _CACHE_BESIDE
        if gap in (0, reasoning) and not (source_beside and exceeds):
            return _BY_TOTAL
    if source_beside:
        return _BY_SOURCE | _CACHE_BESIDE
    return _BY_SIZE | _CACHE_BESIDE if exceeds else 0


def _told_reasoning(reported: ReportedUsage, flags: int, cache: int, gap: int) -> tuple[int, int]:
    """Input, output and total are all known: the total tells where reasoning was counted."""
    reasoning = reported.reasoning_tokens or 0
    beside = bool(flags & _CACHE_BESIDE)
    rest = gap - cache if beside else gap
    by_other_rule = rest + cache if beside else rest - cache
    if rest not in (0, reasoning) and by_other_rule in (0, reasoning):
        rest = by_other_rule
    if rest == 0:
        provider = _native_provider(reported)
        if reasoning and provider in _TOTAL_OMITS_REASONING_PROVIDERS:
            return _untold_reasoning(reported)
        return _BY_TOTAL, 0
    if rest == reasoning or (rest > 0 and not beside and not _has_cache_beside(reported)):
        return _BY_TOTAL | _REASONING_BESIDE, rest
    raise _Contradiction(f"total_tokens {reported.total_tokens} fits no sum of the other counts")


def _untold_reasoning(reported: ReportedUsage) -> tuple[int, int]:
    reasoning, output = reported.reasoning_tokens, reported.output_tokens
    if not reasoning or output is None or reported.cache_accounting == "inclusive":
        return 0, 0
    if _native_provider(reported) in _REASONING_BESIDE_PROVIDERS:
        return _BY_SOURCE | _REASONING_BESIDE, reasoning
    return (_BY_SIZE | _REASONING_BESIDE, reasoning) if reasoning > output else (0, 0)


def _wholes(
    reported: ReportedUsage, cache_beside: int, output_beyond: int
) -> dict[str, int | None]:
    """All input, all output, and their sum; a missing one follows from the total."""
    all_input, all_output = reported.input_tokens, reported.output_tokens
    total = reported.total_tokens
    if all_input is not None:
        all_input += cache_beside
    if all_output is not None:
        all_output += output_beyond
    if total is not None:
        if all_input is None and all_output is not None:
            all_input = total - all_output
        elif all_output is None and all_input is not None:
            all_output = total - all_input
    if all_input is not None and all_output is not None:
        total = all_input + all_output
        if min(all_input, all_output) < 0:
            raise _Contradiction(f"total_tokens {reported.total_tokens} is less than its parts")
        if total > COUNT_MAX:
            raise _Contradiction(f"the counts add up to more than {COUNT_MAX}")
    return {"input_tokens": all_input, "output_tokens": all_output, "total_tokens": total}


def _check_parts(counts: dict[str, int | None], cache: int) -> None:
    parts = (
        ("cached tokens", cache, "input_tokens"),
        ("cache_write_1h_tokens", counts["cache_write_1h_tokens"], "cache_write_tokens"),
        ("input_audio_tokens", counts["input_audio_tokens"], "input_tokens"),
        ("reasoning_tokens", counts["reasoning_tokens"], "output_tokens"),
        ("output_audio_tokens", counts["output_audio_tokens"], "output_tokens"),
    )
    for name, part, whole_name in parts:
        whole = counts[whole_name]
        if whole is None:
            whole = counts["total_tokens"]
        if part and whole is not None and part > whole:
            raise _Contradiction(f"{name} {part} exceed the {whole} of {whole_name}")


def _has_cache_beside(reported: ReportedUsage) -> bool:
    return (
        reported.source in CACHE_BESIDE_SOURCES
        or _native_provider(reported) in _CACHE_BESIDE_PROVIDERS
    )


def _native_provider(reported: ReportedUsage) -> str | None:
    """The provider whose own API counted; None where an instrumentation or gateway did."""
    return reported.provider.strip().lower() if reported.source == NATIVE else None
