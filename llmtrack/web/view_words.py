"""What a saved view or a shared link shows, in the words that its page has for it."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.tags import tag_name
from llmtrack.domain.timeframes import custom_timeframe
from llmtrack.domain.views import View
from llmtrack.storage.dimensions import Dimension
from llmtrack.storage.labels import labels_of, value_of
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tracked_tags import tags_of
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.event_query import PRICING_TEXTS
from llmtrack.web.explore_query import ROLLUPS
from llmtrack.web.metrics import METRICS
from llmtrack.web.page_query import DIMENSIONS, parse_page_query

Words = list[tuple[str, str]]
"""Each a phrase of ours, and what somebody else has named, if anything."""


def _per(text: str) -> str:
    return f"per {ROLLUPS[text].value}" if text in ROLLUPS else f"per {text}"


_PHRASES: Mapping[str, Callable[[str], tuple[str, str]]] = {
    "metric": lambda text: (METRICS[text].title if text in METRICS else text, ""),
    "sub": lambda text: (f"then by {dimension_text(text)}", ""),
    "rollup": lambda text: (_per(text), ""),
    "top": lambda text: (f"{text} rows", ""),
    "cumulative": lambda _: ("cumulative", ""),
    "compare": lambda _: ("compared with before", ""),
    "pricing": lambda text: (PRICING_TEXTS.get(text, text), ""),
    "min_cost": lambda text: (f"cost from ${text.removeprefix('$')}", ""),
    "min_latency": lambda text: (f"latency from {text} ms", ""),
    "metadata": lambda text: ("metadata", text),
    "columns": lambda _: ("with chosen columns", ""),
    "target": lambda text: ("at the price of", text),
}


async def view_words(reading: ScopedReading, view: View, *, now_ms: int, zone_name: str) -> Words:
    """The period first, as it would be now."""
    given = view.parameters
    query, timeframe = parse_page_query("", given, now_ms, zone_name)
    kinds: dict[str, Dimension] = {
        **DIMENSIONS,
        **{tag_name(tag.key): tag for tag in await tags_of(reading)},
    }
    words = [(timeframe.text, "")]
    if "by" in given:
        words.append((f"by {dimension_text(query.by)}", ""))
    for name, slug in query.filters.items():
        kind = kinds.get(name)
        value = None if kind is None else await value_of(reading, kind, slug)
        text = slug
        if kind is not None and value is not None:
            text = (await labels_of(reading, kind, [value]))[value].full_text
        words.append((dimension_text(name), text))
    if "before_from" in given:
        with suppress(InvalidValue):
            dates = given["before_from"], given.get("before_to", "")
            words.append((f"compared with {custom_timeframe(*dates, now_ms, zone_name).text}", ""))
    return words + [phrase(given[name]) for name, phrase in _PHRASES.items() if given.get(name)]
