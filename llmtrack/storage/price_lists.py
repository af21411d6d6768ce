"""Imported price lists: append-only, the newest one holds, before the one that is shipped."""

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from llmtrack.domain.errors import AlreadyExists
from llmtrack.storage.audit import Actor, record
from llmtrack.storage.database import Database


class ImportedList(NamedTuple):
    id: int
    source: str
    version: str
    price_date: str
    """The day of its prices, YYYY-MM-DD."""
    sha256: str
    """Of the list as it holds here."""
    file_sha256: str
    """Of the file that was imported: what was held back of it is as it was before."""
    imported_ms: int
    imported_by: str
    note: str
    held_back: Sequence[str]
    """`provider/model` of each row that was not taken over."""


_FIELDS = """
id, source, version, price_date, sha256, file_sha256, imported_ms, imported_by, note, held_back
"""
READ_LISTS = f"""
-- price_lists.imported_lists
select {_FIELDS} from price_list order by id desc
"""  # noqa: S608 - names of columns
READ_NEWEST_ID = """
-- price_lists.newest_list_id
select coalesce(max(id), 0) from price_list
"""
READ_DATA = """
-- price_lists.list_data
select data from price_list where id = :list_id
"""
READ_DATA_OF_VERSION = """
-- price_lists.data_of_version
select data from price_list where version = :version
"""
FIND_LIST = """
-- price_lists.add_list
select version from price_list where sha256 = :sha256
"""
ADD_LIST = """
-- price_lists.add_list
insert into price_list (
  source, version, price_date, sha256, file_sha256, imported_ms, imported_by, note, held_back, data
)
values (
  :source, :version, :price_date, :sha256, :file_sha256, :now_ms, :by, :note, :held_back, :data
)
returning id
"""


async def imported_lists(database: Database) -> list[ImportedList]:
    """The newest first."""
    rows = await database.rows(READ_LISTS)
    return [ImportedList(**dict(row) | {"held_back": json.loads(row["held_back"])}) for row in rows]


async def newest_list_id(database: Database) -> int:
    """0 while nothing was imported."""
    [row] = await database.rows(READ_NEWEST_ID)
    return int(row[0])


async def list_data(database: Database, list_id: int) -> bytes:
    """The list's own file, as `domain.price_list.parse_price_list` reads it."""
    [row] = await database.rows(READ_DATA, list_id=list_id)
    return gzip.decompress(row[0])


async def data_of_version(database: Database, version: str) -> bytes | None:
    rows = await database.rows(READ_DATA_OF_VERSION, version=version)
    return gzip.decompress(rows[0][0]) if rows else None


def add_list(
    connection: sqlite3.Connection,
    *,
    source: str,
    version: str,
    price_date: str,
    data: bytes,
    file_sha256: str,
    held_back: Sequence[str],
    note: str,
    by: Actor,
    now_ms: int,
) -> int:
    """Append a list, which holds from now on. Raises AlreadyExists when it is there."""
    sha256 = hashlib.sha256(data).hexdigest()
    found = connection.execute(FIND_LIST, {"sha256": sha256}).fetchone()
    if found is not None:
        raise AlreadyExists(f"this price list was imported already, as {found[0]}")
    values = {
        "source": source,
        "version": version,
        "price_date": price_date,
        "sha256": sha256,
        "file_sha256": file_sha256,
        "held_back": json.dumps(list(held_back)),
        "note": note,
        "by": by.text,
        "now_ms": now_ms,
        "data": gzip.compress(data, mtime=0),
    }
    [list_id] = connection.execute(ADD_LIST, values).fetchone()
    record(
        connection,
        workspace_id=None,
        actor=by,
        action="price_list.import",
        target=version,
        details={"source": source, "file_sha256": file_sha256, "held_back": list(held_back)},
        now_ms=now_ms,
    )
    return int(list_id)
