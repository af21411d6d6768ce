"""The dictionary of a workspace's names: each text once, everywhere else a small integer.

Only the writer assigns ids; its cache lives as long as nothing else has written.
"""

import sqlite3

from llmtrack.storage.dimensions import Kind

FIND_NAME = """
-- names.id_of
select id, label from name where workspace_id = ? and kind = ? and text = ?
"""
LAST_NAME_ID = """
-- names.id_of
select coalesce(max(id), 0) from name where workspace_id = ?
"""
ADD_NAME = """
-- names.id_of
insert into name (workspace_id, id, kind, text) values (?, ?, ?, ?)
"""
SET_LABEL = """
-- names.set_label
update name set label = ? where workspace_id = ? and id = ?
"""

CACHE_ENTRIES_MAX = 200_000


class NameCache:
    """Names this writer has seen. `forget` when a transaction failed or another process wrote."""

    def __init__(self) -> None:
        self._ids: dict[tuple[int, int, str], int] = {}
        self._labels: dict[tuple[int, int], str | None] = {}
        self._last_ids: dict[int, int] = {}

    def forget(self) -> None:
        self._ids.clear()
        self._labels.clear()
        self._last_ids.clear()

    def id_of(
        self, connection: sqlite3.Connection, workspace_id: int, kind: Kind, text: str
    ) -> int:
        found = self._ids.get((workspace_id, kind, text))
        if found is not None:
            return found
        if len(self._ids) >= CACHE_ENTRIES_MAX:
            self.forget()
        row = connection.execute(FIND_NAME, (workspace_id, kind, text)).fetchone()
        name_id: int
        if row is None:
            name_id = self._next_id(connection, workspace_id)
            connection.execute(ADD_NAME, (workspace_id, name_id, kind, text))
            self._labels[workspace_id, name_id] = None
        else:
            name_id = row[0]
            self._labels[workspace_id, name_id] = row[1]
        self._ids[workspace_id, kind, text] = name_id
        return name_id

    def set_label(
        self, connection: sqlite3.Connection, workspace_id: int, name_id: int, label: str
    ) -> None:
        """Remember the latest display name of a customer."""
        if self._labels.get((workspace_id, name_id)) != label:
            connection.execute(SET_LABEL, (label, workspace_id, name_id))
            self._labels[workspace_id, name_id] = label

    def _next_id(self, connection: sqlite3.Connection, workspace_id: int) -> int:
        last = self._last_ids.get(workspace_id)
        if last is None:
            last = int(connection.execute(LAST_NAME_ID, (workspace_id,)).fetchone()[0])
        self._last_ids[workspace_id] = last + 1
        return last + 1
