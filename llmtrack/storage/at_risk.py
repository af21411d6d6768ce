"""Failed calls without usage, and the cost of their successful peers, in a bounded read.

How many there are comes from the rollups. Of which model and feature they are, and what their
peers cost, is read from the newest events: at most READ_MAX of the quarters with such
failures, and as many of the period. A team with more than that gets an estimate for the newest.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from dataclasses import replace

from llmtrack.domain.at_risk import AtRisk, Peers, estimate
from llmtrack.domain.costs import CostStatus
from llmtrack.domain.periods import DAY_MS, QUARTER_MS
from llmtrack.domain.spans import Span
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.questions import Question, TooMuchToRead
from llmtrack.storage.reports import usage_by_value
from llmtrack.storage.scope import Scope, ScopedReading
from llmtrack.storage.usage_rows import FILTER_EVENTS, FILTERS, filter_values

READ_MAX = 20_000
PEER_DAYS = 30
"""How far before the end of a shorter period peers are looked for."""

_WITHOUT_USAGE = ", ".join(
    str(int(status))
    for status in (CostStatus.NO_USAGE, CostStatus.INSUFFICIENT_USAGE, CostStatus.INVALID_USAGE)
)
_COLUMNS = ", ".join([*dict.fromkeys(column for _, column in FILTERS), "metadata"])
READ_FAILING = f"""
-- at_risk.at_risk
select distinct bucket
from usage_quarter
where workspace_id = :workspace_id
  and kind = {int(Kind.STATUS)}
  and bucket >= :first
  and bucket <= :last
  and value <> 0
  and unknown_usage_events > 0
"""  # noqa: S608 - a number
# The quarters are gone through in the order in which they are given, so the limit keeps those
# of the first ones: sorting would read them all.
READ_FAILED = f"""
-- at_risk.at_risk
with newest as (
  select {_COLUMNS}, cost_status
  from json_each(:quarters) quarter
  cross join event e
  where e.workspace_id = :workspace_id
    and e.timestamp_ms >= quarter.value * {QUARTER_MS}
    and e.timestamp_ms < (quarter.value + 1) * {QUARTER_MS}
    and e.timestamp_ms >= :start_ms
    and e.timestamp_ms < :end_ms
  limit :most
)
select model_id, feature_id, count(*)
from newest
where status <> 0
  and cost_status in ({_WITHOUT_USAGE})
{FILTER_EVENTS}
group by 1, 2
"""  # noqa: S608 - names of columns
READ_PEERS = """
-- at_risk.at_risk
select model_id, feature_id, cost_pico
from (
  select model_id, feature_id, status, cost_pico
  from event
  where workspace_id = :workspace_id
    and timestamp_ms >= :start_ms
    and timestamp_ms < :end_ms
  order by timestamp_ms desc
  limit :most
)
where status = 0
  and cost_pico is not null
  and (model_id, feature_id) in (select value ->> 0, value ->> 1 from json_each(:peers))
"""


async def at_risk(
    reading: ScopedReading, question: Question, *, read_max: int = READ_MAX
) -> AtRisk | None:
    """Of the question's period and filters; None where they cannot be counted cheaply."""
    try:
        by_status = await usage_by_value(reading, replace(question, kind=Kind.STATUS))
    except TooMuchToRead:
        return None
    events = sum(sums.unknown_usage_events for status, sums in by_status.items() if status)
    if not events:
        return AtRisk()
    span = question.span
    first, last = span.start_ms // QUARTER_MS, (span.end_ms - 1) // QUARTER_MS
    failing = await reading.rows(READ_FAILING, first=first, last=last)
    rows = await reading.rows(
        READ_FAILED,
        quarters=json.dumps(sorted((row[0] for row in failing), reverse=True)),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        most=read_max,
        **filter_values(question.filters),
    )
    failed = Counter({(row[0], row[1]): row[2] for row in rows})
    costs = await _costs_of_peers(reading, span, failed, read_max)
    return estimate(events, failed, costs)


async def _costs_of_peers(
    reading: ScopedReading, span: Span, failed: Counter[Peers], read_max: int
) -> dict[Peers, list[int]]:
    rows = await reading.rows(
        READ_PEERS,
        start_ms=min(span.start_ms, span.end_ms - PEER_DAYS * DAY_MS),
        end_ms=span.end_ms,
        peers=json.dumps(list(failed)),
        most=read_max,
    )
    costs: dict[Peers, list[int]] = defaultdict(list)
    for row in rows:
        costs[row[0], row[1]].append(row[2])
    return costs


FIND_OFF = """
-- at_risk.shows_at_risk
select 1 from at_risk_off where workspace_id = :workspace_id
"""
SWITCH_OFF = """
-- at_risk.switch_at_risk
insert into at_risk_off (workspace_id) values (:workspace_id) on conflict do nothing
"""
SWITCH_ON = """
-- at_risk.switch_at_risk
delete from at_risk_off where workspace_id = :workspace_id
"""


async def shows_at_risk(reading: ScopedReading) -> bool:
    return not await reading.rows(FIND_OFF)


def switch_at_risk(
    connection: sqlite3.Connection, workspace_id: int, *, shown: bool, actor: Actor, now_ms: int
) -> None:
    """Whether the workspace's pages and commands estimate at all."""
    connection.execute(SWITCH_ON if shown else SWITCH_OFF, {"workspace_id": workspace_id})
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="at_risk.switch",
        target="at_risk",
        details={"shown": shown},
        now_ms=now_ms,
    )


async def shown_at_risk(scope: Scope, question: Question) -> AtRisk | None:
    """As `at_risk`, None where it is switched off."""
    async with scope.reading() as reading:
        return await at_risk(reading, question) if await shows_at_risk(reading) else None
