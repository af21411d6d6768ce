"""Single events of a workspace, read page by page in time order."""

from collections.abc import AsyncIterator

from llmtrack.formats.jsonl import ExportedEvent
from llmtrack.storage.scope import Scope

PAGE_EVENTS = 1000

# Names are looked up row by row in `name`, whose pages stay in memory: a join would let the
# planner start from the dictionary and lose the order of time.
READ_PAGE = """
-- events.exported
select
  timestamp_ms,
  id,
  (select text from name where workspace_id = e.workspace_id and id = e.provider_id) as provider,
  (select text from name where workspace_id = e.workspace_id and id = e.model_id) as model,
  (select text from name where workspace_id = e.workspace_id and id = e.operation_id) as operation,
  (select text from name where workspace_id = e.workspace_id and id = e.feature_id) as feature,
  (select text from name where workspace_id = e.workspace_id and id = e.environment_id)
    as environment,
  (select text from name where workspace_id = e.workspace_id and id = e.customer_id)
    as customer_id,
  (select prefix from api_key where workspace_id = e.workspace_id and id = e.key_id)
    as key_prefix,
  status,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  latency_ms,
  cost_pico,
  cost_status,
  client_cost_pico,
  response_id,
  (select text from name where workspace_id = e.workspace_id and id = e.service_id) as service,
  (select text from name where workspace_id = e.workspace_id and id = e.source_id) as source,
  metadata
from event e
where workspace_id = :workspace_id
  and (timestamp_ms, id) > (:after_ms, :after_id)
  and timestamp_ms < :end_ms
order by timestamp_ms, id
limit :page
"""


async def exported(
    scope: Scope, *, start_ms: int, end_ms: int
) -> AsyncIterator[list[ExportedEvent]]:
    """Pages of the events with `start_ms <= time < end_ms`.

    Each page is a transaction of its own: one over a whole export would keep the WAL from
    being moved into the file while it lasts.
    """
    after = (start_ms, -1)
    while True:
        rows = await scope.rows(
            READ_PAGE, after_ms=after[0], after_id=after[1], end_ms=end_ms, page=PAGE_EVENTS
        )
        if rows:
            yield [ExportedEvent(*row) for row in rows]
            after = (rows[-1]["timestamp_ms"], rows[-1]["id"])
        if len(rows) < PAGE_EVENTS:
            return
