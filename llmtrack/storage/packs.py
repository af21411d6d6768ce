"""Packs: what a stretch of days adds up to, of all values of a dimension, in one compressed row.

2,000 customers over 90 days are 180,000 rows, half a second of adding up; as packs they are
ten to twenty. Packs say nothing that the day rows do not say: they are made of those once their
days are over (`packing`), and whoever changes a day row drops the packs of its day in the same
transaction. Days without a pack are read row by row, so any number of packs may be missing.
"""

import json
import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from llmtrack.storage.dimensions import LATENCY_DAY_KINDS, MEASURES, PAIRS, Kind, pair_code
from llmtrack.storage.dropped_packs import LEVELS
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.sums import Sums, sums_of

PACKED_PAIRS = tuple(pair for pair in PAIRS if pair[1] is Kind.CUSTOMER)
_PAIR_CODES = frozenset(pair_code(*pair) for pair in PACKED_PAIRS)
LATENCY = 256
"""Added to a kind: its latency steps."""

REMEMBERED_BYTES_MAX = 512 * 1024
"""Of packs whose sums are remembered: those of some 2,000 values are 1.5 MiB of memory."""

_FIELDS = struct.Struct(f"<{len(MEASURES)}q")
_VALUE = struct.Struct(f"<q{_FIELDS.size}s")
_STEP = struct.Struct("<3q")


class Block(NamedTuple):
    """Some days in a row: `bucket` is the first."""

    days: int
    bucket: int


class Shelf(NamedTuple):
    """What is in a pack: a kind's values, a pair's others of one value, or latency steps."""

    kind: int
    value: int = 0


CUSTOMERS = Shelf(Kind.CUSTOMER)
LATENCIES = tuple(Shelf(LATENCY + kind) for kind in LATENCY_DAY_KINDS)


def shelf_of(kind: int, value: int | None) -> Shelf | None:
    """The one with all of a kind (`value` None) or all others of a pair's first value."""
    if value is None:
        return CUSTOMERS if kind == Kind.CUSTOMER else None
    return Shelf(kind, value) if kind in _PAIR_CODES else None


SMALL, QUICK = 6, 1
"""How hard zlib tries: for what is kept in the file, and for what is kept in memory."""


def pack(rows: Iterable[Sequence[int]], effort: int = SMALL) -> bytes:
    """Rows of whole numbers, compressed. Raises struct.error if one has more than 64 bits."""
    packed = [struct.pack(f"<{len(row)}q", *row) for row in rows]
    width, data = len(packed[0]) if packed else 1, b"".join(packed)
    # All first bytes, all second bytes and so on: what is alike lies together, and takes less.
    return zlib.compress(b"".join([data[place::width] for place in range(width)]), effort)


def _unpacked(packed: bytes, width: int) -> bytes:
    """The rows, `width` bytes each, one behind the other."""
    data = zlib.decompress(packed)
    count = len(data) // width
    rows = bytearray(len(data))
    for place in range(width):
        plane = data[place * count : (place + 1) * count]
        if plane.count(0) != count:
            rows[place::width] = plane
    return bytes(rows)


def unpack_rows(packed: bytes, width: int) -> Iterator[tuple[int, ...]]:
    """Rows of `width` numbers, as they were packed."""
    return struct.iter_unpack(f"<{width}q", _unpacked(packed, 8 * width))


def unpack_sums(packs: Sequence[bytes]) -> Mapping[int, Sums]:
    """By value. What the same bytes add up to is remembered: a page is looked at again."""
    if sum(map(len, packs)) > REMEMBERED_BYTES_MAX:
        return _added_up(packs)
    return _remembered(tuple(packs))


def _added_up(packs: Sequence[bytes]) -> Mapping[int, Sums]:
    """All measures of a value are added as one number: see `rollups`."""
    added: dict[int, int] = defaultdict(int)
    for packed in packs:
        for value, fields in _VALUE.iter_unpack(_unpacked(packed, _VALUE.size)):
            added[value] += int.from_bytes(fields, "little")
    return {
        value: sums_of(_FIELDS.unpack(fields.to_bytes(_FIELDS.size, "little")), 0)
        for value, fields in added.items()
    }


_remembered = lru_cache(maxsize=8)(_added_up)


def unpack_total(packed: bytes) -> Sums:
    """Of all values together."""
    added = sum(
        int.from_bytes(fields, "little")
        for _, fields in _VALUE.iter_unpack(_unpacked(packed, _VALUE.size))
    )
    return sums_of(_FIELDS.unpack(added.to_bytes(_FIELDS.size, "little")), 0)


def unpack_steps(packs: Sequence[bytes]) -> dict[int | None, Counter[int]]:
    """Events by latency step, by value; remembered as `unpack_sums` does."""
    if sum(map(len, packs)) > REMEMBERED_BYTES_MAX:
        return _steps_in(packs)
    known = _remembered_steps(tuple(packs))
    return defaultdict(Counter, {value: steps.copy() for value, steps in known.items()})


def _steps_in(packs: Sequence[bytes]) -> dict[int | None, Counter[int]]:
    found: dict[int | None, Counter[int]] = defaultdict(Counter)
    for packed in packs:
        for value, step, events in _STEP.iter_unpack(_unpacked(packed, _STEP.size)):
            of_value = found[value]
            of_value[step] = of_value.get(step, 0) + events  # `+=` asks for what is missing
    return found


_remembered_steps = lru_cache(maxsize=8)(_steps_in)


FIND_PACKS = """
-- packs.read_packs
select p.days, p.bucket
from json_each(:blocks) b
cross join usage_pack p
where p.workspace_id = :workspace_id
  and p.days = b.value ->> 0
  and p.bucket = b.value ->> 1
  and p.kind = :kind
  and p.value = :value
  and p.reserved is null
"""
READ_PACKS = """
-- packs.read_packs
select p.sums
from json_each(:blocks) b
cross join usage_pack p
where p.workspace_id = :workspace_id
  and p.days = b.value ->> 0
  and p.bucket = b.value ->> 1
  and p.kind = :kind
  and p.value = :value
"""


async def read_packs(
    reading: ScopedReading, shelf: Shelf, days: tuple[int, int]
) -> tuple[list[bytes], list[int]]:
    """The fewest packs that lie within some days, and the days that none of them is about."""
    first, end = days
    levels = LEVELS if shelf == CUSTOMERS else LEVELS[:-1]
    candidates = [block for level in levels for block in blocks_within(level, first, end)]
    if not candidates:
        return [], list(range(first, end))
    which = {"kind": shelf.kind, "value": shelf.value}
    rows = await reading.rows(FIND_PACKS, blocks=json.dumps(candidates), **which)
    known = {Block(*row) for row in rows}
    left = dict.fromkeys(range(first, end))
    chosen = []
    for block in candidates:  # the longest first
        if block in known and block.bucket in left:
            chosen.append(block)
            for day in range(block.bucket, block.bucket + block.days):
                del left[day]
    rows = await reading.rows(READ_PACKS, blocks=json.dumps(chosen), **which) if chosen else []
    return [row[0] for row in rows], list(left)


def blocks_within(level: int, first: int, end: int) -> list[Block]:
    return [
        Block(level, bucket) for bucket in range(-(-first // level) * level, end - level + 1, level)
    ]
