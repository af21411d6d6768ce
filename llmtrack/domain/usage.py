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

from collections.abc import Sequence

import msgspec

from llmtrack.domain.token_counts import (
    CACHE_BESIDE_SOURCES,
    COUNT_FIELDS,
    COUNT_MAX,
    NATIVE,
    Convention,
    ReportedUsage,
    Usage,
)

__all__ = [
    "CACHE_BESIDE_SOURCES",
    "COUNT_FIELDS",
    "COUNT_MAX",
    "Convention",
    "ReportedUsage",
    "Usage",
    "canonical_usage",
]

_CACHE_BESIDE_PROVIDERS = frozenset({"anthropic"})
_REASONING_BESIDE_PROVIDERS = frozenset({"xai", "x-ai", "x_ai", "perplexity"})
_TOTAL_OMITS_REASONING_PROVIDERS = frozenset({"perplexity"})
_REPORTED_COUNTS = tuple(
    name for name in ReportedUsage.__struct_fields__ if name in Usage.__struct_fields__
)
_COUNTS = slice(1, 1 + len(_REPORTED_COUNTS))
_CACHE_BESIDE, _REASONING_BESIDE, _BY_SENDER, _BY_TOTAL, _BY_SOURCE, _BY_SIZE = (
    flag.value for flag in Convention
)  # plain ints: IntFlag arithmetic is slow, and this runs for every event
_CONVENTIONS = tuple(Convention(flags) for flags in range(2 * _BY_SIZE))


class _Contradiction(Exception):
    """Counts that cannot all be true; the text says why."""


def canonical_usage(reported: ReportedUsage) -> Usage:
    """The canonical counts. A contradiction is told in `problem`, never raised."""
    plain = _plain_usage(reported)
    if plain is not None:
        return plain
    reasoning, written = reported.reasoning_tokens, reported.cache_write_tokens
    wild = _out_of_bounds(reported)
    if wild:
        problem = f"{wild[0]} is not between 0 and {COUNT_MAX}"
        return _as_reported(reported, problem, written=written, wild=wild)
    if written is None:
        written = reported.cache_write_1h_tokens
    cache = (reported.cache_read_tokens or 0) + (written or 0)
    try:
        flags, beyond = _read(reported, cache)
        whole, output, total = _wholes(reported, cache if flags & _CACHE_BESIDE else 0, beyond)
        if beyond and reasoning is None:
            reasoning = beyond
        _check_parts(reported, whole, output, total, cache=cache, reasoning=reasoning)
    except _Contradiction as contradiction:
        return _as_reported(reported, str(contradiction), written=written)
    return Usage(
        input_tokens=whole,
        output_tokens=output,
        total_tokens=total,
        cache_read_tokens=reported.cache_read_tokens,
        cache_write_tokens=written,
        cache_write_1h_tokens=reported.cache_write_1h_tokens,
        reasoning_tokens=reasoning,
        input_audio_tokens=reported.input_audio_tokens,
        output_audio_tokens=reported.output_audio_tokens,
        web_searches=reported.web_searches,
        convention=_CONVENTIONS[flags],
    )


def _out_of_bounds(reported: ReportedUsage) -> list[str]:
    counts = msgspec.structs.astuple(reported)[_COUNTS]
    for n in counts:  # a loop: the quickest way to find that there is nothing to tell
        if n and not 0 < n <= COUNT_MAX:
            break
    else:
        return []
    named = zip(_REPORTED_COUNTS, counts, strict=True)
    return [name for name, n in named if n and not 0 < n <= COUNT_MAX]


def _as_reported(
    reported: ReportedUsage, problem: str, *, written: int | None, wild: Sequence[str] = ()
) -> Usage:
    counts = {name: getattr(reported, name) for name in COUNT_FIELDS}
    counts["cache_write_tokens"] = written
    return Usage(**(counts | dict.fromkeys(wild)), problem=problem)


def _plain_usage(reported: ReportedUsage) -> Usage | None:
    """Text that adds up to its total, as most calls have it: nothing is left to find out."""
    whole, output, total = reported.input_tokens, reported.output_tokens, reported.total_tokens
    if (
        whole is None
        or output is None
        or reported.cache_accounting is not None
        or reported.cache_write_tokens is not None
        or reported.cache_write_1h_tokens is not None
        or reported.input_audio_tokens is not None
        or reported.output_audio_tokens is not None
        or reported.web_searches is not None
    ):
        return None
    both = whole + output
    if whole < 0 or output < 0 or both > COUNT_MAX:
        return None
    read, reasoning = reported.cache_read_tokens, reported.reasoning_tokens
    if read is not None or reasoning is not None:
        if total != both or not 0 <= (read or 0) <= whole or not 0 <= (reasoning or 0) <= output:
            return None
        if reasoning and _native_provider(reported) in _TOTAL_OMITS_REASONING_PROVIDERS:
            return None
    elif total is not None and total != both:
        return None
    return Usage(
        input_tokens=whole,
        output_tokens=output,
        total_tokens=both,
        cache_read_tokens=read,
        reasoning_tokens=reasoning,
        convention=_CONVENTIONS[0 if total is None else _BY_TOTAL],
    )


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
    exceeds = cache > reported.input_tokens
    if gap is not None:
        reasoning = reported.reasoning_tokens or 0
        if gap in (cache, cache + reasoning):
            return _BY_TOTAL | _CACHE_BESIDE
        if gap in (0, reasoning) and not (exceeds and _has_cache_beside(reported)):
            return _BY_TOTAL
    if _has_cache_beside(reported):
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
        if reasoning and _native_provider(reported) in _TOTAL_OMITS_REASONING_PROVIDERS:
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
) -> tuple[int | None, int | None, int | None]:
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
        if all_input < 0 or all_output < 0:
            raise _Contradiction(f"total_tokens {reported.total_tokens} is less than its parts")
    if max(all_input or 0, all_output or 0, total or 0) > COUNT_MAX:
        raise _Contradiction(f"the counts add up to more than {COUNT_MAX}")
    return all_input, all_output, total


def _check_parts(
    reported: ReportedUsage,
    all_input: int | None,
    all_output: int | None,
    total: int | None,
    *,
    cache: int,
    reasoning: int | None,
) -> None:
    """Raises _Contradiction where a part is more than its whole."""
    most_input = total if all_input is None else all_input
    most_output = total if all_output is None else all_output
    written_1h, written = reported.cache_write_1h_tokens, reported.cache_write_tokens
    spoken, heard = reported.output_audio_tokens, reported.input_audio_tokens
    if most_input is not None:
        if cache > most_input:
            raise _exceeding("cached tokens", cache, most_input, "input_tokens")
        if heard and heard > most_input:
            raise _exceeding("input_audio_tokens", heard, most_input, "input_tokens")
    if written_1h and written is not None and written_1h > written:
        raise _exceeding("cache_write_1h_tokens", written_1h, written, "cache_write_tokens")
    if most_output is not None:
        if reasoning and reasoning > most_output:
            raise _exceeding("reasoning_tokens", reasoning, most_output, "output_tokens")
        if spoken and spoken > most_output:
            raise _exceeding("output_audio_tokens", spoken, most_output, "output_tokens")


def _exceeding(part_name: str, part: int, whole: int, whole_name: str) -> _Contradiction:
    return _Contradiction(f"{part_name} {part} exceed the {whole} of {whole_name}")


def _has_cache_beside(reported: ReportedUsage) -> bool:
    return (
        reported.source in CACHE_BESIDE_SOURCES
        or _native_provider(reported) in _CACHE_BESIDE_PROVIDERS
    )


def _native_provider(reported: ReportedUsage) -> str | None:
    """The provider whose own API counted; None where an instrumentation or gateway did."""
    return reported.provider.strip().lower() if reported.source == NATIVE else None
