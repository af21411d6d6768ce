"""The newest event of one key: what a page waits for after a key was made."""

import sqlite3
from dataclasses import dataclass

from llmtrack.domain.events import STATUSES
from llmtrack.domain.identifiers import event_uuid
from llmtrack.domain.periods import DAY_MS, QUARTER_MS, quarter_of
from llmtrack.domain.pricing import CostStatus
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.scope import Scope

WINDOW_MS = 7 * DAY_MS


@dataclass(frozen=True)
class LatestEvent:
    id: str
    timestamp_ms: int
    provider: str
    model: str
    feature: str
    status: str
    input_tokens: int | None
    output_tokens: int | None
    cost_pico: int | None
    cost_status: CostStatus


FIND_QUARTER = """
-- latest_event.latest_event
select bucket
from usage_quarter
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and value = :key_id
  and events > 0
order by bucket desc
limit 1
"""
FIND_EVENT = """
-- latest_event.latest_event
select e.timestamp_ms, e.id, p.text as provider, m.text as model, f.text as feature,
  e.status, e.input_tokens, e.output_tokens, e.cost_pico, e.cost_status
from event e
join name p on p.workspace_id = e.workspace_id and p.id = e.provider_id
join name m on m.workspace_id = e.workspace_id and m.id = e.model_id
join name f on f.workspace_id = e.workspace_id and f.id = e.feature_id
where e.workspace_id = :workspace_id
  and e.timestamp_ms >= :from_ms
  and e.timestamp_ms < :end_ms
  and e.key_id = :key_id
order by e.timestamp_ms desc, e.id desc
limit 1
"""


async def latest_event(scope: Scope, key_id: int, *, now_ms: int) -> LatestEvent | None:
    """Of the last 7 days. Rollups say in which quarter to look, so it reads few events."""
    async with scope.reading() as reading:
        first = quarter_of(now_ms - WINDOW_MS)
        quarters = await reading.rows(FIND_QUARTER, kind=Kind.KEY, first=first, key_id=key_id)
        if not quarters:
            return None
        from_ms = quarters[0]["bucket"] * QUARTER_MS
        rows = await reading.rows(
            FIND_EVENT, from_ms=from_ms, end_ms=from_ms + QUARTER_MS, key_id=key_id
        )
    return _event(rows[0]) if rows else None  # purged, while its sums are kept


def _event(row: sqlite3.Row) -> LatestEvent:
    return LatestEvent(
        id=event_uuid(row["timestamp_ms"], row["id"]),
        timestamp_ms=row["timestamp_ms"],
        provider=row["provider"],
        model=row["model"],
        feature=row["feature"],
        status=STATUSES[row["status"]],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_pico=row["cost_pico"],
        cost_status=CostStatus(row["cost_status"]),
    )
