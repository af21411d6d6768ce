"""Views of What if that were kept before its model was called `target` show what they did."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer

BEFORE = Path(__file__).parents[1] / "golden" / "databases" / "schema-23.db.gz"
VIEWS = {
    ("what-if", "period=7d&to=openai%2Fgpt-4o"): "period=7d&target=openai%2Fgpt-4o",
    ("what-if", "to=a%2Fto&feature=to"): "target=a%2Fto&feature=to",
    ("explore", "from=2026-11-01&to=2026-11-02"): "from=2026-11-01&to=2026-11-02",
}


def test_the_model_is_found_under_its_new_name(tmp_path: Path) -> None:
    path = tmp_path / "llmtrack.db"
    path.write_bytes(gzip.decompress(BEFORE.read_bytes()))
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("insert into user (id, public_id, email, created_ms) values (9, 'u', 'e', 0)")
        old.executemany(
            "insert into saved_view values (1, ?, 9, 'kept', ?, ?, 0, 0)",
            [(number, *view) for number, view in enumerate(VIEWS)],
        )
        old.executemany(
            "insert into shared_link values (1, ?, ?, 'kept', ?, ?, 0, '', 1, null, null)",
            [(number, bytes([number]), *view) for number, view in enumerate(VIEWS)],
        )
    with closing(connect_writer(path)) as connection:
        migrate(connection)
        for table in ("saved_view", "shared_link"):
            rows = connection.execute(f"select query from {table} order by id")  # noqa: S608 - ours
            assert [row[0] for row in rows] == list(VIEWS.values())
