"""In which quarters of an hour each customer has events, for blocks of days that are over.

The list of one customer's events would otherwise read whole days for the few that it looks for.
It is a pack like the sums (`packs`), made and dropped with them: a bit for each quarter of the
block's days, whatever their zone, by customer. It may name quarters whose events are gone, and
never lacks one that has some.
"""

import json
import struct
import zlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from llmtrack.domain.periods import QUARTER_MS, day_start_ms
from llmtrack.storage.day_zones import days_zone
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.dropped_packs import ONE_DAY, SHORT_DAYS
from llmtrack.storage.packs import Block, Shelf
from llmtrack.storage.scope import ScopedReading

CUSTOMER_QUARTERS = Shelf(512 + Kind.CUSTOMER)
"""Behind the kinds of sums and of their latency steps."""
PARTS = 16
"""A pack is compressed in so many parts, by customer: one of them is wanted at a time."""
_DAY_QUARTERS = 96
_WIDTH = (SHORT_DAYS + 2) * _DAY_QUARTERS // 8
_OF_CUSTOMER = struct.Struct(f"<q{_WIDTH}s")
_LENGTHS = struct.Struct(f"<{PARTS}I")

Quarters = dict[int, int]
"""A bit for each quarter of a block, by customer; see `_first_quarter`."""

READ_QUARTERS = f"""
-- customer_quarters.quarters_in
select customer_id, group_concat(distinct timestamp_ms / {QUARTER_MS})
from event
where workspace_id = :workspace_id
  and timestamp_ms >= :start_ms
  and timestamp_ms < :end_ms
  and customer_id is not null
group by 1
"""  # noqa: S608 - a number
READ_PACKS = """
-- customer_quarters.known_quarters
select p.bucket, p.sums
from json_each(:blocks) b
cross join usage_pack p
where p.workspace_id = :workspace_id
  and p.days = b.value ->> 0
  and p.bucket = b.value ->> 1
  and p.kind = :kind
  and p.value = :value
  and p.reserved is null
"""


async def quarters_in(reading: ScopedReading, block: Block) -> Quarters:
    """Of a block's days, from the events themselves."""
    zone = await days_zone(reading) or "UTC"  # being moved: what is packed meanwhile is dropped
    rows = await reading.rows(
        READ_QUARTERS,
        start_ms=day_start_ms(block.bucket, zone),
        end_ms=day_start_ms(block.bucket + block.days, zone),
    )
    first = _first_quarter(block.bucket)
    return {
        customer: sum(1 << int(quarter) - first for quarter in quarters.split(","))
        for customer, quarters in rows
    }


def pack_quarters(quarters: Mapping[int, int]) -> bytes:
    parts: list[list[bytes]] = [[] for _ in range(PARTS)]
    for customer in sorted(quarters):
        bits = quarters[customer].to_bytes(_WIDTH, "little")
        parts[customer % PARTS].append(_OF_CUSTOMER.pack(customer, bits))
    packed = [zlib.compress(b"".join(part), 6) for part in parts]
    return _LENGTHS.pack(*map(len, packed)) + b"".join(packed)


def unpack_quarters(packed: bytes) -> Quarters:
    records = (_OF_CUSTOMER.iter_unpack(_part(packed, part)) for part in range(PARTS))
    return {customer: int.from_bytes(bits, "little") for part in records for customer, bits in part}


def _part(packed: bytes, part: int) -> bytes:
    lengths = _LENGTHS.unpack_from(packed)
    start = _LENGTHS.size + sum(lengths[:part])
    return zlib.decompress(packed[start : start + lengths[part]])


def _bits_of(packed: bytes, customer: int) -> int:
    """0 for a customer without events; found without looking at the others one by one."""
    data = _part(packed, customer % PARTS)
    records = range(0, len(data), _OF_CUSTOMER.size)
    at = bisect_left(records, customer, key=lambda start: _OF_CUSTOMER.unpack_from(data, start)[0])
    if at == len(records):
        return 0
    number, bits = _OF_CUSTOMER.unpack_from(data, records[at])
    return int.from_bytes(bits, "little") if number == customer else 0


async def known_quarters(
    reading: ScopedReading, customer: int | None, days: Sequence[int]
) -> dict[int, frozenset[int]]:
    """The customer's quarters by day, of those of the days that are packed; of days near, too.

    None without a customer, and of a workspace whose days are being moved to another zone.
    """
    if customer is None or not await days_zone(reading):
        return {}
    found: dict[int, frozenset[int]] = {}
    for length in (SHORT_DAYS, ONE_DAY):
        # Most days are in packs of several: asking for what is not there takes as long.
        blocks = {Block(length, day // length * length) for day in days if day not in found}
        if not blocks:
            break
        rows = await reading.rows(
            READ_PACKS, blocks=json.dumps(sorted(blocks)), **CUSTOMER_QUARTERS._asdict()
        )
        for bucket, packed in rows:
            numbers = _numbers(bucket, _bits_of(packed, customer))
            found |= dict.fromkeys(range(bucket, bucket + length), numbers)
    return found


def _first_quarter(bucket: int) -> int:
    """A zone's day begins and ends less than a day from UTC's."""
    return (bucket - 1) * _DAY_QUARTERS


def _numbers(bucket: int, bits: int) -> frozenset[int]:
    first, places = _first_quarter(bucket), []
    while bits:  # mostly a few of hundreds
        places.append(bits.bit_length() - 1)
        bits ^= 1 << places[-1]
    return frozenset(first + place for place in places)
