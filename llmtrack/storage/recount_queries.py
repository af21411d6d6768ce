"""The queries that hold the rows of a table against what the events add up to."""

from llmtrack.storage.dimensions import MEASURES
from llmtrack.storage.sums import EVENT_SUMS

COUNTED = ", ".join(f"coalesce({name}, 0) as {name}" for name in MEASURES)
NOT_EMPTY = " or ".join(f"{name} <> 0" for name in MEASURES)


def differing(table: str, keys: str, counted: str) -> str:
    """How many keys have rows that are not the same on both sides."""
    return f"""
-- recount.differences
with counted as materialized (
  select {keys}, {COUNTED} from ({counted})
), stored as materialized (
  select {keys}, {", ".join(MEASURES)} from {table}
  where workspace_id = :workspace_id
    and kind = :kind
    and bucket >= :first
    and bucket < :end
    and ({NOT_EMPTY})
)
select count(*) from (
  select {keys} from (select * from counted except select * from stored)
  union
  select {keys} from (select * from stored except select * from counted)
)
"""  # noqa: S608 - names of tables and columns


def counted(columns: dict[str, str], where: str = "true", having: str = "true") -> str:
    """The sums of a day's events by some expressions, each under its name."""
    return f"""
    select {", ".join(f"{expression} as {name}" for name, expression in columns.items())},
      {EVENT_SUMS}
    from event
    where workspace_id = :workspace_id
      and timestamp_ms >= :start_ms
      and timestamp_ms < :end_ms
      and {where}
    group by {", ".join(str(place + 1) for place in range(len(columns)))}
    having {having}"""  # noqa: S608 - names of columns
