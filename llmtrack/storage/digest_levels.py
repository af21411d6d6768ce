"""Digests in tables of growing size: a log-structured merge tree (O'Neil et al., 1996) in SQLite.

Digests are random, so in a table that is larger than a batch each new one dirties a page of its
own, and each page goes through the WAL: past a million digests that was most of what an event
cost. So a batch goes into a small table, whose pages it shares. What is too much there moves on
in the order of its digests, a slice at a time: in the next table, eight times as large, some
twenty share a page again; and so on, to the one that holds all the rest. A digest is moved once
a level and looked for once a level, however many there are.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from llmtrack.storage.many_rows import SIZES, ManyRows

DIGESTS_MAX = (32_768, 262_144, 2_097_152)
"""Of each level before the last, in all workspaces."""
LEVELS = range(1, len(DIGESTS_MAX) + 1)
SLICE_DIGESTS = 2048

Key = tuple[int, bytes]
"""workspace_id and digest."""
Row = tuple[Any, ...]
"""workspace_id, digest, and what is known of it."""

_START: Key = (0, b"")
_END: Key = (2**63 - 1, b"")

FIND_LEVEL = """
-- digest_levels.add
select digests, moved_workspace, moved_digest from digest_level where name = ?
"""
WRITE_LEVEL = """
-- digest_levels.add
insert into digest_level (name, digests, moved_workspace, moved_digest) values (?, ?, ?, ?)
on conflict do update set
  digests = excluded.digests,
  moved_workspace = excluded.moved_workspace,
  moved_digest = excluded.moved_digest
"""


class Tree:
    """All levels of one kind of digest: `tables`, from the first to the one with all the rest."""

    def __init__(self, table: str, *known: str) -> None:
        """`table`: the last, which names the others; `known`: its columns besides the key."""
        self.tables = (*(f"{table}_{level}" for level in LEVELS), table)
        columns = ("workspace_id", "digest", *known)
        # A row that comes later tells of something later than the one that lies deeper.
        changes = ", ".join(f"{name} = excluded.{name}" for name in known)
        rest = f"on conflict do update set {changes}" if known else "on conflict do nothing"
        self._insert = ManyRows("digest_levels.add", self.tables[0], columns, rest)
        self._levels = [
            _Level(table, target, ", ".join(columns), rest, most)
            for table, target, most in zip(self.tables, self.tables[1:], DIGESTS_MAX, strict=False)
        ]
        self._finds = [_find(table, ", ".join(columns)) for table in self.tables]
        self._finds_any = {size: _find_any(self.tables, size) for size in SIZES}

    def knows_any(self, connection: sqlite3.Connection, keys: Collection[Key]) -> bool:
        """Whether one of them is there."""
        by_workspace: dict[int, list[bytearray]] = {}
        for workspace_id, digest in keys:
            by_workspace.setdefault(workspace_id, []).append(bytearray(digest))
        return any(
            connection.execute(self._finds_any[len(part)], (workspace_id, *part)).fetchone()[0]
            for workspace_id, digests in by_workspace.items()
            for part in _parts(digests)
        )

    def find(self, connection: sqlite3.Connection, key: Key) -> Row | None:
        """Its row, the latest if there are several."""
        for sql in self._finds:
            if row := connection.execute(sql, key).fetchone():
                return tuple(row)
        return None

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Add rows, in the order of their keys, and move on what is too much of a level."""
        added = self._insert.insert(connection, rows)
        for level in self._levels:
            if not added:
                break
            added = level.take(connection, added)


class _Level:
    """One table before the last, and how it is moved on into the next."""

    def __init__(self, table: str, target: str, columns: str, rest: str, most: int) -> None:
        slice_of = f"""
        from {table}
        where (workspace_id, digest) > (?, ?) and (workspace_id, digest) <= (?, ?)
        """
        self._table = table
        self._most = most
        self._find_end = f"""
        -- digest_levels.move
        select workspace_id, digest
        from {table}
        where (workspace_id, digest) > (?, ?)
        order by workspace_id, digest
        limit 1 offset {SLICE_DIGESTS - 1}
        """  # noqa: S608 - names and numbers of ours
        self._copy = f"""
        -- digest_levels.move
        insert into {target} ({columns}) select {columns} {slice_of} {rest}
        """
        self._delete = f"""
        -- digest_levels.move
        delete {slice_of}
        """

    def take(self, connection: sqlite3.Connection, added: int) -> int:
        """Count what was added here; how many rows that has added to the next level."""
        row = connection.execute(FIND_LEVEL, (self._table,)).fetchone()
        digests, *after = row or (0, *_START)
        digests += added
        passed_on = 0
        while digests > self._most:
            end = connection.execute(self._find_end, after).fetchone()
            bounds = (*after, *(end or _END))
            passed_on += connection.execute(self._copy, bounds).rowcount
            moved = connection.execute(self._delete, bounds).rowcount
            # All were moved: so it is empty, whatever the count has missed that was erased.
            digests = 0 if end is None and tuple(after) == _START else digests - moved
            after = end or _START
        connection.execute(WRITE_LEVEL, (self._table, digests, *after))
        return passed_on


def _find(table: str, columns: str) -> str:
    return f"""
    -- digest_levels.find
    select {columns} from {table} where workspace_id = ? and digest = ?
    """  # noqa: S608


def _find_any(tables: Sequence[str], size: int) -> str:
    marks = ", ".join(f"?{place + 2}" for place in range(size))
    found = [
        f"select 1 from {table} where workspace_id = ?1 and digest in ({marks})"  # noqa: S608
        for table in tables
    ]
    return f"-- digest_levels.knows_any\nselect exists ({' union all '.join(found)})"


def _parts(digests: list[bytearray]) -> Iterator[list[bytearray]]:
    """In as many as a statement has room for, filled up with the last."""
    for start in range(0, len(digests), SIZES[0]):
        part = digests[start : start + SIZES[0]]
        size = min(size for size in SIZES if size >= len(part))
        yield part + part[-1:] * (size - len(part))
