"""Rollups: what a batch of events adds to the sums, one upsert for each row it touches.

A row's measures travel as one big integer of 64-bit fields, because adding two of those is
one operation where adding fourteen columns would be fourteen. Fields never overflow into
each other: a count is at most 10^12 (`domain.usage`) and a batch at most some thousands.
"""

import sqlite3
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter

from llmtrack.domain.latency import latency_step
from llmtrack.domain.money import split_pico
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.pricing import CostStatus
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    LATENCY_KINDS,
    MEASURES,
    PAIRS,
    QUARTER_KINDS,
    pair_code,
)
from llmtrack.storage.event_rows import EventRow

_FIELDS = struct.Struct(f"<{len(MEASURES)}q")
_SUMS = ", ".join(f"{name} = {name} + excluded.{name}" for name in MEASURES)


def _upsert(table: str, keys: tuple[str, ...]) -> str:
    columns = (*keys, *MEASURES)
    marks = ", ".join("?" * len(columns))
    return (
        f"insert into {table} ({', '.join(columns)}) values ({marks})"  # noqa: S608 - constants
        f" on conflict do update set {_SUMS}"
    )


_BUCKET_KEYS = ("workspace_id", "kind", "bucket", "value")
ADD_USAGE_QUARTER = _upsert("usage_quarter", _BUCKET_KEYS)
ADD_USAGE_DAY = _upsert("usage_day", _BUCKET_KEYS)
ADD_USAGE_PAIR_DAY = _upsert("usage_pair_day", (*_BUCKET_KEYS, "other"))
ADD_LATENCY_QUARTER = """
insert into latency_quarter (workspace_id, kind, bucket, value, step, events)
values (?, ?, ?, ?, ?, ?)
on conflict do update set events = events + excluded.events
"""
ADD_LATENCY_DAY = """
insert into latency_day (workspace_id, kind, bucket, value, step, events)
values (?, ?, ?, ?, ?, ?)
on conflict do update set events = events + excluded.events
"""

_UNKNOWN_USAGE = frozenset(
    {CostStatus.NO_USAGE, CostStatus.INSUFFICIENT_USAGE, CostStatus.INVALID_USAGE}
)


_Values = tuple[int | None, ...]
# Places in the tuple that `_values` makes: one for each of DAY_KINDS, whose codes run 0..8.
_PAIR_PLACES = tuple((pair_code(a, b), int(a), int(b)) for a, b in PAIRS)
_QUARTER_PLACES = tuple(map(int, QUARTER_KINDS))
_DAY_PLACES = tuple(map(int, DAY_KINDS))
_LATENCY_PLACES = tuple(map(int, LATENCY_KINDS))


def _values(event: EventRow) -> _Values:
    """The event's value in every dimension, placed by `Kind`."""
    return (
        0,
        event.provider_id,
        event.model_id,
        event.feature_id,
        event.key_id,
        event.environment_id,
        event.status,
        event.source_id,
        event.customer_id,
    )


def _packed_measures(event: EventRow) -> int:
    cost_micro, cost_rest = split_pico(event.cost_pico or 0)
    status, cost_status = event.status, event.cost_status
    return int.from_bytes(
        _FIELDS.pack(
            1,
            status == 1,
            status == 2,
            status == 3,
            event.input_tokens or 0,
            event.cache_read_tokens or 0,
            event.cache_write_tokens or 0,
            event.output_tokens or 0,
            event.reasoning_tokens or 0,
            cost_micro,
            cost_rest,
            cost_status == CostStatus.UNPRICED,
            cost_status == CostStatus.PARTIAL,
            cost_status in _UNKNOWN_USAGE,
        ),
        "little",
    )


class _Sums:
    """What some events add up to, keyed like the rows they belong to."""

    def __init__(self) -> None:
        self.quarter: dict[tuple[int, ...], int] = defaultdict(int)
        self.day: dict[tuple[int, ...], int] = defaultdict(int)
        self.pair: dict[tuple[int, ...], int] = defaultdict(int)
        self.latency_quarter: Counter[tuple[int, ...]] = Counter()
        self.latency_day: Counter[tuple[int, ...]] = Counter()

    def add(self, event: EventRow, day: int) -> None:
        packed = _packed_measures(event)
        values = _values(event)
        workspace_id, quarter = event.workspace_id, event.timestamp_ms // QUARTER_MS
        for kind in _QUARTER_PLACES:
            self.quarter[workspace_id, kind, quarter, values[kind]] += packed  # type: ignore[index]
        for kind in _DAY_PLACES:
            if (value := values[kind]) is not None:
                self.day[workspace_id, kind, day, value] += packed
        for code, first, second in _PAIR_PLACES:
            if (other := values[second]) is not None:
                self.pair[workspace_id, code, day, values[first], other] += packed  # type: ignore[index]
        if event.latency_ms is not None:
            self._add_latency(event, values, quarter, day)

    def _add_latency(self, event: EventRow, values: _Values, quarter: int, day: int) -> None:
        step = latency_step(event.latency_ms or 0)
        for kind in _LATENCY_PLACES:
            value = values[kind] or 0
            self.latency_quarter[event.workspace_id, kind, quarter, value, step] += 1
            self.latency_day[event.workspace_id, kind, day, value, step] += 1


class Rollups:
    """Collects a transaction's changes to the rollups and writes them before its commit."""

    def __init__(self, day_of: Callable[[int, int], int]) -> None:
        """`day_of(workspace_id, timestamp_ms)`: the day of the workspace's zone."""
        self._day_of = day_of
        self._added = _Sums()
        self._removed = _Sums()

    def add(self, event: EventRow) -> None:
        self._added.add(event, self._day_of(event.workspace_id, event.timestamp_ms))

    def remove(self, event: EventRow) -> None:
        self._removed.add(event, self._day_of(event.workspace_id, event.timestamp_ms))

    def write(self, connection: sqlite3.Connection) -> None:
        for sums, sign in ((self._added, 1), (self._removed, -1)):
            connection.executemany(ADD_USAGE_QUARTER, _usage_rows(sums.quarter, sign))
            connection.executemany(ADD_USAGE_DAY, _usage_rows(sums.day, sign))
            connection.executemany(ADD_USAGE_PAIR_DAY, _usage_rows(sums.pair, sign))
            connection.executemany(ADD_LATENCY_QUARTER, _latency_rows(sums.latency_quarter, sign))
            connection.executemany(ADD_LATENCY_DAY, _latency_rows(sums.latency_day, sign))
        self._added = _Sums()
        self._removed = _Sums()


def _usage_rows(sums: dict[tuple[int, ...], int], sign: int) -> Iterable[tuple[int, ...]]:
    # In key order, so that neighbours in the B-tree are written together.
    for key, packed in sorted(sums.items(), key=itemgetter(0)):
        fields = _FIELDS.unpack(packed.to_bytes(_FIELDS.size, "little"))
        yield key + (fields if sign == 1 else tuple(-field for field in fields))


def _latency_rows(counts: Counter[tuple[int, ...]], sign: int) -> Iterable[tuple[int, ...]]:
    for key, count in sorted(counts.items()):
        yield (*key, sign * count)
