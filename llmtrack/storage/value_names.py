"""The values of a dimension by what people call them, and how many there are."""

from llmtrack.storage.dimensions import NAMED_KINDS, Dimension, Kind, Tag
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tag_values import count_values

FIND_NAMED = """
-- value_names.values_named
select id, coalesce(label, text)
from name
where workspace_id = :workspace_id
  and kind = :kind
  and (label = :text collate nocase or text = :text collate nocase)
order by id
limit :most
"""
FIND_NAMED_KEYS = """
-- value_names.values_named
select id, name
from api_key
where workspace_id = :workspace_id and name = :text collate nocase
order by id
limit :most
"""


async def values_named(
    reading: ScopedReading, kind: Dimension, text: str, *, most: int
) -> list[int]:
    """The values that are called so; only those in this very spelling where there are any."""
    if kind is Kind.KEY:
        rows = await reading.rows(FIND_NAMED_KEYS, text=text, most=most)
    elif kind in NAMED_KINDS:
        rows = await reading.rows(FIND_NAMED, kind=kind, text=text, most=most)
    else:
        return []
    return [row[0] for row in rows if row[1] == text] or [row[0] for row in rows]


COUNT_NAMED = """
-- value_names.has_more_values
select count(*)
from (select 1 from name where workspace_id = :workspace_id and kind = :kind limit :most)
"""


async def has_more_values(reading: ScopedReading, kind: Dimension, than: int) -> bool:
    """Whether there are more values than so many, those without recent events among them."""
    if isinstance(kind, Tag):
        return await count_values(reading, kind) > than
    [row] = await reading.rows(COUNT_NAMED, kind=kind, most=than + 1)
    return int(row[0]) > than
