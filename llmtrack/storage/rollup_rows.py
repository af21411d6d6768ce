"""Reads sums from the rollups: the rows by one dimension, and those by two.

A table's key is workspace, kind, bucket, value: what is wanted of one value is looked up bucket
by bucket, never sifted from the rows of all the others.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple

from llmtrack.domain.spans import Buckets
from llmtrack.storage.dimensions import MEASURES, Tag
from llmtrack.storage.marked_days import read_marked
from llmtrack.storage.packs import Shelf, read_packs, shelf_of, unpack_rows, unpack_sums
from llmtrack.storage.questions import Flat, Pair, Plan
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import COSTS, WHOLE, Measured, S, Sums, sums_of


class UsageOf(NamedTuple, Generic[S]):
    """The sums of one value in one bucket (a day, a quarter, or 0 for the whole)."""

    bucket: int
    value: int | None
    sums: S


PairSums = tuple[int, int | None, Sums]
"""A value of one dimension, one of another, and what both have in common."""
_make = tuple.__new__  # as in `sums`


class RollupSums(NamedTuple):
    packed: Mapping[int, Sums]
    """By value, of the days that have packs."""
    rows: list[UsageOf[Sums]]


class Trend(NamedTuple, Generic[S]):
    days: list[UsageOf[S]]
    quarters: list[UsageOf[S]]
    """Those of one bucket may be added up: `bucket` is the first of them."""


class _Way(NamedTuple):
    """How rows `u` of a table are found, and which column has the value that is asked for."""

    tables: str
    value: str
    where: str
    is_of_many: bool = False
    """Whether several rows are of one bucket and value."""

    def days(self, names: Sequence[str]) -> str:
        """One row for each bucket and value."""
        if self.is_of_many:
            return self.sums("u.bucket", "1, 2", names)
        measures = ", ".join(f"u.{name}" for name in names)
        return self._sql("u.bucket", measures, "and u.events > 0")

    def quarters(self, names: Sequence[str]) -> str:
        """One row for each value and `:width` neighbouring quarters, counted from `:origin`."""
        together = "(u.bucket - :origin) / :width"
        return self.sums("min(u.bucket)", f"{together}, 2", names)

    def sums(self, first: str = "0", groups: str = "2", names: Sequence[str] = MEASURES) -> str:
        """Rows added up, for each value and what else `groups` says."""
        measures = ", ".join(f"sum(u.{name})" for name in names)
        return self._sql(first, measures, f"group by {groups}\nhaving sum(u.events) > 0")

    def _sql(self, first: str, measures: str, rest: str) -> str:
        return f"""
-- rollup_rows.read_rollups
select {first}, {self.value}, {measures}
from {self.tables}
where u.workspace_id = :workspace_id
  and u.kind = :kind
  and {self.where}
{rest}
"""  # noqa: S608 - names of tables and columns


_BUCKETS = "json_each(:buckets) b"
_CHOSEN = "json_each(:chosen) c"
_VALUES = "json_each(:values) v"
_WITHIN = "u.bucket >= :first and u.bucket < :end"
_IN_BUCKET = "u.bucket = b.value"
_FIRST_OF_DAY = "d.workspace_id = :workspace_id and d.kind = :first_kind and d.bucket = b.value"
_WAYS = {
    "days": _Way(f"{_BUCKETS} cross join usage_day u", "u.value", _IN_BUCKET),
    "chosen days": _Way(
        f"{_BUCKETS} cross join {_CHOSEN} cross join usage_day u",
        "u.value",
        f"{_IN_BUCKET} and u.value = c.value",
    ),
    "quarters": _Way("usage_quarter u", "u.value", _WITHIN),
    "chosen quarters": _Way(
        "usage_quarter u",
        "u.value",
        f"{_WITHIN} and u.value in (select value from json_each(:chosen))",  # noqa: S608 - ours
    ),
    "one in quarters": _Way(
        f"{_BUCKETS} cross join usage_quarter u", "u.value", f"{_IN_BUCKET} and u.value = :value"
    ),
    "first": _Way(
        f"{_BUCKETS} cross join usage_pair_day u", "u.other", f"{_IN_BUCKET} and u.value = :value"
    ),
    "chosen of first": _Way(
        f"{_BUCKETS} cross join {_CHOSEN} cross join usage_pair_day u",
        "u.other",
        f"{_IN_BUCKET} and u.value = :value and u.other = c.value",
    ),
    "firsts": _Way(
        f"{_BUCKETS} cross join {_VALUES} cross join usage_pair_day u",
        "u.other",
        f"{_IN_BUCKET} and u.value = v.value",
        is_of_many=True,
    ),
    "chosen of firsts": _Way(
        f"{_BUCKETS} cross join {_VALUES} cross join {_CHOSEN} cross join usage_pair_day u",
        "u.other",
        f"{_IN_BUCKET} and u.value = v.value and u.other = c.value",
        is_of_many=True,
    ),
    # Which first values a day has is known from the rows by one dimension.
    "other": _Way(
        f"{_BUCKETS} cross join usage_day d cross join usage_pair_day u",
        "u.value",
        f"{_FIRST_OF_DAY} and {_IN_BUCKET} and u.value = d.value and u.other = :value",
    ),
    "others": _Way(
        f"{_BUCKETS} cross join usage_day d cross join {_VALUES} cross join usage_pair_day u",
        "u.value",
        f"{_FIRST_OF_DAY} and {_IN_BUCKET} and u.value = d.value and u.other = v.value",
        is_of_many=True,
    ),
    "chosen of other": _Way(
        f"{_BUCKETS} cross join {_CHOSEN} cross join usage_pair_day u",
        "u.value",
        f"{_IN_BUCKET} and u.value = c.value and u.other = :value",
    ),
}
SUMMED = {name: way.sums() for name, way in _WAYS.items()}
_QUARTERLY = ("quarters", "chosen quarters", "one in quarters")
TRENDS = {
    of.measures: {
        name: (way.quarters if name in _QUARTERLY else way.days)(of.measures)
        for name, way in _WAYS.items()
    }
    for of in (WHOLE, COSTS)
}
OF_EACH = {
    "first": _WAYS["firsts"].sums("v.value", "1, 2"),
    "other": _WAYS["others"].sums("v.value", "1, 2"),
}
"""Of several values of one side of a pair, and which side that is."""


async def read_rollups(reading: ScopedReading, planned: Plan) -> RollupSums:
    """The plan's packs, day rows and quarter rows, all of a value added up."""
    found = planned.route
    packs: list[bytes] = []
    rows: list[UsageOf[Sums]] = []
    if found is None:
        return RollupSums({}, [])
    if planned.days is not None:
        left: dict[tuple[int, ...], list[int | None]] = defaultdict(list)
        for value in _values_of(found):
            buckets: Sequence[int] = range(*planned.days)
            shelf = _shelf_of(found, value)
            if shelf is not None:
                of_value, buckets = await read_packs(reading, shelf, planned.days)
                packs += of_value
            left[tuple(buckets)].append(value)
        for numbers, of_values in left.items():
            way, values = _of_days(found, of_values, None)
            days: Sequence[int] = numbers
            if _shelf_of(found, of_values[0]) is not None:
                marked, days = await read_marked(reading, SUMMED[way], values, days, first=1)
                packs += [marked] if marked else []
            if days:
                rows += await _read(reading, SUMMED[way], values, days, WHOLE)
    for span in planned.quarters:
        way, values = _of_quarters(found, None)
        rows += await _read(reading, SUMMED[way], values, range(*span), WHOLE)
    return RollupSums(unpack_sums(packs), rows)


async def read_trend(
    reading: ScopedReading,
    planned: Plan,
    buckets: Buckets,
    chosen: Sequence[int] | None,
    of: Measured[S],
) -> Trend[S]:
    """The plan's day rows, and its quarter rows added up as far as the buckets let them be.

    `chosen`: the values; None for all.
    """
    found, trend = planned.route, Trend[S]([], [])
    if found is None:
        return trend
    statements = TRENDS[of.measures]
    if planned.days is not None:
        way, values = _of_days(found, list(_values_of(found)), chosen)
        days: Sequence[int] = range(*planned.days)
        if _is_of_packs(found):
            marked, days = await read_marked(reading, statements[way], values, days)
            if marked is not None:
                known = unpack_rows(marked, 2 + len(of.measures))
                trend.days.extend(_usage_of(known, of))
        if days:
            trend.days.extend(await _read(reading, statements[way], values, days, of))
    for span in planned.quarters:
        origin, width = buckets.quarters_together
        way, values = _of_quarters(found, chosen)
        values |= {"origin": origin, "width": width}
        trend.quarters.extend(await _read(reading, statements[way], values, range(*span), of))
    return trend


async def read_pairs(
    reading: ScopedReading, found: Pair, days: tuple[int, int], values: Sequence[int]
) -> list[PairSums]:
    """The rows of each of some values on the side that the pair is of, all days added up."""
    rows = await reading.rows(
        OF_EACH["first" if found.filters_first else "other"],
        kind=found.code,
        first_kind=found.first_kind,
        buckets=json.dumps(list(range(*days))),
        values=json.dumps(list(values)),
    )
    return [(row[0], row[1], sums_of(row, 2)) for row in rows]


def _is_of_packs(found: Flat | Pair) -> bool:
    """Whether who changes its rows drops the packs of their day, which those of tags do not say."""
    return not isinstance(found.kind if isinstance(found, Flat) else found.first_kind, Tag)


def _values_of(found: Flat | Pair) -> Sequence[int | None]:
    return [found.value] if isinstance(found, Flat) else found.values


def _shelf_of(found: Flat | Pair, value: int | None) -> Shelf | None:
    if isinstance(found, Flat):
        return shelf_of(found.kind, None) if value is None else None
    return shelf_of(found.code, value) if found.filters_first else None


def _of_days(
    found: Flat | Pair, of_values: Sequence[int | None], chosen: Sequence[int] | None
) -> tuple[str, dict[str, Any]]:
    """The way to the rows of some values, and what it needs to know."""
    [value, *more] = of_values
    if isinstance(found, Flat) and value is not None:
        chosen = [value]
    values: dict[str, Any] = {"chosen": None if chosen is None else json.dumps(list(chosen))}
    if isinstance(found, Flat):
        values["kind"] = found.kind
        return ("days" if chosen is None else "chosen days"), values
    side = ("firsts" if more else "first") if found.filters_first else "other"
    values |= {"kind": found.code, "value": value, "first_kind": found.first_kind}
    values["values"] = json.dumps(of_values)
    return (side if chosen is None else f"chosen of {side}"), values


def _of_quarters(found: Flat | Pair, chosen: Sequence[int] | None) -> tuple[str, dict[str, Any]]:
    assert isinstance(found, Flat)  # noqa: S101 - pairs are kept per day only
    if found.value is not None:
        return "one in quarters", {"kind": found.kind, "value": found.value}
    if chosen is not None:
        return "chosen quarters", {"kind": found.kind, "chosen": json.dumps(list(chosen))}
    return "quarters", {"kind": found.kind}


async def _read(
    reading: ScopedReading,
    sql: str,
    values: dict[str, Any],
    buckets: Sequence[int],
    of: Measured[S],
) -> list[UsageOf[S]]:
    if ":buckets" in sql:
        values = {**values, "buckets": json.dumps(list(buckets))}
    else:
        values = {**values, "first": buckets[0], "end": buckets[-1] + 1}
    return _usage_of(await reading.rows(sql, **values), of)


def _usage_of(rows: Iterable[Sequence[Any]], of: Measured[S]) -> list[UsageOf[S]]:
    make = of.make
    return [_make(UsageOf, (row[0], row[1], make(row, 2))) for row in rows]
