"""Rollups: what a batch of events adds to the sums, one upsert for each row it touches.

A row's measures travel as one big integer of 64-bit fields, because adding two of those is
one operation where adding fourteen columns would be fourteen. Fields never overflow into
each other: a count is at most 10^12 (`domain.usage`) and a batch at most some thousands.
"""

import sqlite3
import struct
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from llmtrack.domain.latency import latency_step
from llmtrack.domain.money import split_pico
from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.pricing import CostStatus
from llmtrack.storage.counting import Counting
from llmtrack.storage.dimensions import (
    DAY_KINDS,
    LATENCY_DAY_KINDS,
    LATENCY_QUARTER_KINDS,
    MEASURES,
    PAIRS,
    Kind,
    Tag,
    pair_code,
)
from llmtrack.storage.dropped_packs import drop_packs
from llmtrack.storage.event_rows import EventRow
from llmtrack.storage.many_rows import ManyRows
from llmtrack.storage.tag_sums import TagSums, told_of

_FIELDS = struct.Struct(f"<{len(MEASURES)}q")
_SUMS = ", ".join(f"{name} = {name} + excluded.{name}" for name in MEASURES)
_BUCKET_KEYS = ("workspace_id", "kind", "bucket", "value")


def _upsert(table: str, *keys: str) -> ManyRows:
    rest = f"on conflict do update set {_SUMS}"
    return ManyRows("rollups.write", table, (*keys, *MEASURES), rest)


def _upsert_latency(table: str) -> ManyRows:
    rest = "on conflict do update set events = events + excluded.events"
    return ManyRows("rollups.write", table, (*_BUCKET_KEYS, "step", "events"), rest)


ADD_USAGE_QUARTER = _upsert("usage_quarter", *_BUCKET_KEYS)
ADD_USAGE_DAY = _upsert("usage_day", *_BUCKET_KEYS)
ADD_USAGE_PAIR_DAY = _upsert("usage_pair_day", *_BUCKET_KEYS, "other")
ADD_LATENCY_QUARTER = _upsert_latency("latency_quarter")
ADD_LATENCY_DAY = _upsert_latency("latency_day")

_UNKNOWN_USAGE = frozenset(
    {CostStatus.NO_USAGE, CostStatus.INSUFFICIENT_USAGE, CostStatus.INVALID_USAGE}
)


def _values(event: EventRow) -> tuple[int, ...]:
    """The event's value in each of QUARTER_KINDS, whose codes are its places."""
    return (
        0,
        event.provider_id,
        event.model_id,
        event.feature_id,
        event.key_id,
        event.environment_id,
        event.status,
        event.source_id,
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
            cost_status == _UNPRICED,
            cost_status == _PARTIAL,
            cost_status in _UNKNOWN_USAGE,
        ),
        "little",
    )


_UNPRICED, _PARTIAL = int(CostStatus.UNPRICED), int(CostStatus.PARTIAL)


class _Bucket:
    """What events of one workspace add to one quarter or one day.

    Events that are alike but for their customer and counts, as most of a batch are, are added
    up once before they are spread over the dimensions and pairs.
    """

    __slots__ = ("alike", "customers", "latencies")

    def __init__(self) -> None:
        self.alike: dict[tuple[int, ...], int] = defaultdict(int)  # by QUARTER_KINDS
        self.customers: dict[tuple[int, int, int], int] = defaultdict(int)  # model, feature, it
        self.latencies: dict[tuple[int, int, int], int] = defaultdict(int)  # model, feature, step

    def value_sums(self) -> list[dict[int, int]]:
        """Sums by value, one dictionary for each of DAY_KINDS."""
        found: list[dict[int, int]] = [defaultdict(int) for _ in DAY_KINDS]
        for values, packed in self.alike.items():
            for sums, value in zip(found, values, strict=False):
                sums[value] += packed
        for (_, _, customer), packed in self.customers.items():
            found[Kind.CUSTOMER][customer] += packed
        return found

    def pair_sums(self) -> list[dict[tuple[int, int], int]]:
        """Sums by two values, one dictionary for each of PAIRS."""
        found: list[dict[tuple[int, int], int]] = [defaultdict(int) for _ in PAIRS]
        plain = [
            (sums, first, second)
            for sums, (first, second) in zip(found, PAIRS, strict=True)
            if second is not Kind.CUSTOMER
        ]
        for values, packed in self.alike.items():
            for sums, first, second in plain:
                sums[values[first], values[second]] += packed
        by_model = found[PAIRS.index((Kind.MODEL, Kind.CUSTOMER))]
        by_feature = found[PAIRS.index((Kind.FEATURE, Kind.CUSTOMER))]
        for (model, feature, customer), packed in self.customers.items():
            by_model[model, customer] += packed
            by_feature[feature, customer] += packed
        return found

    def latency_counts(self, kinds: tuple[Kind, ...]) -> dict[tuple[int, int, int], int]:
        """Events by kind, value and step."""
        found: dict[tuple[int, int, int], int] = defaultdict(int)
        places = [(int(kind), (Kind.MODEL, Kind.FEATURE).index(kind)) for kind in kinds if kind]
        for key, count in self.latencies.items():
            found[int(Kind.TOTAL), 0, key[2]] += count
            for kind, place in places:
                found[kind, key[place], key[2]] += count
        return found


class _Place(NamedTuple):
    """Where events of one quarter are added up, and by which tags."""

    of_quarter: _Bucket
    of_day: _Bucket
    day: int
    tags: tuple[Tag, ...]


class _Sums:
    """What some events add up to, by workspace and bucket."""

    def __init__(self, counting_of: Callable[[int], Counting]) -> None:
        self._counting_of = counting_of
        self._places: dict[tuple[int, int], _Place] = {}
        self.quarters: dict[tuple[int, int], _Bucket] = {}
        self.days: dict[tuple[int, int], _Bucket] = {}
        self.tags = TagSums()

    def add(self, event: EventRow) -> None:
        workspace_id, quarter = event.workspace_id, event.timestamp_ms // QUARTER_MS
        places = self._places.get((workspace_id, quarter))
        if places is None:
            places = self._place(workspace_id, quarter, event.timestamp_ms)
        of_quarter, of_day, day, tags = places
        packed = _packed_measures(event)
        values = _values(event)
        of_quarter.alike[values] += packed
        of_day.alike[values] += packed
        model, feature = event.model_id, event.feature_id
        if event.customer_id is not None:
            of_day.customers[model, feature, event.customer_id] += packed
        if event.latency_ms is not None:
            step = latency_step(event.latency_ms)
            of_quarter.latencies[model, feature, step] += 1
            of_day.latencies[model, feature, step] += 1
        if tags and (told := told_of(event.metadata, tags)):
            partners = (*values[1:], event.customer_id)
            self.tags.add(workspace_id, (quarter, day), told, partners, packed)

    def _place(self, workspace_id: int, quarter: int, timestamp_ms: int) -> _Place:
        counting = self._counting_of(workspace_id)
        day = counting.zone.day_of(timestamp_ms)
        of_quarter = self.quarters[workspace_id, quarter] = _Bucket()
        of_day = self.days.setdefault((workspace_id, day), _Bucket())
        tags = counting.tags_at(quarter)
        found = self._places[workspace_id, quarter] = _Place(of_quarter, of_day, day, tags)
        return found


class Rollups:
    """Collects a transaction's changes to the rollups and writes them before its commit."""

    def __init__(self, counting_of: Callable[[int], Counting]) -> None:
        """`counting_of(workspace_id)`: by whose days the workspace counts, and what."""
        self._counting_of = counting_of
        self._added = _Sums(counting_of)
        self._removed = _Sums(counting_of)

    def add(self, event: EventRow) -> None:
        self._added.add(event)

    def remove(self, event: EventRow) -> None:
        self._removed.add(event)

    def write(self, connection: sqlite3.Connection) -> None:
        for sums, sign in ((self._added, 1), (self._removed, -1)):
            if not sums.days:
                continue
            for buckets, table, latency_table, latency_kinds in (
                (sums.quarters, ADD_USAGE_QUARTER, ADD_LATENCY_QUARTER, LATENCY_QUARTER_KINDS),
                (sums.days, ADD_USAGE_DAY, ADD_LATENCY_DAY, LATENCY_DAY_KINDS),
            ):
                table.insert_flat(connection, _value_rows(buckets, sign))
                latency_table.insert_flat(connection, _latency_rows(buckets, latency_kinds, sign))
            ADD_USAGE_PAIR_DAY.insert_flat(connection, _pair_rows(sums.days, sign))
            write_tags(connection, sums.tags, sign)
            for workspace_id, day in sums.days:
                drop_packs(connection, workspace_id, (day,))
        self._added = _Sums(self._counting_of)
        self._removed = _Sums(self._counting_of)


def add_told(sums: TagSums, event: EventRow, day: int, tags: Sequence[Tag]) -> None:
    """Add an event to the sums by tags alone."""
    if told := told_of(event.metadata, tags):
        partners = (*_values(event)[1:], event.customer_id)
        buckets = (event.timestamp_ms // QUARTER_MS, day)
        sums.add(event.workspace_id, buckets, told, partners, _packed_measures(event))


def write_tags(connection: sqlite3.Connection, sums: TagSums, sign: int) -> None:
    """Into the same tables: a tag's number there is a kind like any other."""
    if not sums:
        return
    tables = (ADD_USAGE_QUARTER, ADD_USAGE_DAY, ADD_USAGE_PAIR_DAY)
    for table, rows in zip(tables, sums.resolved(connection), strict=True):
        table.insert_flat(connection, _tag_rows(rows, sign))


# In key order, so that neighbours in the B-tree are written together.


def _value_rows(buckets: dict[tuple[int, int], _Bucket], sign: int) -> list[object]:
    flat: list[object] = []
    for (workspace_id, number), bucket in sorted(buckets.items()):
        for kind, sums in enumerate(bucket.value_sums()):
            for value, packed in sorted(sums.items()):
                flat += (workspace_id, kind, number, value)
                flat += _fields(packed, sign)
    return flat


def _pair_rows(buckets: dict[tuple[int, int], _Bucket], sign: int) -> list[object]:
    flat: list[object] = []
    for (workspace_id, number), bucket in sorted(buckets.items()):
        for (first, second), sums in zip(PAIRS, bucket.pair_sums(), strict=True):
            code = pair_code(first, second)
            for key, packed in sorted(sums.items()):
                flat += (workspace_id, code, number, *key)
                flat += _fields(packed, sign)
    return flat


def _tag_rows(rows: Mapping[tuple[int, ...], int], sign: int) -> list[object]:
    flat: list[object] = []
    for key, packed in sorted(rows.items()):
        flat += key
        flat += _fields(packed, sign)
    return flat


def _latency_rows(
    buckets: dict[tuple[int, int], _Bucket], kinds: tuple[Kind, ...], sign: int
) -> list[object]:
    flat: list[object] = []
    for (workspace_id, number), bucket in sorted(buckets.items()):
        for (kind, value, step), count in sorted(bucket.latency_counts(kinds).items()):
            flat += (workspace_id, kind, number, value, step, sign * count)
    return flat


def _fields(packed: int, sign: int) -> tuple[int, ...]:
    fields = _FIELDS.unpack(packed.to_bytes(_FIELDS.size, "little"))
    return fields if sign == 1 else tuple(-field for field in fields)
