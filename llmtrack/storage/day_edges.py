"""How a span is made of whole days and single events where nothing is kept in between."""

import json
from collections.abc import Sequence

from llmtrack.domain.periods import QUARTER_MS
from llmtrack.domain.spans import DayPieces, Span, cut_at_days
from llmtrack.storage.purge import PURGED_KIND
from llmtrack.storage.questions import Question
from llmtrack.storage.scope import ScopedReading

FIND_NEWEST = """
-- day_edges.day_pieces
select max(timestamp_ms) from event where workspace_id = :workspace_id
"""
FIND_PURGED = f"""
-- day_edges.were_purged
select 1
from json_each(:ranges) r
cross join usage_quarter u
where u.workspace_id = :workspace_id
  and u.kind = {PURGED_KIND}
  and u.bucket >= r.value ->> 0
  and u.bucket < r.value ->> 1
limit 1
"""  # noqa: S608 - a number


async def day_pieces(reading: ScopedReading, question: Question) -> DayPieces:
    """Of day rows that are of the question's zone.

    From a day can only be taken away what is there and in its sums: neither events that were
    purged nor those of before a tag is counted.
    """
    span, time_zone = question.span, question.time_zone
    [newest] = await reading.rows(FIND_NEWEST)
    pieces = cut_at_days(span, time_zone, 0 if newest[0] is None else newest[0] + 1)
    for less in pieces.less:
        if not question.is_counted_from(less.start_ms) or await were_purged(reading, [less]):
            return cut_at_days(span, time_zone, 0)
    return pieces


async def note_deleted(reading: ScopedReading, spans: Sequence[Span]) -> None:
    """Have the reading know whether what it reads of some spans, event by event, is all of it."""
    if spans and not reading.lacks_deleted:
        reading.lacks_deleted = await were_purged(reading, spans)


async def were_purged(reading: ScopedReading, spans: Sequence[Span]) -> bool:
    """Whether single events of some spans are gone while the sums still count them."""
    ranges = [(span.start_ms // QUARTER_MS, -(-span.end_ms // QUARTER_MS)) for span in spans]
    return bool(await reading.rows(FIND_PURGED, ranges=json.dumps(ranges)))
