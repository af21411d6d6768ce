"""What the sums by tracked tags know of a customer who is erased.

The pairs of the customer go. A value that names the customer, as a tag like `user` may, goes
from the dictionary: what it stands for counts as "other", so that totals add up, and so does
whatever comes with that value later.
"""

import sqlite3
from collections.abc import Collection

from llmtrack.storage.dimensions import (
    MEASURES,
    OTHER_VALUE,
    TAG_KINDS,
    TAG_PARTNERS,
    Kind,
    pair_code,
)
from llmtrack.storage.tag_sums import digest_of_value

LIST_TAGS = """
-- erased_tags.erase_customer_tags
select number from tracked_tag where workspace_id = ?
"""
DELETE_PAIRS = """
-- erased_tags.erase_customer_tags
delete from usage_pair_day where workspace_id = ? and kind = ? and other = ?
"""
FIND_VALUE = """
-- erased_tags.erase_customer_tags
select id from tag_value where workspace_id = ? and number = ? and text = ?
"""
FORGET_VALUE = """
-- erased_tags.erase_customer_tags
update tag_value set text = null, digest = ? where workspace_id = ? and number = ? and id = ?
"""


def _merge(table: str, column: str) -> tuple[str, str]:
    """Adds the rows of a value to those of all others, and deletes them."""
    keys = ["workspace_id", "kind", "bucket", "value"]
    keys += ["other"] if table == "usage_pair_day" else []
    taken = ", ".join(str(OTHER_VALUE) if key == column else key for key in keys)
    where = f"where workspace_id = :workspace_id and kind = :kind and {column} = :value"
    return (
        f"""
-- erased_tags.erase_customer_tags
insert into {table} ({", ".join((*keys, *MEASURES))})
select {taken}, {", ".join(MEASURES)} from {table} {where}
on conflict do update set {", ".join(f"{m} = {m} + excluded.{m}" for m in MEASURES)}
""",  # noqa: S608 - names of tables and columns
        f"""
-- erased_tags.erase_customer_tags
delete from {table} {where}
""",  # noqa: S608 - names of tables and columns
    )


MERGE_QUARTERS, MERGE_DAYS = _merge("usage_quarter", "value"), _merge("usage_day", "value")
MERGE_FIRST, MERGE_OTHER = _merge("usage_pair_day", "value"), _merge("usage_pair_day", "other")


def erase_customer_tags(
    connection: sqlite3.Connection, workspace_id: int, customer: int, names: Collection[str]
) -> int:
    """`names`: by which the customer is known. How many rows of pairs went."""
    numbers = [number for (number,) in connection.execute(LIST_TAGS, (workspace_id,)).fetchall()]
    removed = 0
    for number in numbers:
        code = pair_code(TAG_KINDS + number, Kind.CUSTOMER)
        removed += connection.execute(DELETE_PAIRS, (workspace_id, code, customer)).rowcount
        for name in names:
            row = connection.execute(FIND_VALUE, (workspace_id, number, name)).fetchone()
            if row is not None:
                _forget_value(connection, workspace_id, number, row[0], numbers)
                digest = digest_of_value(workspace_id, name)
                connection.execute(FORGET_VALUE, (digest, workspace_id, number, row[0]))
    return removed


def _forget_value(
    connection: sqlite3.Connection, workspace_id: int, number: int, value: int, numbers: list[int]
) -> None:
    tag = TAG_KINDS + number
    steps = [(MERGE_QUARTERS, tag), (MERGE_DAYS, tag)]
    steps += [(MERGE_FIRST, pair_code(tag, kind)) for kind in TAG_PARTNERS]
    for other in numbers:
        if other != number:
            first, second = sorted((tag, TAG_KINDS + other))
            steps.append((MERGE_FIRST if first == tag else MERGE_OTHER, pair_code(first, second)))
    for statements, kind in steps:
        for sql in statements:
            connection.execute(sql, {"workspace_id": workspace_id, "kind": kind, "value": value})
