"""The models that a workspace has called lately, the dearest first."""

from typing import NamedTuple

from llmtrack.domain.money import join_pico
from llmtrack.domain.periods import day_of
from llmtrack.storage.dimensions import Kind, pair_code
from llmtrack.storage.scope import Scope

LATELY_DAYS = 30
MODELS_MAX = 200

READ_MODELS_IN_USE = """
-- models_in_use.models_in_use
select
  (select text from name where workspace_id = :workspace_id and id = u.other) as provider,
  (select text from name where workspace_id = :workspace_id and id = u.value) as model,
  sum(u.events) as events,
  sum(u.cost_micro) as cost_micro,
  sum(u.cost_rest) as cost_rest,
  sum(u.unpriced_events) as unpriced_events
from usage_pair_day u
where u.workspace_id = :workspace_id
  and u.kind = :kind
  and u.bucket > :day - :days
group by u.value, u.other
having sum(u.events) > 0
order by sum(u.cost_micro) desc, sum(u.cost_rest) desc, sum(u.events) desc
limit :most
"""


class ModelInUse(NamedTuple):
    provider: str
    model: str
    events: int
    cost_pico: int
    unpriced_events: int


async def models_in_use(scope: Scope, *, now_ms: int) -> list[ModelInUse]:
    """Of the last LATELY_DAYS days of the workspace, at most MODELS_MAX."""
    rows = await scope.rows(
        READ_MODELS_IN_USE,
        kind=pair_code(Kind.MODEL, Kind.PROVIDER),
        day=day_of(now_ms, scope.time_zone),
        days=LATELY_DAYS,
        most=MODELS_MAX,
    )
    return [
        ModelInUse(
            provider=row["provider"],
            model=row["model"],
            events=row["events"],
            cost_pico=join_pico(row["cost_micro"], row["cost_rest"]),
            unpriced_events=row["unpriced_events"],
        )
        for row in rows
    ]
