"""Events in the order in which they came, which no index has.

How many came at all is counted in the transaction that stores them (`quota_month`), so two looks
at that tell exactly how many came between them, however old their times are. Which they are is
looked for among the newest.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from llmtrack.storage.event_search import COLUMNS, MATCHES, EventDetail, EventFilter, matching
from llmtrack.storage.scope import ScopedReading

COUNT_ARRIVALS = """
-- event_arrivals.arrived_count
select coalesce(sum(events), 0)
from quota_month
where workspace_id = :workspace_id
"""
FIND_ARRIVALS = f"""
-- event_arrivals.arrivals_since
select timestamp_ms, id, timestamp_ms + arrival_delay_ms,
  timestamp_ms >= :start_ms {MATCHES}
from (
  select * from event
  where workspace_id = :workspace_id
  order by timestamp_ms desc, id desc
  limit :scan
)
where timestamp_ms + arrival_delay_ms >= :since_ms
order by timestamp_ms desc, id desc
"""  # noqa: S608 - names of columns
READ_EVENTS = f"""
-- event_arrivals.read_events
select
  {COLUMNS}
from json_each(:keys) k
cross join event e
where e.workspace_id = :workspace_id
  and e.timestamp_ms = k.value ->> 0
  and e.id = k.value ->> 1
order by e.timestamp_ms desc, e.id desc
"""  # noqa: S608 - names of columns


class Arrival(NamedTuple):
    key: tuple[int, int]
    """Its time and its id."""
    arrived_ms: int
    matches: bool


async def arrived_count(reading: ScopedReading) -> int:
    """How many events ever came to the workspace."""
    [[count]] = await reading.rows(COUNT_ARRIVALS)
    return int(count)


async def arrivals_since(
    reading: ScopedReading, wanted: EventFilter, since_ms: int, *, scan_max: int
) -> list[Arrival]:
    """What came at `since_ms` or later among the newest `scan_max`, the newest first.

    Of the period that is wanted only the beginning matters: what comes may be ahead of it.
    """
    values = {**matching(wanted), "start_ms": wanted.span.start_ms}
    rows = await reading.rows(FIND_ARRIVALS, **values, since_ms=since_ms, scan=scan_max)
    return [
        Arrival((timestamp_ms, event_id), arrived_ms, bool(matches))
        for timestamp_ms, event_id, arrived_ms, matches in rows
    ]


async def read_events(
    reading: ScopedReading, keys: Iterable[tuple[int, int]]
) -> Sequence[EventDetail]:
    """Those of the keys that there are, the newest first."""
    rows = await reading.rows(READ_EVENTS, keys=json.dumps(list(keys)))
    return [EventDetail(*row) for row in rows]
