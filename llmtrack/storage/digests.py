"""Digests of what clients name: idempotency keys, and the ids of responses.

How long they are is each workspace's own: 12 bytes, but 16 where the table had such ones before,
so that what was sent once is known for good and no table is written anew.
"""

import hashlib
import sqlite3

FIND_DIGEST_BYTES = """
-- digests.digest_bytes
select digest_bytes from workspace where id = ?
"""


def digest_bytes(connection: sqlite3.Connection, workspace_id: int) -> int:
    """How long the workspace's digests are."""
    return int(connection.execute(FIND_DIGEST_BYTES, (workspace_id,)).fetchone()[0])


def digest_of(text: str, length: int) -> bytes:
    """The beginning of the SHA-256, `length` bytes of it.

    With 96 bits two of 10^9 keys of a workspace are the same with a chance of 6 in 10^12.
    """
    # A header's bytes that are not UTF-8 reach us as surrogates.
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()[:length]
