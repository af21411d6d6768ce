"""The models that a workspace has called lately, the dearest first."""

from typing import NamedTuple

from llmtrack.domain.periods import day_of
from llmtrack.storage.dimensions import Kind, pair_code
from llmtrack.storage.scope import Scope
from llmtrack.storage.sums import COST_MEASURES, CostSums, cost_sums_of

LATELY_DAYS = 30
MODELS_MAX = 200

READ_MODELS_IN_USE = f"""
-- models_in_use.models_in_use
select
  (select text from name where workspace_id = :workspace_id and id = u.other) as provider,
  (select text from name where workspace_id = :workspace_id and id = u.value) as model,
  {", ".join(f"sum(u.{name})" for name in COST_MEASURES)}
from usage_pair_day u
where u.workspace_id = :workspace_id
  and u.kind = :kind
  and u.bucket > :day - :days
group by u.value, u.other
having sum(u.events) > 0
order by sum(u.cost_micro) desc, sum(u.cost_rest) desc, sum(u.events) desc
limit :most
"""  # noqa: S608 - names of columns


class ModelInUse(NamedTuple):
    provider: str
    model: str
    sums: CostSums


async def models_in_use(scope: Scope, *, now_ms: int) -> list[ModelInUse]:
    """Of the last LATELY_DAYS days of the workspace, at most MODELS_MAX."""
    rows = await scope.rows(
        READ_MODELS_IN_USE,
        kind=pair_code(Kind.MODEL, Kind.PROVIDER),
        day=day_of(now_ms, scope.time_zone),
        days=LATELY_DAYS,
        most=MODELS_MAX,
    )
    return [ModelInUse(row[0], row[1], cost_sums_of(row, 2)) for row in rows]
