"""Makes packs of days that are over. See `packs`.

A pack is reserved first, then its days are read, then it is filled. Whoever changes one of the
days meanwhile drops the reservation, and nothing is filled: so days are read beside the writer,
and a pack is never of another state than its days.
"""

import sqlite3
from collections.abc import Mapping, Sequence

from llmtrack.storage.customer_quarters import CUSTOMER_QUARTERS, pack_quarters, quarters_in
from llmtrack.storage.dimensions import MEASURES, Kind, pair_code
from llmtrack.storage.dropped_packs import LEVELS, LONG_DAYS, ONE_DAY, SHORT_DAYS
from llmtrack.storage.marked_days import DAY_MARK, new_mark
from llmtrack.storage.packs import (
    CUSTOMERS,
    LATENCIES,
    LATENCY,
    PACKED_PAIRS,
    Block,
    Shelf,
    blocks_within,
    pack,
)
from llmtrack.storage.scope import ScopedReading

READ_DAYS = f"""
-- packing.unpacked
select min(bucket), max(bucket) + 1
from usage_day
where workspace_id = :workspace_id and kind = {int(Kind.TOTAL)}
"""  # noqa: S608 - a number
READ_PACKED = f"""
-- packing.unpacked
select days, bucket
from usage_pack
where workspace_id = :workspace_id
  and kind = case days when {ONE_DAY} then {DAY_MARK.kind} else {CUSTOMERS.kind} end
  and value = 0
  and reserved is null
"""  # noqa: S608 - numbers


async def unpacked(reading: ScopedReading, *, until_day: int, single_until_day: int) -> list[Block]:
    """The blocks that end before a day and have no packs yet; single days last, else the newest."""
    [days] = await reading.rows(READ_DAYS)
    if days[0] is None:
        return []
    first, end = days
    packed = {Block(*row) for row in await reading.rows(READ_PACKED)}
    wanted = [
        block
        for level in LEVELS
        for block in blocks_within(
            level,
            first // level * level,
            min(end, single_until_day if level == ONE_DAY else until_day),
        )
    ]
    missing = [block for block in wanted if block not in packed]
    return sorted(missing, key=lambda block: (block.days == ONE_DAY, -block.bucket))


_IN_BLOCK = """
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
"""
READ_VALUES = f"""
-- packing.shelves
select distinct value from usage_day {_IN_BLOCK}
"""  # noqa: S608 - a constant
_SUMMED = ", ".join(f"sum({name})" for name in MEASURES)
READ_CUSTOMERS = f"""
-- packing.packed
select value, {_SUMMED} from usage_day {_IN_BLOCK} group by value having sum(events) > 0
"""  # noqa: S608 - constants
READ_OTHERS = f"""
-- packing.packed
select p.other, {", ".join(f"sum(p.{name})" for name in MEASURES)}
from json_each(:days) d
cross join usage_pair_day p
where p.workspace_id = :workspace_id
  and p.kind = :kind
  and p.bucket = d.value
  and p.value = :value
group by p.other
having sum(p.events) > 0
"""  # noqa: S608 - names of columns
READ_STEPS = f"""
-- packing.packed
select value, step, sum(events) from latency_day {_IN_BLOCK} group by value, step
having sum(events) > 0
"""  # noqa: S608 - a constant


FIND_QUARTERS = f"""
-- packing.shelves
select 1
from usage_pack
where workspace_id = :workspace_id
  and days = {SHORT_DAYS}
  and bucket = :bucket
  and kind = :kind
  and value = :value
  and reserved is null
"""  # noqa: S608 - a number


async def shelves(reading: ScopedReading, block: Block) -> list[Shelf]:
    """What a block is packed by."""
    if block.days == ONE_DAY:
        around = {"bucket": block.bucket // SHORT_DAYS * SHORT_DAYS}
        is_known = await reading.rows(FIND_QUARTERS, **around, **CUSTOMER_QUARTERS._asdict())
        return [CUSTOMERS, DAY_MARK] if is_known else [CUSTOMERS, DAY_MARK, CUSTOMER_QUARTERS]
    found = [CUSTOMERS, *LATENCIES]
    if block.days != LONG_DAYS:
        return [*found, CUSTOMER_QUARTERS]
    for first, second in PACKED_PAIRS:
        rows = await reading.rows(READ_VALUES, kind=first, **_span(block))
        found += [Shelf(pair_code(first, second), row[0]) for row in rows]
    return found


async def packed(reading: ScopedReading, block: Block, shelf: Shelf) -> bytes:
    """The block's days read from their rows."""
    if shelf == DAY_MARK:
        return new_mark()
    if shelf == CUSTOMER_QUARTERS:
        return pack_quarters(await quarters_in(reading, block))
    if shelf == CUSTOMERS:
        rows = await reading.rows(READ_CUSTOMERS, kind=shelf.kind, **_span(block))
    elif shelf.kind >= LATENCY:
        rows = await reading.rows(READ_STEPS, kind=shelf.kind - LATENCY, **_span(block))
    else:
        days = f"[{','.join(map(str, range(block.bucket, block.bucket + block.days)))}]"
        rows = await reading.rows(READ_OTHERS, kind=shelf.kind, value=shelf.value, days=days)
    return pack(tuple(row) for row in rows)


def _span(block: Block) -> dict[str, int]:
    return {"first": block.bucket, "end": block.bucket + block.days}


FIND_ZONE_CHANGE = """
-- packing.reserve
select 1 from zone_change where workspace_id = ?
"""
RESERVE = """
-- packing.reserve
insert into usage_pack (workspace_id, days, bucket, kind, value, reserved)
values (?, ?, ?, ?, ?, ?)
on conflict do update set reserved = excluded.reserved, sums = null
"""
FILL = """
-- packing.fill
update usage_pack set sums = ?, reserved = null
where workspace_id = ? and days = ? and bucket = ? and kind = ? and value = ? and reserved = ?
"""
REMOVE_DAYS = f"""
-- packing.fill
delete from usage_pack
where workspace_id = ? and days = {ONE_DAY} and bucket >= ? and bucket < ?
  and kind = {CUSTOMER_QUARTERS.kind}
"""  # noqa: S608 - numbers


def reserve(
    connection: sqlite3.Connection,
    workspace_id: int,
    block: Block,
    wanted: Sequence[Shelf],
    number: int,
) -> bool:
    """`number`: of this attempt, so that another one cannot fill it. False: not now."""
    if connection.execute(FIND_ZONE_CHANGE, (workspace_id,)).fetchone():
        return False
    connection.executemany(RESERVE, [(workspace_id, *block, *shelf, number) for shelf in wanted])
    return True


def fill(
    connection: sqlite3.Connection,
    workspace_id: int,
    block: Block,
    packs: Mapping[Shelf, bytes],
    number: int,
) -> int:
    """How many were still reserved."""
    rows = [(sums, workspace_id, *block, *shelf, number) for shelf, sums in packs.items()]
    filled = connection.executemany(FILL, rows).rowcount
    if filled and block.days == SHORT_DAYS:
        connection.execute(REMOVE_DAYS, (workspace_id, block.bucket, block.bucket + block.days))
    return filled
