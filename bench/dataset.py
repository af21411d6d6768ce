"""A file of millions of events in minutes.

One workspace is seeded by `llmtrack demo seed`; the others are copies of its rows under
another workspace's number, so that all totals stay exact and `llmtrack check data` agrees.
"""

import sqlite3
from pathlib import Path

from bench.servers import run, set_up
from llmtrack.storage.event_digests import KEYS, RESPONSES

WORKSPACES = 10
_COPIED = (
    *("name", "api_key", "membership", "event", "quota_month", *KEYS.tables, *RESPONSES.tables),
    *("usage_quarter", "usage_day", "usage_pair_day", "latency_quarter", "latency_day"),
    "usage_pack",
)


def make_dataset(data_dir: Path, events: int) -> str:
    """Ten workspaces, `events` between them; gives back an API key of an empty eleventh."""
    key = set_up(data_dir)
    run(data_dir, "demo", "seed", "--events", str(events // WORKSPACES), "--name", "Demo")
    connection = sqlite3.connect(data_dir / "llmtrack.db", isolation_level=None)
    connection.execute("pragma synchronous=off")
    connection.execute("pragma cache_size=-200000")
    [seeded] = connection.execute("select id from workspace where name = 'Demo'").fetchone()
    for place in range(1, WORKSPACES):
        connection.execute("begin immediate")
        _copy(connection, seeded, seeded + place)
        connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    return key


def _copy(connection: sqlite3.Connection, seeded: int, to: int) -> None:
    connection.execute(
        "insert into workspace (id, public_id, name, time_zone, created_ms)"
        " select ?, public_id || ?, name || ?, time_zone, created_ms from workspace where id = ?",
        (to, f"x{to}", f" {to}", seeded),
    )
    for table in _COPIED:
        columns = [
            row[1]
            for row in connection.execute(f"pragma table_info({table})")  # a name of ours
            if row[1] != "workspace_id"
        ]
        listed = ", ".join(columns)
        connection.execute(
            f"insert into {table} (workspace_id, {listed})"  # noqa: S608
            f" select ?, {listed} from {table} where workspace_id = ?",
            (to, seeded),
        )
