"""The token counts of one call: as a source reports them, and in their one canonical meaning."""

from enum import IntFlag
from typing import Literal

import msgspec

COUNT_MAX = 10**12
"""Above it a count is a mistake; below it no sum of a batch can overflow 64 bits."""

NATIVE = "native"
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
