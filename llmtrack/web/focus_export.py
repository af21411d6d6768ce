"""Explore as FOCUS: day by day the models of each provider, split by the page's grouping.

A grouping by a tracked tag, feature, key or environment is told in `Tags`, as filters by tags
are. What has no value of it, or one that is not counted on its own, is in rows without.
"""

from collections.abc import Mapping, Sequence

from llmtrack.domain.periods import (
    day_number,
    day_start_ms,
    local_date,
    month_start,
    next_month,
)
from llmtrack.domain.spans import Span, Step, buckets_of
from llmtrack.domain.tags import key_of
from llmtrack.formats.csv_lines import Cell
from llmtrack.formats.focus import FocusCharge, focus_row
from llmtrack.storage.dimensions import OTHER_VALUE, Dimension, Kind
from llmtrack.storage.labels import labels_of
from llmtrack.storage.pair_reports import usage_of_values
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import ByValue, usage_by_value
from llmtrack.storage.sums import NO_SUMS, Sums
from llmtrack.web.analytics import Look

SPLIT_BY = ("feature", "key", "environment")
"""And tags. Customers are too many for a row each, day and model."""

Parts = list[tuple[int | None, ByValue]]
"""Sums by model, for each value of the grouping; None: the rest."""


class _Names:
    """What numbers are called, looked up once each."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._known: dict[tuple[Dimension, int], str] = {}

    async def of(self, kind: Dimension, values: Sequence[int]) -> Mapping[int, str]:
        missing = [value for value in values if (kind, value) not in self._known]
        if missing:
            labels = await labels_of(self._look.reading, kind, missing)
            for value in missing:
                label = labels.get(value)
                slug = kind is Kind.MODEL or kind is Kind.PROVIDER
                self._known[kind, value] = "" if not label else label.slug if slug else label.text
        return {value: self._known[kind, value] for value in values}


async def focus_rows(look: Look) -> Sequence[Sequence[Cell]]:
    """Raises TooMuchToRead, with several filters alone."""
    by, kind = look.query.by, look.query.kind
    tag = key_of(by) or (by if by in SPLIT_BY else None)
    values: list[int] = []
    if tag is not None:
        found = await usage_by_value(look.reading, look.question())
        values = sorted(value for value in found if value not in (None, OTHER_VALUE))
    names = _Names(look)
    texts = await names.of(kind, values)
    rows: list[Sequence[Cell]] = []
    zone = look.scope.time_zone
    for span in buckets_of(look.timeframe.span, Step.DAY, zone).spans:
        for provider, parts in (await _by_provider(look, span, values)).items():
            for value, by_model in parts:
                tags = _tags(look, {tag: texts[value]} if tag and value is not None else {})
                models = await names.of(Kind.MODEL, [one for one in by_model if one is not None])
                provider_text = (await names.of(Kind.PROVIDER, [provider]))[provider]
                for model, text in models.items():
                    charge = _charge(look, span, (provider_text, text), by_model[model], tags)
                    rows.append(focus_row(charge))
    return rows


async def _by_provider(look: Look, span: Span, values: Sequence[int]) -> dict[int, Parts]:
    """Where each model is of one provider, whose usage it is needs no other look."""
    providers = await _providers_of_models(look, span)
    alone: dict[int | None, int] = {
        model: ours[0] for model, ours in providers.items() if len(ours) == 1
    }
    found: dict[int, Parts] = {}
    for value, by_model in await _parts(look, span, values, {}):
        for provider in sorted({alone[model] for model in by_model if model in alone}):
            own = {model: by_model[model] for model in by_model if alone.get(model) == provider}
            found.setdefault(provider, []).append((value, own))
    for provider in sorted({one for ours in providers.values() if len(ours) > 1 for one in ours}):
        for value, by_model in await _parts(look, span, values, {Kind.PROVIDER: provider}):
            shared = {model: by_model[model] for model in by_model if model not in alone}
            found.setdefault(provider, []).append((value, shared))
    return dict(sorted(found.items()))


async def _providers_of_models(look: Look, span: Span) -> dict[int, list[int]]:
    """All events' providers, whatever the page filters by; the one that it filters by."""
    zone, only = look.scope.time_zone, dict(look.bar.values.items()).get(Kind.PROVIDER)
    models = [
        model
        for model in await usage_by_value(look.reading, Question(Kind.MODEL, span, zone))
        if model is not None
    ]
    if only is not None:
        return {model: [only] for model in models}
    of_models = await usage_of_values(
        look.reading, Question(Kind.PROVIDER, span, zone), Kind.MODEL, models
    )
    return {
        model: [provider for provider in found if provider is not None]
        for model, found in of_models.items()
        if model is not None
    }


async def _parts(
    look: Look, span: Span, values: Sequence[int], more_filters: dict[Dimension, int]
) -> Parts:
    question = look.question(Kind.MODEL, span, more_filters)
    rest = dict(await usage_by_value(look.reading, question))
    of_values = await usage_of_values(look.reading, question, look.query.kind, values)
    parts: Parts = list(of_values.items())
    for _, by_model in parts:
        for model, sums in by_model.items():
            rest[model] = rest.get(model, NO_SUMS) - sums
    return [*parts, (None, {model: sums for model, sums in rest.items() if sums.events})]


def _tags(look: Look, grouped: Mapping[str, str]) -> dict[str, str]:
    filtered = {key: label.text for name, label in look.bar.labels.items() if (key := key_of(name))}
    return {**filtered, **grouped}


def _charge(
    look: Look, span: Span, names: tuple[str, str], sums: Sums, tags: Mapping[str, str]
) -> FocusCharge:
    scope = look.scope
    tokens = (sums.input_tokens, sums.cache_read_tokens, sums.output_tokens)
    counts = (sums.events, sums.unpriced_events + sums.unknown_usage_events)
    return FocusCharge(
        *(scope.public_id, scope.name, scope.time_zone),
        *_month(span.start_ms, scope.time_zone),
        *span,
        *names,
        sums.cost_pico,
        *tokens,
        *counts,
        tags,
    )


def _month(start_ms: int, zone: str) -> tuple[int, int]:
    first = month_start(local_date(start_ms, zone))
    start, end = (day_start_ms(day_number(day), zone) for day in (first, next_month(first)))
    return start, end
