"""Which currency a workspace's pages show. Rows are appended; the newest one holds."""

import sqlite3

from llmtrack.domain.currencies import USD, DisplayCurrency
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.scope import Scope

READ_CURRENCY = """
-- currencies.currency_of
select currency, usd_rate, rate_date
from display_currency
where workspace_id = :workspace_id
order by id desc
limit 1
"""
ADD_CURRENCY = """
-- currencies.set_currency
insert into display_currency (workspace_id, id, currency, usd_rate, rate_date, set_ms, set_by)
values (
  :workspace_id,
  (select coalesce(max(id), 0) + 1 from display_currency where workspace_id = :workspace_id),
  :currency, :usd_rate, :rate_date, :now_ms, :by
)
"""


async def currency_of(scope: Scope) -> DisplayCurrency | None:
    """None: amounts are shown as they are stored, in US dollars."""
    rows = await scope.rows(READ_CURRENCY)
    if not rows or rows[0]["currency"] == USD:
        return None
    return DisplayCurrency(*rows[0])


def set_currency(
    connection: sqlite3.Connection,
    workspace_id: int,
    *,
    chosen: DisplayCurrency,
    by: Actor,
    now_ms: int,
) -> None:
    values = {"workspace_id": workspace_id, "by": by.text, "now_ms": now_ms, **chosen._asdict()}
    connection.execute(ADD_CURRENCY, values)
    record(
        connection,
        workspace_id=workspace_id,
        actor=by,
        action="display_currency.set",
        target=chosen.currency,
        details=chosen._asdict(),
        now_ms=now_ms,
    )
