"""What some events are known by: their idempotency keys, and the responses that they tell of."""

import sqlite3
import struct
from typing import NamedTuple

from llmtrack.storage.digest_levels import Key, Tree

KEYS = Tree("idempotency")
RESPONSES = Tree("response", "timestamp_ms", "event_id")

Place = tuple[int, int]
"""timestamp_ms and id of an event, in its workspace."""

_NOTED = struct.Struct("<?Bq16sqq")
"""Whether it is a response, how long, workspace_id, digest, and the event of a response."""


class EventDigests(NamedTuple):
    keys: set[Key]
    responses: dict[Key, Place]

    @classmethod
    def none(cls) -> "EventDigests":
        return cls(set(), {})

    @classmethod
    def unpack(cls, packed: bytes) -> "EventDigests":
        found = cls.none()
        for is_response, length, workspace_id, digest, *place in _NOTED.iter_unpack(packed):
            key = workspace_id, digest[:length]
            if is_response:
                found.responses[key] = (place[0], place[1])
            else:
                found.keys.add(key)
        return found

    def pack(self) -> bytes:
        pack = _NOTED.pack
        keys = [pack(False, len(digest), at, digest, 0, 0) for at, digest in self.keys]
        responses = [
            pack(True, len(digest), at, digest, *place)
            for (at, digest), place in self.responses.items()
        ]
        return b"".join(keys + responses)

    def update(self, later: "EventDigests") -> None:
        self.keys.update(later.keys)
        self.responses.update(later.responses)

    def are_new(self, connection: sqlite3.Connection, noted: "EventDigests") -> bool:
        """Whether none of them is known, in the file or among what is noted."""
        return (
            self.keys.isdisjoint(noted.keys)
            and noted.responses.keys().isdisjoint(self.responses)
            and not KEYS.knows_any(connection, self.keys)
            and not RESPONSES.knows_any(connection, self.responses)
        )

    def write(self, connection: sqlite3.Connection) -> None:
        """Into their tables, in the caller's transaction."""
        # A bytearray is bound quicker than bytes, for which sqlite3 looks for an adapter.
        KEYS.add(connection, [(at, bytearray(digest)) for at, digest in sorted(self.keys)])
        RESPONSES.add(
            connection,
            [
                (at, bytearray(digest), *place)
                for (at, digest), place in sorted(self.responses.items())
            ],
        )
