"""Migrations run once, also when several processes open a new file at the same moment."""

import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import FrameType

import pytest

from llmtrack.storage import migrating
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer
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


def test_a_signal_is_heard_in_the_middle_of_a_long_step_which_is_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = (
        "create table long_step (n integer) strict;\n"
        "insert into long_step with recursive more(n) as"
        " (select 1 union all select n + 1 from more) select n from more"
    )
    monkeypatch.setattr(migrating, "MIGRATIONS", (*MIGRATIONS, endless))
    heard: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal wants it
        heard.append(number)
        raise SystemExit(0)

    before = signal.signal(signal.SIGALRM, end)
    try:
        with closing(connect_writer(tmp_path / "x.db", create=True)) as connection:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises((SystemExit, sqlite3.OperationalError)):
                migrate(connection)
            assert heard == [signal.SIGALRM]
            assert not connection.in_transaction
            assert connection.execute("pragma user_version").fetchone()[0] == len(MIGRATIONS)
            assert not connection.execute(
                "select 1 from sqlite_schema where name = 'long_step'"
            ).fetchall()
    finally:
        signal.signal(signal.SIGALRM, before)
