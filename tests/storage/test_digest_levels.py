"""Digests sink through the levels: none is lost on the way, and the latest is what is found."""

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrack.storage import digest_levels
from llmtrack.storage.digest_levels import Key, Tree
from llmtrack.storage.event_digests import KEYS, RESPONSES, EventDigests
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer

SMALL = (40, 160, 640)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect_writer(tmp_path / "x.db", create=True)) as connection:
        migrate(connection)
        yield connection


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_levels, "DIGESTS_MAX", SMALL)
    monkeypatch.setattr(digest_levels, "SLICE_DIGESTS", 8)


def keys(count: int, workspace_id: int = 1) -> list[Key]:
    return sorted((workspace_id, os.urandom(12)) for _ in range(count))


def sizes(connection: sqlite3.Connection, tree: Tree) -> list[int]:
    counts = [f"(select count(*) from {table})" for table in tree.tables]  # noqa: S608
    return list(connection.execute(f"select {', '.join(counts)}").fetchone())


@pytest.mark.usefixtures("small")
def test_what_is_too_much_for_a_level_moves_on(file: sqlite3.Connection) -> None:
    tree = Tree("idempotency")
    added: list[Key] = []
    for round_ in range(60):
        new = keys(30, workspace_id=1 + round_ % 3)
        tree.add(file, new)
        added += new

    found = sizes(file, tree)
    assert sum(found) == len(added)
    assert all(size <= most for size, most in zip(found, SMALL, strict=False))
    assert found[-1] >= len(added) - sum(SMALL)
    counted = dict(file.execute("select name, digests from digest_level"))
    assert list(counted.values()) == found[:-1]
    assert all(tree.find(file, key) for key in added)
    assert not tree.knows_any(file, keys(200))
    assert all(tree.knows_any(file, [*keys(5), key]) for key in random.sample(added, 50))


def test_no_digest_is_of_another_workspace(file: sqlite3.Connection) -> None:
    [(_, digest)] = ours = keys(1)
    KEYS.add(file, ours)

    assert KEYS.knows_any(file, ours)
    assert not KEYS.knows_any(file, [(2, digest)])
    assert KEYS.find(file, (2, digest)) is None


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_latest_of_a_digest_is_found_wherever_the_others_are(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - examples
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest_levels, "DIGESTS_MAX", (4, 12, 40))
        patch.setattr(digest_levels, "SLICE_DIGESTS", 3)
        tree = Tree("response", "timestamp_ms", "event_id")
        path = tmp_path_factory.mktemp("levels") / "x.db"
        with closing(connect_writer(path, create=True)) as connection:
            migrate(connection)
            latest: dict[Key, tuple[int, int]] = {}
            for _ in range(rng.randrange(1, 40)):
                rows = {
                    (rng.randrange(1, 3), bytes([rng.randrange(120)])): (rng.randrange(99), 0)
                    for _ in range(rng.randrange(1, 9))
                }
                latest |= rows
                tree.add(connection, [(*key, *place) for key, place in sorted(rows.items())])

            for key, place in latest.items():
                assert tree.find(connection, key) == (*key, *place)


@pytest.mark.usefixtures("small")
def test_a_level_whose_rows_were_erased_starts_anew(file: sqlite3.Connection) -> None:
    tree = Tree("idempotency")
    tree.add(file, keys(SMALL[0]))
    file.execute(f"delete from {tree.tables[0]}")  # noqa: S608

    tree.add(file, keys(1))

    assert file.execute("select digests from digest_level").fetchone()[0] == 0
    assert sum(sizes(file, tree)) == 1


def test_digests_of_both_lengths_are_noted_and_read_again() -> None:
    digests = EventDigests(
        {(1, os.urandom(12)), (2, os.urandom(16))}, {(3, b"\0" * 12): (-5, 2**62 - 1)}
    )

    assert EventDigests.unpack(digests.pack()) == digests
    assert EventDigests.unpack(b"") == EventDigests.none()


def test_no_look_up_reads_a_table(file: sqlite3.Connection) -> None:
    for tree in (KEYS, RESPONSES):
        for sql in (*tree._finds, *tree._finds_any.values()):
            marks = max(2, sql.count("?") // (len(tree.tables) if "union" in sql else 1))
            values = [b""] * marks
            plan = [row[3] for row in file.execute(f"explain query plan {sql}", values)]
            assert plan
            assert not [line for line in plan if line.startswith("SCAN") and "CONSTANT" not in line]
