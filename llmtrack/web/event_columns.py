"""The columns of single events: how each reads in a page, and what it is in an export."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.events import STATUSES
from llmtrack.domain.identifiers import event_uuid
from llmtrack.domain.money import usd_text
from llmtrack.domain.periods import rfc3339
from llmtrack.domain.tags import key_of, tag_values
from llmtrack.formats.csv_lines import Cell
from llmtrack.storage.event_pages import ListedEvent
from llmtrack.storage.event_search import EventDetail
from llmtrack.web.dimension_texts import dimension_title
from llmtrack.web.numbers import NOTHING, milliseconds, moment, tokens, usd_each

NEVER_CUT = 12
"""A name of so many letters fits, whichever they are."""
Event = ListedEvent | EventDetail

COST_STATUS_TEXTS = {
    CostStatus.PRICED: "priced",
    CostStatus.PARTIAL: "priced in part",
    CostStatus.UNPRICED: "no price",
    CostStatus.NO_USAGE: "no token counts",
    CostStatus.INSUFFICIENT_USAGE: "counts this model is not billed by",
    CostStatus.INVALID_USAGE: "contradicting counts",
}


_NAME = Markup('<bdi class="name">%s</bdi>')
_TITLED_NAME = Markup('<bdi class="name" title="%s">%s</bdi>')
_STATUS = Markup('<span class="badge%s">%s</span>')
_UNKNOWN = Markup('<span class="muted" title="%s">unknown</span>')


def uuid_of(event: Event) -> str:
    return event_uuid(event.timestamp_ms, event.id)


class Column(NamedTuple):
    name: str
    title: str
    cell: Callable[[Event, str], str]
    """As HTML, for a page in that time zone."""
    in_files: tuple[tuple[str, Callable[[Event], Cell]], ...]
    """Its columns in an export, by name."""
    is_number: bool = False


def _named(text: str | None, id_text: str = "") -> str:
    """A name that may be cut off where it is long; its title has all of it, and its id."""
    if text is None:
        return NOTHING
    title = f"{text} ({id_text})" if id_text not in ("", text) else text
    if title == text and len(text) <= NEVER_CUT:
        return _NAME % text
    return _TITLED_NAME % (title, text)


def _column(
    name: str,
    title: str,
    cell: Callable[[Event, str], str],
    value: Callable[[Event], Cell],
    *,
    is_number: bool = False,
) -> Column:
    """One that is called the same in a file."""
    return Column(name, title, cell, ((name, value),), is_number)


def _text(field: str, title: str, name: str = "") -> Column:
    def cell(event: Event, _: str) -> str:
        return _named(getattr(event, field))

    return _column(name or field, title, cell, lambda event: getattr(event, field))


def _count(field: str, title: str) -> Column:
    return _column(
        field,
        title,
        lambda event, _: tokens(getattr(event, field)),
        lambda event: getattr(event, field),
        is_number=True,
    )


def _duration(field: str, title: str) -> Column:
    return _column(
        field,
        title,
        lambda event, _: milliseconds(getattr(event, field)),
        lambda event: getattr(event, field),
        is_number=True,
    )


def _status(event: Event, _: str) -> Markup:
    kind = ("", " bad", " bad", " warn")[event.status]
    return _STATUS % (kind, STATUSES[event.status])


def _cost(event: Event, _: str) -> Markup:
    status = CostStatus(event.cost_status)
    if event.cost_pico is None:
        return _UNKNOWN % COST_STATUS_TEXTS[status]
    if status is CostStatus.PARTIAL:
        return Markup(
            '{}<span class="partial" title="a lower bound: priced in part"> + ?</span>'
        ).format(usd_each(event.cost_pico))
    return usd_each(event.cost_pico)


def _cost_usd(event: Event) -> str | None:
    return None if event.cost_pico is None else usd_text(event.cost_pico)


def _customer(event: Event, _: str) -> str:
    if event.customer_id is None:
        return NOTHING
    return _named(event.customer_name or event.customer_id, event.customer_id)


COLUMNS = {
    column.name: column
    for column in (
        _column(
            "time",
            "Time",
            lambda event, zone: moment(event.timestamp_ms, zone),
            lambda event: rfc3339(event.timestamp_ms),
        ),
        _column("status", "Status", _status, lambda event: STATUSES[event.status]),
        _text("provider", "Provider"),
        _text("model", "Model"),
        _text("feature", "Feature"),
        Column(
            "customer",
            "Customer",
            _customer,
            (
                ("customer", lambda event: event.customer_id),
                ("customer_name", lambda event: event.customer_name),
            ),
        ),
        _text("key_name", "Key", "key"),
        _text("environment", "Environment"),
        _text("source", "Source"),
        _count("input_tokens", "Input"),
        _count("cache_read_tokens", "Cached"),
        _count("cache_write_tokens", "Cache written"),
        _count("output_tokens", "Output"),
        _count("reasoning_tokens", "Reasoning"),
        Column(
            "cost",
            "Cost",
            _cost,
            (("cost_usd", _cost_usd),),
            is_number=True,
        ),
        _column(
            "cost_status",
            "Pricing",
            lambda event, _: COST_STATUS_TEXTS[CostStatus(event.cost_status)],
            lambda event: CostStatus(event.cost_status).label,
        ),
        _duration("latency_ms", "Latency"),
        _duration("ttft_ms", "First token"),
        _text("service_tier", "Tier"),
        _text("operation", "Operation"),
        _text("response_id", "Response"),
        _column(
            "id",
            "Id",
            lambda event, _: Markup("<code>{}</code>").format(uuid_of(event)),
            uuid_of,
        ),
    )
}
DEFAULT_COLUMNS = (
    *("time", "status", "model", "feature", "customer"),
    *("input_tokens", "output_tokens", "cost", "latency_ms"),
)


def tag_columns(names: Iterable[str]) -> dict[str, Column]:
    """Of tracked tags; one whose name has a comma cannot be chosen."""
    return {name: _tag(name) for name in names if "," not in name}


@lru_cache(maxsize=256)  # so that the same column is equal to itself
def _tag(name: str) -> Column:
    key = key_of(name) or ""

    def value(event: Event) -> str | None:
        [found] = tag_values(event.metadata or "{}", [key])
        return found

    return _column(name, dimension_title(name), lambda event, _: _named(value(event)), value)


def unknown_columns(text: str, tags: Iterable[str] = ()) -> list[str]:
    """Which of the names in a list of columns are none."""
    known = COLUMNS | tag_columns(tags)
    return [name for name in dict.fromkeys(text.split(",")) if name and name not in known]


def chosen_columns(text: str, tags: Iterable[str] = ()) -> tuple[Column, ...]:
    """Columns by their names with commas between; unknown ones are left out."""
    known = COLUMNS | tag_columns(tags)
    names = [name for name in dict.fromkeys(text.split(",")) if name in known]
    return tuple(known[name] for name in names or DEFAULT_COLUMNS)
