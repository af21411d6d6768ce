"""The bar above every analytics page: period, filters, and what can be chosen for them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from llmtrack.domain.periods import date_of_day, day_of, local_date
from llmtrack.domain.tags import key_of, tag_name
from llmtrack.domain.timeframes import CUSTOM, NAMED, Field, Timeframe, field_values
from llmtrack.services.tag_notes import tag_notes
from llmtrack.storage.dimensions import Dimension, is_partial
from llmtrack.storage.labels import Label, choices, labels_of, value_of
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tracked_tags import tags_of
from llmtrack.storage.value_names import has_more_values, values_named
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.page_query import DEFAULT_BY, PageQuery

CHOICES_MAX = 30
NAMESAKES_MAX = 5
"""So many of one name are told."""
PERIOD_KEYS = {
    "24h": "d",
    "yesterday": "y",
    "7d": "w",
    "30d": "t",
    "90d": "n",
    "month": "m",
    "last-month": "p",
}
PERIOD_TEXTS = {
    "24h": "24 h",
    "yesterday": "Yesterday",
    "7d": "7 d",
    "30d": "30 d",
    "90d": "90 d",
    "month": "Month",
    "last-month": "Last month",
}


@dataclass(frozen=True)
class FilterBar:
    """What is chosen, with the names and numbers behind it, and what else could be."""

    query: PageQuery
    """Without filters that this workspace has no value for."""
    timeframe: Timeframe
    zone: str
    values: dict[Dimension, int]
    labels: dict[str, Label]
    choices: dict[str, Sequence[Label]]
    typed: Collection[str]
    """Dimensions that have more values than are offered: any may be typed."""
    problems: list[str]
    notes: list[str]
    """What the tags of the page do not know of its period."""

    @property
    def periods(self) -> list[tuple[str, str, str, bool, str]]:
        """(text, URL, key, chosen, title) of each named period."""
        return [
            (
                text,
                self.query.with_period(key).url,
                PERIOD_KEYS[key],
                key == self.timeframe.key,
                NAMED[key],
            )
            for key, text in PERIOD_TEXTS.items()
        ]

    @property
    def pills(self) -> list[tuple[str, Label, str]]:
        """(dimension, value, URL without it) of each filter."""
        return [
            (name, label, self.query.without_filter(name).url)
            for name, label in self.labels.items()
        ]

    @property
    def clear_url(self) -> str:
        return self.query.without_filters().url

    @property
    def dates(self) -> tuple[Field, Field]:
        """For the fields of a custom period; of one that has times, times."""
        span = self.timeframe.span
        if self.timeframe.key == CUSTOM:
            return field_values(span, self.zone)
        first, last = local_date(span.start_ms, self.zone), local_date(span.end_ms - 1, self.zone)
        return Field(first.isoformat()), Field(last.isoformat())

    def kept(self, *, dropped: tuple[str, ...]) -> list[tuple[str, str]]:
        """What a form carries on unchanged, as hidden fields."""
        return [(name, value) for name, value in self.query.parameters if name not in dropped]

    def latest_url(self, days: tuple[int, int]) -> str:
        """The last 30 days that have events, for a period that has none."""
        first, last = days
        start = date_of_day(max(first, last - 29)).isoformat()
        return self.query.with_range(start, date_of_day(last).isoformat()).url


async def load_filter_bar(
    reading: ScopedReading, query: PageQuery, timeframe: Timeframe, zone_name: str
) -> FilterBar:
    """Looks up the numbers behind the filters' names; an unknown name is left out and told."""
    values: dict[Dimension, int] = {}
    labels: dict[str, Label] = {}
    problems = list(query.problems)
    query = replace(query, tags={tag_name(tag.key): tag for tag in await tags_of(reading)})
    if query.by not in query.dimensions:
        problems.append(f"The tag {key_of(query.by)} is not tracked; grouped by {DEFAULT_BY}.")
        query = query.with_by(DEFAULT_BY)
    for name, slug in query.filters.items():
        kind = query.dimensions.get(name)
        if kind is None:
            problems.append(f"The tag {key_of(name)} is not tracked; the filter is left out.")
            continue
        found = await _values_of(reading, query, kind, slug)
        named = await labels_of(reading, kind, found)
        if len(found) != 1:
            problems.append(_not_one(dimension_text(name), slug, [named[one] for one in found]))
            continue
        values[kind], labels[name] = found[0], named[found[0]]
    query = replace(query, filters={name: label.slug for name, label in labels.items()})
    first, last = timeframe.span.start_ms, timeframe.span.end_ms - 1
    days = (day_of(first, zone_name), day_of(last, zone_name) + 1)
    offered, typed = await _choices(reading, query, days, labels)
    notes = tag_notes([query.kind, *values], timeframe.previous.start_ms, zone_name)
    return FilterBar(query, timeframe, zone_name, values, labels, offered, typed, problems, notes)


async def _values_of(
    reading: ScopedReading, query: PageQuery, kind: Dimension, slug: str
) -> list[int]:
    """The value of that slug, or those that people call so."""
    # Browsers send a line break in a form's value as two characters.
    for text in dict.fromkeys((slug, slug.replace("\r\n", "\n"))):
        value = await value_of(reading, kind, text)
        if value is not None:
            return [value]
    if query.is_locked:  # a shared link shows nothing else because a name is given to another one
        return []
    return await values_named(reading, kind, slug, most=NAMESAKES_MAX)


def _not_one(dimension: str, slug: str, found: Sequence[Label]) -> str:
    shown = repr(slug[:60])
    if not found:
        return f"There is no {dimension} {shown} here; the filter is left out."
    some = "At least " if len(found) == NAMESAKES_MAX else ""
    told = ", ".join(label.slug[:60] for label in found)
    return (
        f"{some}{len(found)} have the name {shown} as {dimension}: {told}. "
        "Filter by one of these; the filter is left out."
    )


async def _choices(
    reading: ScopedReading, query: PageQuery, days: tuple[int, int], chosen: dict[str, Label]
) -> tuple[dict[str, Sequence[Label]], set[str]]:
    """What each dimension offers, and the names of those that have more."""
    found: dict[str, Sequence[Label]] = {}
    typed = set()
    for name, kind in query.dimensions.items():
        known = await choices(reading, kind, days, most=CHOICES_MAX + 1)
        offered = known[:CHOICES_MAX]
        # Of those that not each event has, only recent ones are offered.
        if len(known) > CHOICES_MAX or (
            is_partial(kind) and await has_more_values(reading, kind, len(offered))
        ):
            typed.add(name)
        # What is chosen is offered, or sending the form would drop it.
        if name in chosen and chosen[name].slug not in {label.slug for label in offered}:
            offered = [chosen[name], *offered]
        found[name] = offered
    return found, typed
