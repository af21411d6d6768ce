"""How idempotency keys are remembered as their number grows: noted, then written many at once."""

import os
import sqlite3
import time
from pathlib import Path

from bench.figures import Figure, median
from llmtrack.services.ingest import UNSUMMED_EVENTS_MAX
from llmtrack.storage.event_digests import KEYS, EventDigests
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.pending_sums import PendingSums

BATCH = 64
DIGEST_BYTES = 12
_FILL = 200_000


def idempotency_figures(directory: Path, sizes: list[int]) -> list[Figure]:
    """Keys a second in batches as single events make them, at each number of keys there."""
    path = directory / "keys.db"
    connection = connect_writer(path, create=True)
    migrate(connection)
    connection.execute(
        "insert into workspace (id, public_id, name, created_ms) values (1, 'w', 'w', 0)"
    )
    held, rates = 0, {}
    for size in [0, *sizes]:
        while held < size:
            more = min(_FILL, size - held)
            connection.execute("begin immediate")
            KEYS.add(connection, [(1, bytearray(key)) for _, key in sorted(_new_keys(more))])
            connection.execute("commit")
            held += more
        rates[size] = median([_rate(connection) for _ in range(3)])
    bytes_each = path.stat().st_size / max(held, 1)
    connection.close()
    return [
        Figure(
            f"idempotency keys/s at {size:,} keys",
            f"{rates[0]:,.0f}/s empty",
            f"{rates[size]:,.0f}/s",
            "",
            f"{bytes_each:.0f} bytes each",
            rates[size] / rates[0],
            0.85,
        )
        for size in sizes
    ]


def _rate(connection: sqlite3.Connection) -> float:
    """With all that it takes: looked for, noted durably, and written into their tables."""
    pending = PendingSums()
    count, noted, begun = 0, 0, time.monotonic()
    while (passed := time.monotonic() - begun) < 4:
        connection.execute("begin immediate")
        pending.follow(connection)
        digests = EventDigests(_new_keys(BATCH), {})
        if not digests.are_new(connection, pending.digests):
            raise RuntimeError("two random keys are the same")
        pending.note(connection, [], digests)
        connection.execute("commit")
        pending.committed(connection)
        count, noted = count + BATCH, noted + BATCH
        if noted >= UNSUMMED_EVENTS_MAX:
            connection.execute("begin immediate")
            pending.settle(connection)
            connection.execute("commit")
            noted = 0
    return count / passed


def _new_keys(count: int) -> set[tuple[int, bytes]]:
    return {(1, os.urandom(DIGEST_BYTES)) for _ in range(count)}
