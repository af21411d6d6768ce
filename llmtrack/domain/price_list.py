"""A price list: which model costs what, since when, and which names mean it.

The file is the genai-prices data (field names as theirs, so that their published `data.json`
parses too) under a header of our own. Rates are decimals of US dollars, each price key says
for how many of what.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

import msgspec

_PER_MILLION, _PER_THOUSAND = 6, 9
PICO_EXPONENTS = {
    "input_mtok": _PER_MILLION,
    "cache_read_mtok": _PER_MILLION,
    "cache_write_mtok": _PER_MILLION,
    "cache_write_1h_mtok": _PER_MILLION,
    "input_audio_mtok": _PER_MILLION,
    "cache_audio_read_mtok": _PER_MILLION,
    "output_mtok": _PER_MILLION,
    "output_reasoning_mtok": _PER_MILLION,
    "output_audio_mtok": _PER_MILLION,
    "web_searches_kcount": _PER_THOUSAND,
    "requests_kcount": _PER_THOUSAND,
}
"""Every price key that an event has the count for. A rate of 1 USD is 10 ** this pico-USD each."""

UNMETERED_PARTS = frozenset(
    {
        "input_image_mtok",
        "cache_image_read_mtok",
        "output_image_mtok",
        "input_video_mtok",
        "output_video_mtok",
        "output_citation_mtok",
        "audio_hours",
        "input_audio_hours",
        "output_audio_hours",
        "input_mchars",
        "input_document_kpages",
        "input_annotated_document_kpages",
        "input_text_messages_kcount",
        "input_gpixels",
    }
)
"""Charged by some models, but no event says how many of its tokens or what else they were."""

_UNMETERED_CALLS = frozenset(
    {
        "storage_searches_kcount",
        "rerank_searches_kcount",
        "social_searches_kcount",
        "code_executions_kcount",
    }
)
"""Charges for an occasional tool call, not for what the model reads and writes."""

KNOWN_KEYS = PICO_EXPONENTS.keys() | UNMETERED_PARTS | _UNMETERED_CALLS

_FREE_NAMES = frozenset({("openai", "moderation"), ("google", "gemma-3"), ("google", "gemma-3n")})
"""Free by the provider's own price page: OpenAI moderation, Gemma 3 on the Gemini API."""
_FREE_COMMENTS = ("free of charge", "included in the subscription")


_TEXT_CLAUSES = frozenset({"equals", "starts_with", "ends_with", "contains", "regex"})


class Tier(msgspec.Struct, frozen=True):
    start: int
    price: Decimal


class TieredRate(msgspec.Struct, frozen=True):
    """The base rate, or the highest tier's whose start the whole input exceeds."""

    base: Decimal
    tiers: tuple[Tier, ...]


Rate = Decimal | TieredRate
Clause = dict[str, Any]
"""`{"equals": name}`, `starts_with`, `ends_with`, `contains`, `regex`, or `or` / `and` a list."""


class Constraint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Since a UTC date, or within a UTC time of day (the end excluded, may pass midnight)."""

    start_date: date | None = None
    start_time: time | None = None
    end_time: time | None = None


class PriceWindow(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    constraint: Constraint | None = None
    prices: dict[str, Rate]


class PriceVariant(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Rates that replace the standard ones for requests of this kind, e.g. batch."""

    when: dict[str, str]
    constraint: Constraint | None = None
    prices: dict[str, Rate]


class ListedModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row. Of its windows the last one that applies holds, else the first."""

    id: str
    match: Clause
    prices: dict[str, Rate] | tuple[PriceWindow, ...]
    price_variants: tuple[PriceVariant, ...] | None = None
    price_comments: str | None = None
    free: bool = False
    """An empty price is a price of nothing; elsewhere it says that nobody knows."""

    @property
    def windows(self) -> tuple[PriceWindow, ...]:
        if isinstance(self.prices, dict):
            return (PriceWindow(prices=self.prices),)
        return self.prices


class ListedProvider(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    name: str
    models: tuple[ListedModel, ...] = ()
    provider_match: Clause | None = None
    fallback_model_providers: tuple[str, ...] | None = None
    """Other providers whose rows hold here too, because this one bills the same."""


class RefusedRow(msgspec.Struct, frozen=True):
    """A row with something we cannot price exactly. It is told, never half understood."""

    provider: str
    model: str
    reason: str


class PriceList(msgspec.Struct, frozen=True):
    source: str
    version: str
    date: date
    providers: tuple[ListedProvider, ...]
    refused: tuple[RefusedRow, ...] = ()


class _RawProvider(msgspec.Struct):
    id: str
    name: str
    models: list[msgspec.Raw]
    provider_match: Clause | None = None
    fallback_model_providers: tuple[str, ...] | None = None


class _File(msgspec.Struct):
    format: int
    source: str
    version: str
    date: date
    providers: list[_RawProvider]


class _Named(msgspec.Struct):
    id: str = "?"


_FILE = msgspec.json.Decoder(_File)
_MODEL = msgspec.json.Decoder(ListedModel)
_NAME = msgspec.json.Decoder(_Named)


def parse_price_list(data: bytes) -> PriceList:
    """Our own file. Raises msgspec.DecodeError when it is none."""
    file = _FILE.decode(data)
    return price_list_of(file.providers, file.source, file.version, file.date)


def parse_upstream_list(data: bytes, version: str, published: date) -> PriceList:
    """The provider array that genai-prices publishes. Raises msgspec.DecodeError."""
    providers = msgspec.json.decode(data, type=list[_RawProvider])
    return price_list_of(providers, "genai-prices", version, published)


def price_list_of(
    raw_providers: Iterable[_RawProvider], source: str, version: str, published: date
) -> PriceList:
    refused: list[RefusedRow] = []
    providers = tuple(
        ListedProvider(
            id=raw.id,
            name=raw.name,
            models=tuple(_rows(raw, refused)),
            provider_match=raw.provider_match,
            fallback_model_providers=raw.fallback_model_providers,
        )
        for raw in raw_providers
    )
    return PriceList(source, version, published, providers, tuple(refused))


def is_documented_free(provider: str, model: str, comment: str | None) -> bool:
    """Whether an empty price record of this row is known to mean 0 and not "unknown"."""
    return (
        model.endswith(":free")
        or (provider, model) in _FREE_NAMES
        or any(words in (comment or "").lower() for words in _FREE_COMMENTS)
    )


def _rows(raw: _RawProvider, refused: list[RefusedRow]) -> Iterable[ListedModel]:
    for encoded in raw.models:
        try:
            row = _MODEL.decode(encoded)
        except msgspec.DecodeError as error:
            refused.append(RefusedRow(raw.id, _NAME.decode(encoded).id, str(error)))
            continue
        reason = _unpriceable(row)
        if reason is not None:
            refused.append(RefusedRow(raw.id, row.id, reason))
            continue
        if not row.free and is_documented_free(raw.id, row.id, row.price_comments):
            row = msgspec.structs.replace(row, free=True)
        yield row


def encode_price_list(prices: PriceList) -> bytes:
    """Our own file of a list; `parse_price_list` gives the same list again."""
    fields = {"source": prices.source, "version": prices.version, "date": prices.date}
    return msgspec.json.encode({"format": 1, **fields, "providers": prices.providers})


def _unpriceable(row: ListedModel) -> str | None:
    if not row.windows:
        return "it has no price record"
    if not _is_known(row.match):
        return "its match is of an unknown kind"
    records = [part.prices for part in row.windows]
    records += [part.prices for part in row.price_variants or ()]
    for prices in records:
        for key, rate in prices.items():
            if key not in KNOWN_KEYS:
                return f"unknown price key {key}"
            if any(not (value.is_finite() and value >= 0) for value in _values(rate)):
                return f"{key} is no amount"
    return None


def _is_known(clause: Any) -> bool:
    if not isinstance(clause, dict) or len(clause) != 1:
        return False
    ((kind, value),) = clause.items()
    if kind in {"or", "and"}:
        return isinstance(value, list) and bool(value) and all(map(_is_known, value))
    if kind == "regex" and isinstance(value, str):
        try:
            re.compile(value)
        except re.error:
            return False
    return kind in _TEXT_CLAUSES and isinstance(value, str)


def _values(rate: Rate) -> tuple[Decimal, ...]:
    if isinstance(rate, Decimal):
        return (rate,)
    return (rate.base, *(tier.price for tier in rate.tiers))


def tier_starts(prices: Mapping[str, Rate]) -> tuple[int, ...]:
    """Input sizes at which some rate changes, ascending."""
    tiered = (rate for rate in prices.values() if isinstance(rate, TieredRate))
    return tuple(sorted({tier.start for rate in tiered for tier in rate.tiers}))
