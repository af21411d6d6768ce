"""Values of tracked tags: what an event's metadata says, as SQL, and the numbers behind them.

`tag_sums` reads the same with Python while it adds up; `domain.tags.tag_values` says what
counts as a value.
"""

import json

from llmtrack.storage.dimensions import OTHER_VALUE, Filters, Tag
from llmtrack.storage.scope import ScopedReading


def _text(path: str) -> str:
    """A member that is text."""
    # As Python reads it: SQLite's `->>` ends a text at a NUL. Nearly no metadata has one, which
    # is seen quicker than what a member is.
    return f"""case
      when instr(metadata, '\\u0000') and instr(metadata -> {path}, '\\u0000')
      then metadata -> {path}
      else metadata ->> {path} end"""


def written_value(path: str) -> str:
    """Text as it is, all else as JSON writes it; null: no such member. `path`: SQL."""
    return f"""case json_type(metadata, {path})
    when 'text' then {_text(path)}
    else metadata -> {path}
  end"""


def told_value(path: str) -> str:
    """What the event says, as text; null: nothing to count by. `path`: an SQL expression."""
    # `->`, because `->>` would round long numbers.
    return f"""case json_type(metadata, {path})
    when 'text' then nullif({_text(path)}, '')
    when 'integer' then metadata -> {path}
    when 'real' then metadata -> {path}
    when 'true' then 'true'
    when 'false' then 'false'
  end"""


def numbered_value(path: str, number: str) -> str:
    """The number of the event's value in the dictionary; null: the event has none."""
    told = told_value(path)
    return f"""case when json_type(metadata, {path}) is null then null else coalesce((
    select v.id from tag_value v
    where v.workspace_id = :workspace_id and v.number = {number} and v.text = {told}
  ), case when {told} is not null then {OTHER_VALUE} end) end"""  # noqa: S608 - ours


TAG_VALUE = numbered_value(":path", ":number")
OTHER_TAG_VALUE = numbered_value(":other_path", ":other_number")
"""Of a second tag; `Tag.parameters` are what the two take."""

# As many tags as may be, in one condition; without any it is not looked at.
FILTER_TAGS = f"""  and (:tags is null or not exists (
    select 1 from json_each(:tags) t
    where t.value ->> 2 is not {numbered_value("(t.value ->> 0)", "t.value ->> 1")}
  ))"""  # noqa: S608 - ours


def tag_filters(filters: Filters) -> str | None:
    """The parameter of FILTER_TAGS."""
    listed = [
        (tag.path, tag.number, value) for tag, value in filters.items() if isinstance(tag, Tag)
    ]
    return json.dumps(listed) if listed else None


READ_TEXTS = """
-- tag_values.texts_of
select id, text from tag_value
where workspace_id = :workspace_id
  and number = :number
  and id in (select value from json_each(:values))
"""
FIND_TEXT = """
-- tag_values.value_of_text
select id from tag_value where workspace_id = :workspace_id and number = :number and text = :text
"""


async def texts_of(reading: ScopedReading, tag: Tag, values: list[int]) -> dict[int, str]:
    rows = await reading.rows(READ_TEXTS, number=tag.number, values=json.dumps(values))
    return {row["id"]: row["text"] for row in rows if row["text"] is not None}


COUNT_VALUES = """
-- tag_values.count_values
select count(*) from tag_value where workspace_id = :workspace_id and number = :number
"""


async def count_values(reading: ScopedReading, tag: Tag) -> int:
    """How many are counted on their own."""
    [row] = await reading.rows(COUNT_VALUES, number=tag.number)
    return int(row[0])


async def value_of_text(reading: ScopedReading, tag: Tag, text: str) -> int | None:
    """The number behind a text; None: no event with it was counted, or not on its own."""
    rows = await reading.rows(FIND_TEXT, number=tag.number, text=text)
    return int(rows[0][0]) if rows else None
