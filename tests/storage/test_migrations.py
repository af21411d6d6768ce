"""Migrations run once, also when several processes open a new file at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from llmtrack.storage.database import connect_writer, migrate
from llmtrack.storage.schema import MIGRATIONS


def open_new(path: Path) -> int:
    with closing(connect_writer(path, create=True)) as connection:
        migrate(connection)
        return int(connection.execute("pragma user_version").fetchone()[0])


def test_four_who_open_a_new_file_at_once_all_succeed(tmp_path: Path) -> None:
    for number in range(5):
        with ThreadPoolExecutor(4) as pool:
            versions = list(pool.map(open_new, [tmp_path / f"{number}.db"] * 4))
        assert versions == [len(MIGRATIONS)] * 4
