"""Puts a bill's lines and our own sums side by side, though the two spell models differently.

A bill says `gpt-4o-2024-08-06` or `Claude Haiku 3.5` where events say `gpt-4o` or
`claude-3-5-haiku-20241022`. Names are one model if the price list has one row for them, or
if they have the same parts apart from a date.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.reconciliation import (
    Billed,
    Place,
    Rates,
    Reconciliation,
    Recorded,
    Tokens,
    rates_of_card,
    reconcile,
)

ALL_MODELS = ""
_PARTS = re.compile(r"[a-z]+|\d+")
_DATE = re.compile(r"20\d{6}")


class BillEntry(NamedTuple):
    """A line of a bill. With a cost, `tokens` are the quantities that were charged for."""

    day: date
    model: str
    requests: int | None
    tokens: Tokens | None
    cost_pico: int | None


class RecordedRow(NamedTuple):
    """Our own sums of a UTC day, under the names that events gave."""

    day: date
    provider: str
    model: str
    recorded: Recorded


class _Model(NamedTuple):
    """Under which name a model is shown, and by which its price is found."""

    shown: str
    provider: str
    name: str


class _Names:
    """All spellings of the models of a bill and of our events."""

    def __init__(self, book: PriceBook, provider: str) -> None:
        self._book = book
        self._provider = provider
        self._found: dict[tuple[str, ...], _Model] = {}

    def own(self, row: RecordedRow) -> str:
        return self._named(row.provider, row.model)

    def billed(self, name: str) -> str:
        return self._named(self._provider, name) if name else ALL_MODELS

    def rates(self, place: Place) -> Rates | None:
        model = next((item for item in self._found.values() if item.shown == place.model), None)
        if model is None:
            return None
        noon = datetime.combine(place.day, time(12), UTC)
        at_ms = int(noon.timestamp()) * 1000
        card = self._book.rate_card(model.provider, model.name, at_ms=at_ms)
        return None if card is None else rates_of_card(card)

    def _named(self, provider: str, name: str) -> str:
        # Bills of some providers show names for people: Claude Opus 4.6.
        plain = re.sub(r"[\s.]+", "-", name.strip().lower()) if " " in name else name
        match = self._book.match(provider, plain)
        listed = match.model.id if match is not None else plain
        key = tuple(sorted(part for part in _PARTS.findall(listed.lower()) if _counts(part)))
        model = self._found.get(key)
        if model is None:
            model = self._found[key] = _Model(listed, provider, plain)
        return model.shown


def match_bill(
    entries: Sequence[BillEntry], rows: Iterable[RecordedRow], book: PriceBook, provider: str
) -> Reconciliation:
    """Compare the days of the bill; `provider` is whose bill it is, `""` for anybody's."""
    names = _Names(book, provider)
    is_whole = _names_no_models(entries)
    recorded: dict[Place, Recorded] = defaultdict(Recorded)
    # Our own names first: under these the price was found that the events have.
    for row in rows:
        place = Place(row.day, ALL_MODELS if is_whole else names.own(row))
        recorded[place] = recorded[place].plus(row.recorded)
    bill: dict[Place, Billed] = defaultdict(Billed)
    for entry in _counted_once(entries):
        place = Place(entry.day, ALL_MODELS if is_whole else names.billed(entry.model))
        line = Billed(entry.requests, entry.tokens, entry.cost_pico)
        bill[place] = bill[place].plus(line)
    return reconcile(bill, recorded, names.rates)


def days_of(entries: Sequence[BillEntry]) -> tuple[date, date] | None:
    """The first and the last day of the bill."""
    days = [entry.day for entry in entries]
    return (min(days), max(days)) if days else None


def _names_no_models(entries: Sequence[BillEntry]) -> bool:
    """Costs without any model can only be compared with whole days."""
    costs = [entry for entry in entries if entry.cost_pico]
    return not any(entry.model for entry in costs or entries)


def _counted_once(entries: Sequence[BillEntry]) -> list[BillEntry]:
    """A usage export counts what a cost export of the same days gives as its quantities."""
    if not any(entry.cost_pico is None and entry.tokens is not None for entry in entries):
        return list(entries)
    return [entry if entry.cost_pico is None else entry._replace(tokens=None) for entry in entries]


def _counts(part: str) -> bool:
    return part != "latest" and not _DATE.fullmatch(part)
