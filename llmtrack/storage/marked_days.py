"""What was read of days that are over, for as long as nothing about them changes.

A day that is over has a mark, a random number. It lies among the packs: it is made once the day
was reserved, and dropped with the day's packs by whoever changes one of its rows, in the same
transaction. So two readings that see the same mark see the same rows of that day, whichever
process wrote meanwhile, and what one of them has read is kept in memory for the other.
"""

import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from llmtrack.storage.dropped_packs import ONE_DAY
from llmtrack.storage.packs import QUICK, Shelf, pack
from llmtrack.storage.scope import ScopedReading

DAY_MARK = Shelf(768)
"""Behind the kinds of sums, of their latency steps and of quarters."""
MARK_BYTES = 8

FIND_MARKS = f"""
-- marked_days.read_marked
select bucket, sums
from usage_pack
where workspace_id = :workspace_id
  and days = {ONE_DAY}
  and bucket >= :first
  and bucket < :end
  and kind = {DAY_MARK.kind}
  and value = {DAY_MARK.value}
  and reserved is null
"""  # noqa: S608 - numbers


def new_mark() -> bytes:
    return secrets.token_bytes(MARK_BYTES)


async def read_marked(
    reading: ScopedReading, sql: str, values: dict[str, Any], days: Sequence[int], first: int = 0
) -> tuple[bytes | None, list[int]]:
    """A query's rows of all days that have marks, packed from column `first` on; the other days.

    None where no day has one. The query is of the `:buckets` of day rows whose change drops the
    packs of their day: those of the fixed dimensions and of their pairs. What it selects are whole
    numbers.
    """
    marks = await marks_of(reading, days)
    if not marks:
        return None, list(days)

    async def read() -> Iterable[Sequence[int]]:
        rows = await reading.rows(sql, **values, buckets=json.dumps(list(marks)))
        return (row[first:] for row in rows)

    packed = await kept_under(reading, marks, (sql, values), read)
    return packed, [day for day in days if day not in marks]


async def marks_of(reading: ScopedReading, days: Sequence[int]) -> dict[int, bytes]:
    """Of those days that have one, in their order."""
    if not days:
        return {}
    rows = await reading.rows(FIND_MARKS, first=min(days), end=max(days) + 1)
    found = {row[0]: row[1] for row in rows}
    return {day: found[day] for day in days if day in found}


async def kept_under(
    reading: ScopedReading,
    marks: Mapping[int, bytes],
    asked: Any,
    read: Callable[[], Awaitable[Iterable[Sequence[int]]]],
) -> bytes:
    """What `read` says of the marked days, packed; `asked`: all else that it depends on."""
    text = json.dumps(asked).encode()
    question = blake2b(b"".join(marks.values()) + text, digest_size=16).digest()
    packed = reading.kept_rows(question)
    if packed is None:
        packed = pack(await read(), QUICK)
        reading.keep_rows(question, packed)
    return packed
