"""Which single events a page is about: the bar's filters, and its own conditions on events."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.identifiers import event_row, event_uuid
from llmtrack.domain.metadata_conditions import metadata_condition
from llmtrack.domain.money import PICO_MAX, pico_from_usd
from llmtrack.storage.event_pages import Cursor
from llmtrack.storage.event_search import END, EventFilter
from llmtrack.web.analytics import Look
from llmtrack.web.event_columns import unknown_columns

LEFT_OUT = " The condition is left out."
CONDITIONS = ("pricing", "min_cost", "min_latency", "metadata")
EXTRAS = ("columns", *CONDITIONS, "before")
PRICINGS = {
    "unknown": (
        CostStatus.UNPRICED,
        CostStatus.NO_USAGE,
        CostStatus.INSUFFICIENT_USAGE,
        CostStatus.INVALID_USAGE,
    ),
    "unpriced": (CostStatus.UNPRICED,),
    "partial": (CostStatus.PARTIAL,),
    "priced": (CostStatus.PRICED,),
}
PRICING_TEXTS = {
    "unknown": "cost unknown",
    "unpriced": "no price",
    "partial": "priced in part",
    "priced": "priced in full",
}
LATENCY_MAX_MS = 10**12
ID_LENGTH = 36


class Wanted(NamedTuple):
    filter: EventFilter
    problems: list[str]


def wanted_events(look: Look) -> Wanted:
    """The filter behind the page's URL; what of it cannot be read is left out and told."""
    given, problems = look.query.extras, []
    conditions: dict[str, object] = {}
    for name, read in _READERS.items():
        text = given.get(name, "").strip()
        if not text:
            continue
        try:
            conditions |= read(text)
        except ValueError as error:
            problems.append(f"{error}{LEFT_OUT}")
    # A shared link outlives a tag that was one of its columns.
    told = look.bar.notes if look.query.is_locked else problems
    before = given.get("before", "")
    if before and place_of(before) is END:
        told.append(f"The list begins before no event {before[:40]!r}: here are the newest.")
    unknown = unknown_columns(given.get("columns", ""), look.query.tags)
    if unknown:
        told.append(f"There is no column {', '.join(unknown)[:60]!r} here; it is left out.")
    span, values = look.timeframe.span, look.bar.values
    return Wanted(EventFilter(span, values, **conditions), problems)  # type: ignore[arg-type]


def no_event_text(wanted_id: str) -> str:
    told = f"There is no event with the id {wanted_id[:60]!r}."
    if len(wanted_id) == ID_LENGTH:
        return told
    return f"{told} An id has {ID_LENGTH} characters, as in the column Id of the list."


def place_of(text: str) -> Cursor:
    """Where a page begins: before the event of that id; at the end where it is no id."""
    try:
        return Cursor(*event_row(text))
    except ValueError:
        return END


def place_text(place: Cursor) -> str:
    return event_uuid(place.timestamp_ms, place.id)


def _pricing(text: str) -> Mapping[str, object]:
    if text not in PRICINGS:
        raise ValueError(f"Pricing {text[:30]!r} is none of {', '.join(PRICINGS)}.")
    return {"cost_statuses": tuple(int(status) for status in PRICINGS[text])}


def _min_cost(text: str) -> Mapping[str, object]:
    try:
        pico = pico_from_usd(Decimal(text.removeprefix("$")))
    except (InvalidOperation, ValueError, OverflowError):
        pico = -1
    if not 0 <= pico <= PICO_MAX:
        raise ValueError(f"The least cost {text[:30]!r} is no amount in dollars, such as 0.05.")
    return {"cost_from_pico": pico}


def _min_latency(text: str) -> Mapping[str, object]:
    if not text.isdecimal() or int(text) > LATENCY_MAX_MS:
        raise ValueError(f"The least latency {text[:30]!r} is no whole number of milliseconds.")
    return {"latency_from_ms": int(text)}


def _metadata(text: str) -> Mapping[str, object]:
    try:
        name, value = metadata_condition(text)
    except ValueError:
        raise ValueError(f"Metadata {text[:30]!r} is not written as name=value.") from None
    return {
        "metadata_path": f"$.{json.dumps(name, ensure_ascii=False)}",
        "metadata_value": value,
    }


_READERS = {
    "pricing": _pricing,
    "min_cost": _min_cost,
    "min_latency": _min_latency,
    "metadata": _metadata,
}
