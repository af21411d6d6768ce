"""Holds packs against the day rows that they were made of: the part of `recount` about them."""

from collections.abc import Callable

from llmtrack.storage.customer_quarters import CUSTOMER_QUARTERS, quarters_in, unpack_quarters
from llmtrack.storage.dimensions import MEASURES
from llmtrack.storage.marked_days import DAY_MARK
from llmtrack.storage.packing import packed
from llmtrack.storage.packs import LATENCY, Block, Shelf, unpack_steps, unpack_sums, unpack_total
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import NO_SUMS, Sums, sums_of

LIST_BLOCKS = """
-- recount_packs.packed_blocks
select distinct days, bucket
from usage_pack
where workspace_id = :workspace_id and reserved is null
"""
LIST_PACKS = """
-- recount_packs.wrong_packs
select kind, value, sums
from usage_pack
where workspace_id = :workspace_id
  and reserved is null
  and days = :days
  and bucket = :bucket
"""
ADD_UP_PAIRS = f"""
-- recount_packs.wrong_packs
select {", ".join(f"sum(p.{name})" for name in MEASURES)}
from json_each(:days) d
cross join usage_pair_day p
where p.workspace_id = :workspace_id
  and p.kind = :kind
  and p.bucket = d.value
  and p.value = :value
"""  # noqa: S608 - names of columns


async def packed_blocks(reading: ScopedReading) -> list[Block]:
    return [Block(*row) for row in await reading.rows(LIST_BLOCKS)]


async def wrong_packs(reading: ScopedReading, blocks: list[Block]) -> list[Block]:
    """Those of some blocks that have a pack which is not what its days add up to.

    A pack of a pair is held against the sum of all its customers.
    """
    wrong = []
    for block in blocks:
        for kind, value, sums in await reading.rows(LIST_PACKS, **block._asdict()):
            if not await _is_right(reading, block, Shelf(kind, value), sums):
                wrong.append(block)
                break
    return wrong


async def _is_right(reading: ScopedReading, block: Block, shelf: Shelf, sums: bytes) -> bool:
    if shelf == DAY_MARK:
        return True  # it says nothing about the day
    if shelf == CUSTOMER_QUARTERS:
        known, there = unpack_quarters(sums), await quarters_in(reading, block)
        return all(bits & ~known.get(customer, 0) == 0 for customer, bits in there.items())
    if shelf.value:
        return unpack_total(sums) == await _of_pair(reading, block, shelf)
    unpack: Callable[[list[bytes]], object] = unpack_steps if shelf.kind >= LATENCY else unpack_sums
    return unpack([sums]) == unpack([await packed(reading, block, shelf)])


async def _of_pair(reading: ScopedReading, block: Block, shelf: Shelf) -> Sums:
    days = f"[{','.join(map(str, range(block.bucket, block.bucket + block.days)))}]"
    [row] = await reading.rows(ADD_UP_PAIRS, kind=shelf.kind, value=shelf.value, days=days)
    return sums_of(row, 0) if row[0] is not None else NO_SUMS
