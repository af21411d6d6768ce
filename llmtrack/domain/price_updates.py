"""From the price list that holds and a newer one: what changes, and what is held back.

Held back are changes that are more often a mistake of the feed than a price: a rate that
becomes or stops being 0, that moves more than tenfold, that is gone, and rows that are gone.
They are taken over only when a person names the model. Rows are never dropped: events of the
past have to be priced, too.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple

import msgspec

from llmtrack.domain.costs import CostFlag
from llmtrack.domain.price_list import (
    Clause,
    Constraint,
    ListedModel,
    ListedProvider,
    PriceList,
    RefusedRow,
    tier_starts,
)
from llmtrack.domain.price_schedule import Ask, Schedule

MOVE_MAX = 10
DOUBTS_TOLD_MAX = 4
OLD_AFTER_DAYS = 45
_TIERS = ("", "batch", "flex", "priority", "fast")


class RateChange(NamedTuple):
    since: date
    tier: str
    above_tokens: int
    key: str
    before: Decimal | None
    after: Decimal | None

    @property
    def name(self) -> str:
        return f"{self.tier} {self.key}".lstrip()

    @property
    def is_gone(self) -> bool:
        return self.before is not None and self.after is None

    @property
    def crosses_zero(self) -> bool:
        before, after = self.before, self.after
        return before is not None and after is not None and (before == 0) != (after == 0)

    @property
    def leaps(self) -> bool:
        if not self.before or not self.after:
            return False
        return not Decimal(1) / MOVE_MAX <= self.after / self.before <= MOVE_MAX


class RowChange(NamedTuple):
    kind: str
    """`added`, `changed`, `removed`, or `names`: the rates are the same."""
    provider: str
    model: str
    rates: tuple[RateChange, ...] = ()
    held_back: str | None = None
    """Why, the worst first; naming the model takes all of it over. None: it is taken over."""

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"


class Update(NamedTuple):
    merged: PriceList
    changes: tuple[RowChange, ...]
    refused: tuple[RefusedRow, ...]
    """Rows of the newer list that we cannot price exactly; what held before still holds."""

    @property
    def held_back(self) -> list[str]:
        return [change.name for change in self.changes if change.held_back]


def planned_update(
    before: PriceList, after: PriceList, *, today: date, forced: Collection[str] = ()
) -> Update:
    """`forced` names the models (`provider/model`) whose doubtful changes are taken over."""
    changes: list[RowChange] = []
    providers = [
        _merged(provider, _provider(before, provider.id), changes, today, forced)
        for provider in after.providers
    ]
    gone = [p for p in before.providers if _provider(after, p.id) is None]
    for provider in gone:
        empty = msgspec.structs.replace(provider, models=())
        providers.append(_merged(empty, provider, changes, today, forced))
    merged = msgspec.structs.replace(after, providers=tuple(providers), refused=())
    refused = {(row.provider, row.model) for row in after.refused}
    told = [change for change in changes if (change.provider, change.model) not in refused]
    return Update(merged, tuple(told), after.refused)


def newest_price_date(prices: PriceList, today: date) -> date | None:
    """The youngest price in force: an old one in a young file tells of a frozen feed."""
    dates = [day for p in prices.providers for row in p.models for day in _start_dates(row)]
    return max((day for day in dates if day <= today), default=None)


def _merged(
    new: ListedProvider,
    old: ListedProvider | None,
    changes: list[RowChange],
    today: date,
    forced: Collection[str],
) -> ListedProvider:
    old_rows = {row.id: row for row in old.models} if old else {}
    listed = {name for row in new.models for name in _names(row.match)}
    rows = []
    for newer in new.models:
        before = old_rows.pop(newer.id, None)
        row = newer if before is None else _with_names_of(before, newer, listed)
        change = _change(new.id, before, row, today)
        if change is None:
            rows.append(row)
            continue
        if change.held_back and change.name in forced:
            change = change._replace(held_back=None)
        changes.append(change)
        rows.append(before if change.held_back and before else row)
    for row in old_rows.values():
        change = RowChange("removed", new.id, row.id, held_back="rows are never dropped")
        if change.name in forced:
            changes.append(change._replace(held_back=None))
            continue
        changes.append(change)
        rows.append(row)
    return msgspec.structs.replace(new, models=tuple(rows))


def _change(
    provider: str, before: ListedModel | None, after: ListedModel, today: date
) -> RowChange | None:
    if before is None:
        return RowChange("added", provider, after.id)
    if _without_comments(before) == _without_comments(after):
        return None
    rates = tuple(_rate_changes(provider, before, after, today))
    if not rates and before.free == after.free:
        return RowChange("names", provider, after.id)
    doubts = list(dict.fromkeys(_doubts(rates)))
    if before.free != after.free:
        doubts.insert(0, "it becomes free" if after.free else "it is free no more")
    if len(doubts) > DOUBTS_TOLD_MAX:
        doubts[DOUBTS_TOLD_MAX:] = [f"and {len(doubts) - DOUBTS_TOLD_MAX} more doubts"]
    return RowChange("changed", provider, after.id, rates, "; ".join(doubts) or None)


def _doubts(rates: Sequence[RateChange]) -> Iterator[str]:
    """The worst first; a service tier that is gone with all its rates is one doubt."""
    for rate in rates:
        if rate.crosses_zero:
            yield f"{rate.name} goes from {rate.before} to {rate.after}"
    for rate in rates:
        if rate.leaps:
            yield (
                f"{rate.name} moves more than {MOVE_MAX} times, from {rate.before} to {rate.after}"
            )
    gone = {rate.key for rate in rates if rate.is_gone and not rate.tier}
    yield from (f"{key} is gone" for key in sorted(gone))
    for rate in rates:
        # A tier takes the standard rate where it has none: this one is not known any more.
        if rate.is_gone and rate.key not in gone:
            yield f"service tier {rate.tier} is gone"


def _rate_changes(
    provider: str, before: ListedModel, after: ListedModel, today: date
) -> Iterator[RateChange]:
    """Wherever a request may meet another rate: each start, tier and size; each change once."""
    schedules = [Schedule("", provider, row) for row in (before, after)]
    instants = sorted({*_instants(before, today), *_instants(after, today)})
    sizes = sorted({0, *_sizes(before), *_sizes(after)})
    seen: set[tuple[str, str, Decimal | None, Decimal | None]] = set()
    for at in instants:
        for tier in _TIERS:
            for size in sizes:
                ask = Ask(int(at.timestamp()) * 1000, tier, size + 1 if size else 0)
                old, new = (_rates(schedule, ask) for schedule in schedules)
                if old is None and new is None:
                    continue
                old, new = old or {}, new or {}
                for key in sorted(old.keys() | new.keys()):
                    change = (tier, key, old.get(key), new.get(key))
                    if change[2] != change[3] and change not in seen:
                        seen.add(change)
                        yield RateChange(at.date(), tier, size, *change[1:])


def _rates(schedule: Schedule, ask: Ask) -> dict[str, Decimal] | None:
    """None where the row has nothing to say of the service tier."""
    found = schedule.select(ask)
    if ask.tier and found.flags & CostFlag.TIER_IGNORED:
        return None
    return {} if found.card is None else {key: Decimal(text) for key, text in found.card.rates}


def _instants(row: ListedModel, today: date) -> Iterator[datetime]:
    """The start of every day and hour at which the row changes, and of today."""
    hours = [time()]
    hours += [c.start_time for c in _constraints(row) if c.start_time is not None]
    for day in (today, *_start_dates(row)):
        for hour in hours:
            yield datetime.combine(day, hour.replace(tzinfo=UTC))


def _start_dates(row: ListedModel) -> Iterator[date]:
    for constraint in _constraints(row):
        if constraint.start_date is not None:
            yield constraint.start_date


def _constraints(row: ListedModel) -> Iterator[Constraint]:
    found = [window.constraint for window in row.windows]
    found += [variant.constraint for variant in row.price_variants or ()]
    yield from (constraint for constraint in found if constraint is not None)


def _with_names_of(before: ListedModel, after: ListedModel, listed: set[str]) -> ListedModel:
    """The newer row, and the names of the older one that no row lists any more."""
    lost = [name for name in _names(before.match) if name not in listed]
    if not lost:
        return after
    clauses = [*({"equals": name} for name in dict.fromkeys(lost)), after.match]
    return msgspec.structs.replace(after, match={"or": clauses})


def _names(clause: Clause) -> Iterator[str]:
    for kind, value in clause.items():
        if kind == "equals":
            yield value
        elif kind == "or":
            for part in value:
                yield from _names(part)


def _without_comments(row: ListedModel) -> ListedModel:
    return msgspec.structs.replace(row, price_comments=None)


def _sizes(row: ListedModel) -> Iterator[int]:
    records = [window.prices for window in row.windows]
    records += [variant.prices for variant in row.price_variants or ()]
    for prices in records:
        yield from tier_starts(prices)


def _provider(prices: PriceList, provider_id: str) -> ListedProvider | None:
    return next((p for p in prices.providers if p.id == provider_id), None)
