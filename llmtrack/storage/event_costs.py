"""What an event was priced by: its usage, its stored cost and its rate card."""

from typing import Any, NamedTuple

from llmtrack.domain.costs import CostStatus, RateCard
from llmtrack.domain.errors import NotFound
from llmtrack.domain.identifiers import event_row
from llmtrack.domain.usage import COUNT_FIELDS, Convention, Usage
from llmtrack.storage.scope import Scope

READ_EVENT_COST = f"""
-- event_costs.event_cost
select
  e.timestamp_ms,
  (select text from name where workspace_id = e.workspace_id and id = e.provider_id) as provider,
  (select text from name where workspace_id = e.workspace_id and id = e.model_id) as model,
  (select text from name where workspace_id = e.workspace_id and id = e.service_tier_id)
    as service_tier,
  {", ".join(f"e.{name}" for name in COUNT_FIELDS)},
  e.usage_convention,
  e.cost_pico,
  e.cost_status,
  e.cost_flags,
  e.client_cost_pico,
  c.card
from event e
left join rate_card c on c.id = e.rate_card_id
where e.workspace_id = :workspace_id and e.timestamp_ms = :timestamp_ms and e.id = :event_id
"""  # noqa: S608 - names of columns


class EventCost(NamedTuple):
    event_id: str
    timestamp_ms: int
    provider: str
    model: str
    service_tier: str | None
    usage: Usage
    cost_pico: int | None
    status: CostStatus
    flags: int
    client_cost_pico: int | None
    card: RateCard | None


async def event_cost(scope: Scope, event_id: str) -> EventCost:
    """Raises NotFound, also for the event of another workspace."""
    try:
        timestamp_ms, row_id = event_row(event_id)
    except ValueError:
        raise NotFound(f"{event_id!r} is no event's id") from None
    rows = await scope.rows(READ_EVENT_COST, timestamp_ms=timestamp_ms, event_id=row_id)
    if not rows:
        raise NotFound(f"there is no event {event_id}")
    [row] = rows
    status = CostStatus(row["cost_status"])
    return EventCost(
        event_id=event_id.lower(),
        timestamp_ms=timestamp_ms,
        provider=row["provider"],
        model=row["model"],
        service_tier=row["service_tier"],
        usage=_usage(row),
        cost_pico=row["cost_pico"],
        status=status,
        flags=row["cost_flags"],
        client_cost_pico=row["client_cost_pico"],
        card=RateCard.from_json(row["card"]) if row["card"] else None,
    )


def _usage(row: Any) -> Usage:
    counts = {name: row[name] for name in COUNT_FIELDS}
    if counts["total_tokens"] is None and None not in (row["input_tokens"], row["output_tokens"]):
        counts["total_tokens"] = row["input_tokens"] + row["output_tokens"]
    return Usage(**counts, convention=Convention(row["usage_convention"]))
