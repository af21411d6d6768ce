"""What a customer pays a month; `customer_id` is a `name.id`."""

import sqlite3

from llmtrack.domain.money import usd_text
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.deletions import customer_digest
from llmtrack.storage.scope import ScopedReading

READ_PRICES = """
-- customer_prices.customer_prices
select customer_id, monthly_pico from customer_price where workspace_id = :workspace_id
"""
SET_PRICE = """
-- customer_prices.set_customer_price
insert into customer_price (workspace_id, customer_id, monthly_pico, changed_ms)
values (?, ?, ?, ?)
on conflict do update set monthly_pico = excluded.monthly_pico, changed_ms = excluded.changed_ms
"""
DROP_PRICE = """
-- customer_prices.set_customer_price
delete from customer_price where workspace_id = ? and customer_id = ?
"""
READ_CUSTOMER = """
-- customer_prices.set_customer_price
select w.public_id, n.text
from name n
join workspace w on w.id = n.workspace_id
where n.workspace_id = ? and n.id = ?
"""


async def customer_prices(reading: ScopedReading) -> dict[int, int]:
    """Monthly price in pico-USD by customer, of those that have one."""
    rows = await reading.rows(READ_PRICES)
    return {row["customer_id"]: row["monthly_pico"] for row in rows}


def set_customer_price(
    connection: sqlite3.Connection,
    workspace_id: int,
    customer_id: int,
    *,
    monthly_pico: int | None,
    actor: Actor,
    now_ms: int,
) -> None:
    """Without an amount the customer has no price, which is not a price of 0."""
    if monthly_pico is None:
        connection.execute(DROP_PRICE, (workspace_id, customer_id))
    else:
        connection.execute(SET_PRICE, (workspace_id, customer_id, monthly_pico, now_ms))
    public_id, customer = connection.execute(READ_CUSTOMER, (workspace_id, customer_id)).fetchone()
    record(
        connection,
        workspace_id=workspace_id,
        actor=actor,
        action="customer_price.set" if monthly_pico is not None else "customer_price.remove",
        # As the ledger of deletions names it: the log outlives a customer that is erased.
        target=customer_digest(public_id, customer),
        details={} if monthly_pico is None else {"monthly_usd": usd_text(monthly_pico)},
        now_ms=now_ms,
    )
