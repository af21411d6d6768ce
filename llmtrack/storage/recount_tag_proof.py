"""Proves quickly that a day's sums by tags are those of its events: see `recount_proof`.

All tags in one pass, because reading a value out of metadata takes longer than adding it up.
"""

from collections.abc import Sequence
from functools import cache
from itertools import combinations

from llmtrack.domain.periods import QUARTER_MS
from llmtrack.storage.dimensions import TAG_PARTNERS, Tag, pair_code
from llmtrack.storage.recount_proof import (
    HASHES,
    PRIME,
    ROW,
    STRETCH_QUARTERS,
    hashed_bucket,
    hashed_row,
    measure_of_event,
    modulo,
    rows_add_up_to,
    sum_of,
    weighed,
)
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tag_values import numbered_value


def _hashed(value: str, place: int) -> str:
    """A quadratic of the value, another one for each tag."""
    first, second = (modulo(f":t{place}{a} * {value} + :t{place}{b}") for a, b in ("ab", "cd"))
    return modulo(f"{first} * {second}")


@cache
def prove_tag_events(count: int) -> str:
    """The sums over the events of a stretch, for so many tags: three of each, one of two each."""
    values = (numbered_value(f":path{place}", f":number{place}") for place in range(count))
    # An event without the tag, or not counted yet, has no row: its hash there is 0.
    found = ", ".join(
        f"case when timestamp_ms >= :from{place} then {value} end as v{place}"
        for place, value in enumerate(values)
    )
    hashes = ", ".join(f"coalesce({_hashed(f'v{n}', n)}, 0) as t{n}" for n in range(count))
    sums = []
    for place in range(count):
        both = modulo(f"t{place} * {modulo(sum_of(TAG_PARTNERS))}")
        sums += [f"{modulo('g * m')} * t{place}", f"m * t{place}", f"m * {both}"]
    sums += [f"m * {modulo(f't{a} * t{b}')}" for a, b in combinations(range(count), 2)]
    # The limits are none: they have SQLite compute a number once, not wherever it is used.
    return f"""
-- recount_tag_proof.prove_tags
select {", ".join(f"coalesce(sum({modulo(each)}), 0)" for each in sums)}
from (
  select *, {hashes}
  from (
    select
      {HASHES},
      {hashed_bucket(f"timestamp_ms / {QUARTER_MS}")} as g,
      {weighed(measure_of_event)} as m,
      {found}
    from event
    where workspace_id = :workspace_id
      and timestamp_ms >= :start_ms
      and timestamp_ms < :end_ms
      and metadata is not null
    limit -1
  )
  limit -1
)
"""  # noqa: S608 - names of columns


_PARTNERS = "in (select value from json_each(:codes))"


@cache
def _tag_rows(place: int) -> tuple[str, str, str]:
    value, other = _hashed("value", place), hashed_row("other", "(kind % 16)")
    return (
        rows_add_up_to("usage_quarter", "= :kind", hashed_bucket("bucket"), value, ROW),
        rows_add_up_to("usage_day", "= :kind", value, ROW),
        rows_add_up_to("usage_pair_day", _PARTNERS, value, other, ROW),
    )


@cache
def _two_tags_rows(first: int, second: int) -> str:
    values = (_hashed("value", first), _hashed("other", second))
    return rows_add_up_to("usage_pair_day", "= :kind", *values, ROW)


async def prove_tags(
    reading: ScopedReading,
    weights: dict[str, int],
    tags: Sequence[Tag],
    *,
    day: int,
    quarters: range,
) -> bool:
    """Whether every sum by these tags on a day that consists of these quarters is right."""
    counted = await _count(reading, weights, tags, quarters)
    stored = []
    of_day, of_quarters = (day, day + 1), (quarters.start, quarters.stop)
    for place, tag in enumerate(tags):
        codes = f"[{', '.join(str(pair_code(tag, kind)) for kind in TAG_PARTNERS)}]"
        for sql in _tag_rows(place):
            first, end = of_quarters if "_quarter" in sql else of_day
            which = {"kind": tag, "codes": codes, "first": first, "end": end}
            [row] = await reading.rows(sql, **which, **weights)
            stored.append(row[0])
    for (first, one), (second, other) in combinations(enumerate(tags), 2):
        which = {"kind": pair_code(one, other), "first": of_day[0], "end": of_day[1]}
        [row] = await reading.rows(_two_tags_rows(first, second), **which, **weights)
        stored.append(row[0])
    return all((a - b) % PRIME == 0 for a, b in zip(counted, stored, strict=True))


async def _count(
    reading: ScopedReading, weights: dict[str, int], tags: Sequence[Tag], quarters: range
) -> list[int]:
    values: dict[str, str | int] = {}
    for place, tag in enumerate(tags):
        values |= {f"path{place}": tag.path, f"number{place}": tag.number}
        values[f"from{place}"] = tag.counted_quarter * QUARTER_MS
    counted: list[int] = []
    for start in range(quarters.start, quarters.stop, STRETCH_QUARTERS):
        end = min(start + STRETCH_QUARTERS, quarters.stop)
        [row] = await reading.rows(
            prove_tag_events(len(tags)),
            start_ms=start * QUARTER_MS,
            end_ms=end * QUARTER_MS,
            **values,
            **weights,
        )
        before = counted or [0] * len(row)
        counted = [old + more for old, more in zip(before, row, strict=True)]
    return counted
