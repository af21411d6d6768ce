"""Removes what belongs to one customer, one user or one workspace, a batch at a time.

Each function does one batch in the caller's transaction and says how many rows went; it is
run until it says 0. A batch that was lost to a crash is simply done again.
"""

import sqlite3

from llmtrack.storage.deletions import customer_digest
from llmtrack.storage.digests import digest_bytes, digest_of
from llmtrack.storage.dimensions import PAIRS, Kind, pair_code
from llmtrack.storage.dropped_packs import drop_all_packs
from llmtrack.storage.erased_tags import erase_customer_tags
from llmtrack.storage.event_digests import RESPONSES
from llmtrack.storage.purge import remembering
from llmtrack.storage.saved_views import erase_views_of_customer

BATCH_ROWS = 1000
_CUSTOMER_PAIRS = ", ".join(str(pair_code(*pair)) for pair in PAIRS if pair[1] is Kind.CUSTOMER)

FIND_WORKSPACE = """
-- erasure.workspace_of
select id from workspace where public_id = ?
"""


def workspace_of(connection: sqlite3.Connection, public_id: str) -> int | None:
    row = connection.execute(FIND_WORKSPACE, (public_id,)).fetchone()
    return None if row is None else int(row[0])


LIST_CUSTOMERS = f"""
-- erasure.customer_of
select id, text from name where workspace_id = ? and kind = {int(Kind.CUSTOMER)}
"""  # noqa: S608 - a number


def customer_of(
    connection: sqlite3.Connection, workspace_id: int, public_id: str, digest: str
) -> int | None:
    """The number of the customer with that digest: the ledger knows no more."""
    for name_id, text in connection.execute(LIST_CUSTOMERS, (workspace_id,)):
        if customer_digest(public_id, text) == digest:
            return int(name_id)
    return None


Place = tuple[int, int]
"""Of an event in its table: time and number."""
START: Place = (-(2**63), -(2**63))

# The customer index that this would want costs every event that comes in; an erasure is rare
# and may read through the table once, each batch from where the last one has ended.
FIND_LAST = f"""
-- erasure.erase_customer_events
select timestamp_ms, id
from (
  select timestamp_ms, id
  from event
  where workspace_id = :workspace_id
    and (timestamp_ms, id) > (:after_ms, :after_id)
    and customer_id = :customer
  order by timestamp_ms, id
  limit {BATCH_ROWS}
)
order by timestamp_ms desc, id desc
limit 1
"""  # noqa: S608 - a number
_FOUND = """
from event
where workspace_id = :workspace_id
  and (timestamp_ms, id) > (:after_ms, :after_id)
  and (timestamp_ms, id) <= (:last_ms, :last_id)
  and customer_id = :customer
"""
REMEMBER_CUSTOMER_EVENTS = f"-- erasure.erase_customer_events\n{remembering(_FOUND)}"
LIST_CUSTOMER_RESPONSES = f"""
-- erasure.erase_customer_events
select response_id {_FOUND} and response_id is not null
"""
DELETE_RESPONSES = [
    f"""
-- erasure.erase_customer_events
delete from {table} where workspace_id = ? and digest = ?
"""  # noqa: S608 - names of ours
    for table in RESPONSES.tables
]
DELETE_CUSTOMER_EVENTS = f"""
-- erasure.erase_customer_events
delete {_FOUND}
"""


def erase_customer_events(
    connection: sqlite3.Connection, workspace_id: int, customer: int, *, after: Place
) -> tuple[int, Place]:
    """A batch behind a place, and where it has ended.

    Their costs stay in the workspace's totals, which must add up; see `purge`.
    """
    values = {
        "workspace_id": workspace_id,
        "customer": customer,
        "after_ms": after[0],
        "after_id": after[1],
    }
    row = connection.execute(FIND_LAST, values).fetchone()
    if row is None:
        return 0, after
    values |= {"last_ms": row[0], "last_id": row[1]}
    connection.execute(REMEMBER_CUSTOMER_EVENTS, values)
    # By digest, which is the table's key: nothing else finds a row without reading all of it.
    responses = connection.execute(LIST_CUSTOMER_RESPONSES, values).fetchall()
    length = digest_bytes(connection, workspace_id)
    digests = [(workspace_id, digest_of(response, length)) for (response,) in responses]
    for delete in DELETE_RESPONSES:
        connection.executemany(delete, digests)
    removed = connection.execute(DELETE_CUSTOMER_EVENTS, values).rowcount
    return removed, (row[0], row[1])


DELETE_CUSTOMER_DAYS = f"""
-- erasure.erase_customer_totals
delete from usage_day
where workspace_id = :workspace_id and kind = {int(Kind.CUSTOMER)} and value = :customer
"""  # noqa: S608 - a number
DELETE_CUSTOMER_PAIRS = f"""
-- erasure.erase_customer_totals
delete from usage_pair_day
where workspace_id = :workspace_id and kind in ({_CUSTOMER_PAIRS}) and other = :customer
"""  # noqa: S608 - numbers
DELETE_CUSTOMER_PRICE = """
-- erasure.erase_customer_totals
delete from customer_price where workspace_id = :workspace_id and customer_id = :customer
"""
READ_NAME = """
-- erasure.erase_customer_totals
select text, label from name where workspace_id = :workspace_id and id = :customer
"""
DELETE_NAME = """
-- erasure.erase_customer_totals
delete from name where workspace_id = :workspace_id and id = :customer
"""


def erase_customer_totals(connection: sqlite3.Connection, workspace_id: int, customer: int) -> int:
    """Rows per day of this customer, also by model and feature, then price, id and name."""
    values = {"workspace_id": workspace_id, "customer": customer}
    drop_all_packs(connection, workspace_id)
    found = connection.execute(READ_NAME, values).fetchone()
    removed = connection.execute(DELETE_CUSTOMER_DAYS, values).rowcount
    if found is not None:
        names = [one for one in found if one]
        erase_views_of_customer(connection, workspace_id, names)
        removed += erase_customer_tags(connection, workspace_id, customer, names)
    removed += connection.execute(DELETE_CUSTOMER_PAIRS, values).rowcount
    # Before the name, whose number another customer may get: it must not inherit the price.
    connection.execute(DELETE_CUSTOMER_PRICE, values)
    connection.execute(DELETE_NAME, values)
    return removed


DELETE_USER = """
-- erasure.erase_user
delete from user where public_id = ?
"""


def erase_user(connection: sqlite3.Connection, public_id: str) -> int:
    """With sessions, links and memberships, which go by themselves."""
    return connection.execute(DELETE_USER, (public_id,)).rowcount


CLOSE_WORKSPACE = """
-- erasure.close_workspace
update workspace set suspended_ms = coalesce(suspended_ms, :now_ms) where id = :workspace_id
"""
DELETE_DIGESTS = """
-- erasure.close_workspace
delete from key_digest where workspace_id = :workspace_id
"""


def close_workspace(connection: sqlite3.Connection, workspace_id: int, *, now_ms: int) -> None:
    """No key opens it from here on: nothing new may come in while it is taken apart."""
    connection.execute(CLOSE_WORKSPACE, {"workspace_id": workspace_id, "now_ms": now_ms})
    connection.execute(DELETE_DIGESTS, {"workspace_id": workspace_id})


LIST_TABLES = """
-- erasure.tenant_tables
select made.name
from sqlite_schema as made
where made.type = 'table'
  and made.name <> 'audit_log'
  and exists (select 1 from pragma_table_info(made.name) as found where found.name = 'workspace_id')
order by made.name
"""
LIST_KEY_COLUMNS = """
-- erasure.erase_workspace_rows
select name from pragma_table_info(?) where pk > 0 order by pk
"""
DELETE_WORKSPACE = """
-- erasure.erase_workspace_row
delete from workspace where id = ?
"""


def tenant_tables(connection: sqlite3.Connection) -> list[str]:
    """Every table that has rows of workspaces, those of later versions among them.

    Not the audit log: who deleted a workspace must be known after it is gone.
    """
    return [row[0] for row in connection.execute(LIST_TABLES)]


FIND_GUARD = """
-- erasure.erase_workspace_rows
select sql from sqlite_schema where type = 'trigger' and tbl_name = ? and name = ? || '_delete'
"""


def erase_workspace_rows(connection: sqlite3.Connection, workspace_id: int, table: str) -> int:
    """A batch of one table's rows. Raises IntegrityError while others point to them.

    The audit log refuses deletes by a trigger `..._delete`: it goes with its workspace all the
    same, so the trigger is taken off within the transaction. That the workspace was deleted
    stands in the instance's own log.
    """
    guard = connection.execute(FIND_GUARD, (table, table)).fetchone()
    if guard is None:
        return _erase_batch(connection, workspace_id, table)
    connection.execute(f"drop trigger {table}_delete")
    removed = _erase_batch(connection, workspace_id, table)
    connection.execute(guard[0])
    return removed


def _erase_batch(connection: sqlite3.Connection, workspace_id: int, table: str) -> int:
    # Without the workspace in it, or SQLite reads through the whole workspace for each batch.
    keys = [row[0] for row in connection.execute(LIST_KEY_COLUMNS, (table,))]
    columns = ", ".join(key for key in keys if key != "workspace_id") or "workspace_id"
    return connection.execute(
        f"""
        -- erasure.erase_workspace_rows
        delete from {table}
        where workspace_id = :workspace_id
          and ({columns if keys else "rowid"}) in (
            select {columns if keys else "rowid"}
            from {table}
            where workspace_id = :workspace_id
            limit {BATCH_ROWS}
          )
        """,  # noqa: S608 - names from the schema
        {"workspace_id": workspace_id},
    ).rowcount


def erase_workspace_row(connection: sqlite3.Connection, workspace_id: int) -> int:
    return connection.execute(DELETE_WORKSPACE, (workspace_id,)).rowcount


TOTALS_TABLES = ("usage_quarter", "usage_day", "usage_pair_day", "latency_quarter", "latency_day")


def erase_totals(
    connection: sqlite3.Connection, workspace_id: int, table: str, *, before_bucket: int
) -> int:
    """A batch of totals before a quarter or a day."""
    drop_all_packs(connection, workspace_id)
    columns = ", ".join(row[0] for row in connection.execute(LIST_KEY_COLUMNS, (table,)))
    return connection.execute(
        f"""
        -- erasure.erase_totals
        delete from {table}
        where ({columns}) in (
          select {columns} from {table} where workspace_id = ? and bucket < ? limit {BATCH_ROWS}
        )
        """,  # noqa: S608 - names from the schema
        (workspace_id, before_bucket),
    ).rowcount
