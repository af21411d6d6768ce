"""What events add to the sums by tracked tags: alone, and with each other dimension.

Values are kept as text until they are written, because only then it is sure which of them the
dictionary has: at most VALUES_MAX of a tag, once and for all. So it does not matter in which
order events are added, taken away, or counted again: a value is always under the same number.
"""

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from llmtrack.domain.tags import VALUES_MAX, can_be_named, tag_values
from llmtrack.storage.dimensions import OTHER_VALUE, TAG_PARTNERS, Tag, pair_code

Told = tuple[tuple[Tag, str], ...]
"""The tags that an event has a value of, and the values."""
Row = tuple[int, ...]
Sums = Mapping[Row, int]

FIND_VALUE = """
-- tag_sums.id_of
select id from tag_value where workspace_id = ? and number = ? and text = ?
"""
COUNT_VALUES = """
-- tag_sums.id_of
select count(*) from tag_value where workspace_id = ? and number = ?
"""
FIND_ERASED = """
-- tag_sums.id_of
select 1 from tag_value where workspace_id = ? and number = ? and text is null and digest = ?
"""
ADD_VALUE = """
-- tag_sums.id_of
insert into tag_value (workspace_id, number, id, text) values (?, ?, ?, ?)
"""


def told_of(metadata: str | None, tags: Sequence[Tag]) -> Told:
    """What an event's metadata says of some tags."""
    if metadata is None:
        return ()
    values = tag_values(metadata, [tag.key for tag in tags])
    return tuple((tag, value) for tag, value in zip(tags, values, strict=True) if value is not None)


def digest_of_value(workspace_id: int, text: str) -> bytes:
    """Names an erased value to nobody who does not know it already."""
    return hashlib.sha256(f"{workspace_id}\0{text}".encode(errors="surrogatepass")).digest()


class TagSums:
    """Measures are one number each, as in `rollups`.

    `new`: only sums that one of these tags has a part in, as the others have theirs already.
    """

    def __init__(self, new: Collection[Tag] | None = None) -> None:
        self._new = new
        self._quarters: dict[tuple[int, int, Told], int] = defaultdict(int)
        self._days: dict[tuple[int, int, Told, tuple[int | None, ...]], int] = defaultdict(int)

    def __bool__(self) -> bool:
        return bool(self._days)

    def add(
        self,
        workspace_id: int,
        buckets: tuple[int, int],
        told: Told,
        partners: tuple[int | None, ...],
        packed: int,
    ) -> None:
        """`buckets`: quarter and day; `partners`: values in the order of TAG_PARTNERS."""
        quarter, day = buckets
        self._quarters[workspace_id, quarter, told] += packed
        self._days[workspace_id, day, told, partners] += packed

    def resolved(self, connection: sqlite3.Connection) -> tuple[Sums, Sums, Sums]:
        """Sums by the keys of `usage_quarter`, `usage_day` and `usage_pair_day`."""
        values = _Values(connection)
        quarters: dict[Row, int] = defaultdict(int)
        for (workspace_id, quarter, told), packed in self._quarters.items():
            for tag, text in told:
                if self._is_wanted(tag):
                    value = values.id_of(workspace_id, tag, text)
                    quarters[workspace_id, tag, quarter, value] += packed
        days: dict[Row, int] = defaultdict(int)
        pairs: dict[Row, int] = defaultdict(int)
        for (workspace_id, day, told, partners), packed in self._days.items():
            known = [(tag, values.id_of(workspace_id, tag, text)) for tag, text in told]
            for place, (tag, value) in enumerate(known):
                if self._is_wanted(tag):
                    days[workspace_id, tag, day, value] += packed
                others = [*zip(TAG_PARTNERS, partners, strict=True), *known[place + 1 :]]
                for kind, other in others:
                    if other is not None and self._is_wanted(tag, kind):
                        pairs[workspace_id, pair_code(tag, kind), day, value, other] += packed
        return quarters, days, pairs

    def _is_wanted(self, *kinds: int) -> bool:
        return self._new is None or any(kind in self._new for kind in kinds)


class _Values:
    """The dictionary of values within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[tuple[int, Tag, str], int] = {}

    def id_of(self, workspace_id: int, tag: Tag, text: str) -> int:
        found = self._ids.get((workspace_id, tag, text))
        if found is None:
            found = self._ids[workspace_id, tag, text] = self._find(workspace_id, tag, text)
        return found

    def _find(self, workspace_id: int, tag: Tag, text: str) -> int:
        if not can_be_named(text):
            return OTHER_VALUE
        of_tag = (workspace_id, tag.number)
        row = self._connection.execute(FIND_VALUE, (*of_tag, text)).fetchone()
        if row is not None:
            return int(row[0])
        [count] = self._connection.execute(COUNT_VALUES, of_tag).fetchone()
        digest = digest_of_value(workspace_id, text)
        if (
            count >= VALUES_MAX
            or self._connection.execute(FIND_ERASED, (*of_tag, digest)).fetchone()
        ):
            return OTHER_VALUE
        self._connection.execute(ADD_VALUE, (*of_tag, count + 1, text))
        return int(count) + 1
