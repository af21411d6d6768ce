"""kill -9 at any write of an upgrade: the next start completes it, and a backup was made."""

import gzip
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from llmtrack.services.backup import verify
from llmtrack.storage.schema import MIGRATIONS

from .conftest import LONG, Appliance
from .injection import Faults, Injection

OLDEST = min((Path(__file__).parents[1] / "golden" / "databases").glob("*.db.gz"))
KILLS = 40 if LONG else 8


def schema_of(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("pragma user_version").fetchone()[0])


def killed(appliance: Appliance) -> bool:
    """Whether a start was cut off before it was ready."""
    ready = appliance.log.count("Ready on")
    process = appliance.launch()
    while appliance.log.count("Ready on") == ready:
        if process.poll() is not None:
            return process.returncode == -signal.SIGKILL
        time.sleep(0.02)
    return False


def test_every_interrupted_upgrade_is_completed_by_the_next_start(
    appliance: Appliance, injection: Injection
) -> None:
    database = appliance.data_dir / "llmtrack.db"
    database.write_bytes(gzip.decompress(OLDEST.read_bytes()))
    first = schema_of(database)
    assert first < len(MIGRATIONS)
    seen = []
    for number in range(KILLS):
        # Each time at a later write or sync, counted from the start of the process.
        injection.set(Faults(kill_after=1 + number * 3))
        if not killed(appliance):
            appliance.stop(signal.SIGKILL)
            break
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        seen.append(schema_of(database))
    assert len(seen) > 3
    assert seen == sorted(seen), "an upgrade never goes back"
    injection.set(Faults())
    appliance.start()
    assert appliance.stop() == 0

    assert schema_of(database) == len(MIGRATIONS)
    copies = sorted((appliance.data_dir / "backups").glob(f"*-schema-{first}.db"))
    assert copies, "there is a way back"
    verify(copies[0])
    appliance.run("check", "db", "data")
    print(f"{len(seen)} kills, schemas {sorted(set(seen))}")  # noqa: T201
