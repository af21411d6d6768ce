"""Explore as FOCUS: day by day the models of each provider, split by the page's grouping.

A grouping by a tracked tag, feature, customer, key or environment is told in `Tags`, as filters by
tags are; a customer by its id, since names may be alike. What has no value of it, or one that is
not counted on its own, is in rows without.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace

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
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.pair_reports import usage_of_values
from llmtrack.storage.questions import Question
from llmtrack.storage.reports import ByValue, usage_by_value
from llmtrack.storage.sums import NO_SUMS, Sums
from llmtrack.web.analytics import Look

SPLIT_BY = ("feature", "key", "environment", "customer")
"""And tags."""
CHUNK_ROWS = 200
"""So many are written before others get a turn: a day of 2,000 customers has 9,000."""

Parts = list[tuple[int | None, ByValue]]
"""Sums by model, for each value of the grouping; None: the rest."""


class Focus:
    """An export of what a page shows, a day at a time: a quarter by feature has 50,000 rows."""

    def __init__(self, look: Look, tag: str | None, values: Sequence[int]) -> None:
        """`tag`: what the values of the page's grouping are told under; None: not at all."""
        self._look = look
        self._kind = look.query.kind
        self._tag, self._values = tag, values
        self._names: dict[tuple[Dimension, int], str] = {}

    @classmethod
    async def of(cls, look: Look) -> "Focus":
        """What to split by is read as the page reads it. Raises TooMuchToRead."""
        by = look.query.by
        key = key_of(by)
        tag = _tag_name(key) if key else by if by in SPLIT_BY else None
        found: Iterable[int | None] = ()
        if tag is not None and look.query.kind is not Kind.CUSTOMER:  # each day tells its own
            found = await usage_by_value(look.reading, look.question())
        return cls(look, tag, sorted(one for one in found if one not in (None, OTHER_VALUE)))

    async def days(self) -> AsyncIterator[list[Sequence[Cell]]]:
        """By CHUNK_ROWS, each day of one moment. Raises TooMuchToRead, with several filters."""
        zone = self._look.scope.time_zone
        for span in buckets_of(self._look.timeframe.span, Step.DAY, zone).spans:
            rows: list[Sequence[Cell]] = []
            async with self._look.scope.reading() as reading:
                look = replace(self._look, reading=reading)
                charges = await reading.run(self._charges(look, span))
            for charge in charges:
                rows.append(focus_row(charge))
                if len(rows) == CHUNK_ROWS:
                    yield rows
                    rows = []
                    await asyncio.sleep(0)
            yield rows

    async def _charges(self, look: Look, span: Span) -> list[FocusCharge]:
        charges: list[FocusCharge] = []
        for provider, parts in (await _by_provider(look, span, self._values)).items():
            [named] = (await self._named(look, Kind.PROVIDER, [provider])).values()
            values = [value for value, _ in parts if value is not None]
            texts = await self._named(look, self._kind, values) if self._tag else {}
            for value, by_model in parts:
                grouped = {self._tag: texts[value]} if self._tag and value is not None else {}
                tags = _tags(look, grouped)
                models = [model for model in by_model if model is not None]
                for model, text in (await self._named(look, Kind.MODEL, models)).items():
                    charges.append(_charge(look, span, (named, text), by_model[model], tags))
        return charges

    async def _named(self, look: Look, kind: Dimension, values: Sequence[int]) -> dict[int, str]:
        missing = [value for value in values if (kind, value) not in self._names]
        if missing:
            labels = await labels_of(look.reading, kind, missing)
            is_coded = kind in (Kind.MODEL, Kind.PROVIDER, Kind.CUSTOMER)
            for value in missing:
                label = labels.get(value) or Label("", "")
                self._names[kind, value] = label.slug if is_coded else label.text
        return {value: self._names[kind, value] for value in values}


async def _by_provider(look: Look, span: Span, values: Sequence[int]) -> dict[int, Parts]:
    """Where each model is of one provider, whose usage it is needs no other look."""
    providers = await _providers_of_models(look, span)
    alone: dict[int | None, int] = {
        model: ours[0] for model, ours in providers.items() if len(ours) == 1
    }
    models = [model for model in providers if model is not None]
    found: dict[int, Parts] = {}
    for value, by_model in await _parts(look, span, (models, values), {}):
        for provider in sorted({alone[model] for model in by_model if model in alone}):
            own = {model: by_model[model] for model in by_model if alone.get(model) == provider}
            found.setdefault(provider, []).append((value, own))
    for provider in sorted({one for ours in providers.values() if len(ours) > 1 for one in ours}):
        several = [model for model in models if model not in alone]
        of_provider: dict[Dimension, int] = {Kind.PROVIDER: provider}
        for value, by_model in await _parts(look, span, (several, values), of_provider):
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
    look: Look,
    span: Span,
    asked: tuple[Sequence[int], Sequence[int]],
    more_filters: dict[Dimension, int],
) -> Parts:
    """`asked`: the models that there are, and values of the grouping."""
    models, values = asked
    if look.query.kind is Kind.CUSTOMER:
        return await _customer_parts(look, span, models, more_filters)
    question = look.question(Kind.MODEL, span, more_filters)
    rest = dict(await usage_by_value(look.reading, question))
    of_values = await usage_of_values(look.reading, question, look.query.kind, values)
    parts: Parts = list(of_values.items())
    for _, by_model in parts:
        for model, sums in by_model.items():
            rest[model] = rest.get(model, NO_SUMS) - sums
    return [*parts, (None, {model: sums for model, sums in rest.items() if sums.events})]


async def _customer_parts(
    look: Look, span: Span, models: Sequence[int], more_filters: dict[Dimension, int]
) -> Parts:
    """The customers of each model, not the models of each of thousands of customers."""
    only = dict(look.bar.values.items()).get(Kind.MODEL)
    question = look.question(Kind.CUSTOMER, span, more_filters)
    of_models = await usage_of_values(
        look.reading, question, Kind.MODEL, models if only is None else [only]
    )
    found: dict[int | None, ByValue] = defaultdict(dict)
    for model, customers in of_models.items():
        for customer, sums in customers.items():
            found[customer][model] = sums
    return list(found.items())


def _tags(look: Look, grouped: Mapping[str, str]) -> dict[str, str]:
    named = {key_of(name): label.text for name, label in look.bar.labels.items()}
    filtered = {_tag_name(key): text for key, text in named.items() if key}
    return {**filtered, **grouped}


def _tag_name(key: str) -> str:
    """A tracked tag that is called as another grouping is told from that."""
    return f"tag:{key}" if key in SPLIT_BY else key


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
