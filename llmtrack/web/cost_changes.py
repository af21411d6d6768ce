"""`GET /w/{workspace}/changes`: what the difference between two periods is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web

from llmtrack.domain.drivers import (
    Driver,
    Figures,
    Split,
    largest_drivers,
    split_change,
    total_split,
)
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.roles import Permission
from llmtrack.domain.spans import Span
from llmtrack.domain.timeframes import Field, custom_timeframe, field_values
from llmtrack.storage.labels import Label, labels_of
from llmtrack.storage.questions import TooMuchToRead
from llmtrack.storage.reports import ByValue, usage_by_value
from llmtrack.storage.sums import NO_SUMS, Sums, total_of
from llmtrack.web.analytics import Look, analytics_page, looking
from llmtrack.web.auth import require
from llmtrack.web.change_words import Sentence, sentence_of, signed_usd
from llmtrack.web.changes import Change, ratio_change
from llmtrack.web.dimension_texts import dimension_text, no_value, use_without
from llmtrack.web.numbers import usd_short

EXTRAS = ("before_from", "before_to")
ROWS_MAX = 40
SENTENCES_MAX = 6
OVERVIEW_SENTENCES = 3
OVERVIEW_DIMENSIONS = ("feature", "model")
Values = dict[int | None, Split]


@dataclass(frozen=True)
class Comparison:
    """One dimension in two periods."""

    name: str
    before: ByValue
    now: ByValue
    splits: Values
    order: Sequence[int | None]
    """Of the values: what changed most first."""
    drivers: Sequence[Driver]
    labels: Mapping[int | None, Label]

    def sums(self, value: int | None) -> tuple[Sums, Sums]:
        return self.before.get(value, NO_SUMS), self.now.get(value, NO_SUMS)


class Row(NamedTuple):
    label: Label
    url: str | None
    before: Sums
    now: Sums
    split: Split


@require(Permission.READ)
async def get_changes(request: web.Request) -> web.StreamResponse:
    async with looking(request, "changes", EXTRAS) as look:
        before_span, text = compared_with(look)
        try:
            found = await look.reading.run(compare(look, look.query.by, before_span))
        except TooMuchToRead as error:
            return analytics_page(request, "changes.html", look, too_much=error)
        return analytics_page(
            request,
            "changes.html",
            look,
            before_dates=_dates(look, before_span),
            groupings=[
                (name, look.query.with_by(name).url, name == look.query.by)
                for name in look.query.dimensions
            ],
            is_own="before_from" in look.query.extras,
            usual_url=look.query.with_extras({}).url,
            **_shown(look, found, text),
        )


async def change_values(look: Look) -> dict[str, Any]:
    """What `_changes.html` shows where nothing can be chosen. Raises TooMuchToRead."""
    before_span, text = compared_with(look)
    found = await compare(look, look.query.by, before_span)
    return {"before_dates": None, "groupings": (), **_shown(look, found, text)}


def _shown(look: Look, found: Comparison, before_text: str) -> dict[str, Any]:
    total = total_split(found.splits.values())
    before_sums = total_of(found.before.values())
    now_sums = total_of(found.now.values())
    order = found.order
    shown = ROWS_MAX if len(order) > ROWS_MAX + 1 else len(order)
    return {
        "nothing": not before_sums.events and not now_sums.events,
        "before": before_sums,
        "now": now_sums,
        "before_text": before_text,
        "change": _relative(before_sums, now_sums, before_text),
        "total": total,
        "sentences": sentences_of(look, found, SENTENCES_MAX),
        "rows": [_row(look, found, value) for value in order[:shown]],
        "more": _summed(found, order[shown:]) if order[shown:] else None,
        "signed": signed_usd,
    }


async def compare(
    look: Look, name: str, before_span: Span, named_max: int | None = ROWS_MAX + 1
) -> Comparison:
    """Of the values that changed most, `named_max` have a label. Raises TooMuchToRead."""
    kind = look.query.dimensions[name]
    before = await usage_by_value(look.reading, look.question(kind, before_span))
    now = await usage_by_value(look.reading, look.question(kind))
    splits = split_change(_figures(before), _figures(now))
    # Only what can be named on the page: of thousands of values a few are.
    drivers = largest_drivers(splits, SENTENCES_MAX)
    order = sorted(splits, key=lambda value: (-abs(splits[value].total_pico), value or 0))
    named = [*order[:named_max], *(driver.value for driver in drivers)]
    labels = await labels_of(look.reading, kind, [one for one in named if isinstance(one, int)])
    return Comparison(name, before, now, splits, order, drivers, labels)


async def overview_sentences(look: Look) -> list[Sentence]:
    """The top drivers by the dimension whose drivers moved more money."""
    moved, best = 0, None
    for name in OVERVIEW_DIMENSIONS:
        if name in look.query.filters:
            continue
        try:
            found = await compare(look, name, look.timeframe.previous)
        except TooMuchToRead:
            continue
        if not total_of(found.before.values()).events:
            return []
        size = sum(abs(driver.amount_pico) for driver in found.drivers[:OVERVIEW_SENTENCES])
        if size > moved:
            moved, best = size, found
    return sentences_of(look, best, OVERVIEW_SENTENCES) if best else []


def sentences_of(look: Look, found: Comparison, most: int) -> list[Sentence]:
    sentences = []
    for driver in found.drivers[:most]:
        value = driver.value
        assert value is None or isinstance(value, int)  # noqa: S101 - they are values of a kind
        label = _label(found, value)
        url = look.query.about(found.name, label.slug).url if label.slug else None
        text = dimension_text(found.name)
        if value is None:
            text, label = "", Label("", use_without(found.name))
        sentences.append(sentence_of(driver, text, label, url, found.sums(value)))
    return sentences


def compared_with(look: Look) -> tuple[Span, str]:
    """What is compared with: the stretch before, unless the URL names another one."""
    given = look.query.extras
    previous, zone = look.timeframe.previous, look.scope.time_zone
    if "before_from" in given:
        try:
            own = custom_timeframe(
                given["before_from"], given.get("before_to", ""), look.now_ms, zone
            )
        except InvalidValue as error:
            look.bar.problems.append(f"The period before: {error}. Compared with the usual one.")
        else:
            return own.span, own.text
    return previous, look.timeframe.previous_text


def _dates(look: Look, before: Span) -> tuple[Field, Field]:
    """For the fields; the usual period before ends at this time of day, which no date says."""
    if "before_from" not in look.query.extras:
        return Field(), Field()
    return field_values(before, look.scope.time_zone)


def _figures(values: ByValue) -> dict[int | None, Figures]:
    return {
        value: Figures(sums.events, sums.tokens, sums.cost_pico) for value, sums in values.items()
    }


def _row(look: Look, found: Comparison, value: int | None) -> Row:
    label = _label(found, value)
    url = look.query.about(found.name, label.slug).url if label.slug else None
    return Row(label, url, *found.sums(value), found.splits[value])


def _summed(found: Comparison, values: Sequence[int | None]) -> Row:
    sums = [found.sums(value) for value in values]
    return Row(
        Label("", f"{len(values):,} more"),
        None,
        total_of(before for before, _ in sums),
        total_of(now for _, now in sums),
        total_split(found.splits[value] for value in values),
    )


def _label(found: Comparison, value: int | None) -> Label:
    if value is None:
        return Label("", no_value(found.name))
    return found.labels.get(value) or Label("", "?")


def _relative(before: Sums, now: Sums, text: str) -> Change | None:
    was = f"{usd_short(before.cost_pico)} in {text}"
    return ratio_change(now.cost_pico, before.cost_pico, less_is_better=True, before_text=was)


ROUTES = [web.get("/w/{workspace}/changes", get_changes)]
