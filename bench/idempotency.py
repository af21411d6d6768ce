"""How the table of idempotency keys takes new keys as it grows."""

import os
import time
from pathlib import Path

from bench.figures import Figure, median
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer
from llmtrack.storage.usage import REMEMBER_KEYS

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
            # A tenth more at a time, so that no page is written over and over.
            more = min(max(_FILL, held // 10), size - held)
            connection.execute("begin immediate")
            held += REMEMBER_KEYS.insert(connection, _new_keys(more))
            connection.execute("commit")
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


def _rate(connection: object) -> float:
    count, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < 2:
        connection.execute("begin immediate")  # type: ignore[attr-defined]
        REMEMBER_KEYS.insert(connection, _new_keys(BATCH))  # type: ignore[arg-type]
        connection.execute("commit")  # type: ignore[attr-defined]
        count += BATCH
    return count / passed


def _new_keys(count: int) -> list[tuple[int, bytearray]]:
    return sorted((1, bytearray(os.urandom(DIGEST_BYTES))) for _ in range(count))
