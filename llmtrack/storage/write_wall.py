"""The wall for what is written: what a workspace changes names its workspace, or is refused.

SQLite has no views to write through, so the text of a statement is checked, once a text. While
a connection is `within` a workspace, a statement that changes a table of tenants

- inserts rows that name `workspace_id`,
- updates and deletes rows of one workspace only: one of the conditions that all have to hold
  is `workspace_id = ` and a parameter, and it is never set,
- and binds the workspace that it is within, where the parameter has that name.

Within INSTANCE, where a page changes an account, it changes nothing of any workspace.

What has to cross workspaces is written by `storage/maintenance*.py` and by commands, which are
never within one. Held up by tests/storage/test_write_wall.py.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

INSTANCE = 0
"""The chain of the audit log that belongs to no workspace."""
WITH_INSTANCE_ROWS = "audit_log"

_WRITE = re.compile(
    r"\b(?:(?P<insert>insert|replace)\s+(?:or\s+\w+\s+)?into|(?P<delete>delete\s+from)"
    r"|(?P<update>update)(?:\s+or\s+\w+)?)\s+(?P<table>(?!set\b)[\w.]+)(?P<rest>[^;]*)",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_INNERMOST = re.compile(r"\([^()]*\)")
_QUOTES = re.compile(r"[\"\[\]`]")


class ForbiddenWrite(ValueError):
    """A statement that could change rows of another workspace. A fault of ours."""


class Writing(sqlite3.Connection):
    """The writing connection. Use it as `sqlite3.connect(factory=Writing)`."""

    workspace_id: int | None = None
    _tenants: frozenset[str] = frozenset()

    @contextmanager
    def within(self, workspace_id: int) -> Iterator[None]:
        """For one transaction of one workspace."""
        if not self._tenants:
            self._tenants = tenant_tables(self)
        self.workspace_id = workspace_id
        try:
            yield
        finally:
            self.workspace_id = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.workspace_id is not None:
            self._check(sql, parameters)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        if self.workspace_id is None:
            return super().executemany(sql, parameters)
        rows = list(parameters)
        for row in rows:
            self._check(sql, row)
        return super().executemany(sql, rows)

    def _check(self, sql: str, parameters: Any) -> None:
        if self.workspace_id == INSTANCE:
            check_outside(sql, self._tenants)
        check_form(sql, self._tenants)
        if isinstance(parameters, Mapping) and "workspace_id" in parameters:
            bound = parameters["workspace_id"]
            if bound not in (self.workspace_id, INSTANCE):
                raise ForbiddenWrite(f"within {self.workspace_id}, for {bound}: {sql[:80]}")


def tenant_tables(connection: sqlite3.Connection) -> frozenset[str]:
    """The tables that have rows of workspaces, and the one that has the workspaces."""
    rows = sqlite3.Connection.execute(
        connection,
        "select m.name from sqlite_schema m join pragma_table_info(m.name) c"
        " where m.type = 'table' and c.name = 'workspace_id'",
    )
    return frozenset(row[0] for row in rows) | {"workspace"}


@lru_cache(maxsize=2048)
def check_form(sql: str, tenants: frozenset[str]) -> None:
    """Raises ForbiddenWrite unless all that a statement writes is of one workspace."""
    for write, table in _writes(sql):
        if table in tenants and not _is_scoped(write, table):
            raise ForbiddenWrite(f"a workspace's statement must name its workspace: {sql[:120]}")


@lru_cache(maxsize=512)
def check_outside(sql: str, tenants: frozenset[str]) -> None:
    """Raises ForbiddenWrite if a statement writes what belongs to a workspace."""
    for _, table in _writes(sql):
        if table in tenants and table != WITH_INSTANCE_ROWS:
            raise ForbiddenWrite(f"outside of workspaces, {table} stays as it is: {sql[:120]}")


def _writes(sql: str) -> Iterator[tuple[re.Match[str], str]]:
    """What a statement writes, and to which table."""
    for write in _WRITE.finditer(_QUOTES.sub("", _COMMENTS.sub(" ", sql))):
        yield write, write["table"].lower().removeprefix("main.")


def _is_scoped(write: re.Match[str], table: str) -> bool:
    if write["insert"]:
        columns = re.match(r"\s*\(([^)]*)\)", write["rest"])
        names = [name.strip() for name in columns[1].split(",")] if columns else []
        return table != "workspace" and "workspace_id" in names
    column = "id" if table == "workspace" else "workspace_id"
    changes, _, where = _flat(write["rest"]).partition(" where ")
    conditions = where.partition(" returning ")[0].strip()
    if " or " in conditions or re.search(rf"\bset _|\b{column} =", changes):
        return False
    own = re.compile(rf"(?:{table}\.)?{column} = (?:\?\d*|:workspace_id)")
    return any(own.fullmatch(part.strip()) for part in conditions.split(" and "))


def _flat(text: str) -> str:
    """On one line, in lower case, with `_` for what stands in brackets."""
    while (less := _INNERMOST.sub(" _ ", text)) != text:
        text = less
    return " ".join(text.replace("=", " = ").lower().split()).join("  ")
