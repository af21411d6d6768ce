"""kill -9 at any write of a purge: it goes on where it stopped, totals add up, nothing is left."""

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing

import pytest

from llmtrack.services.ingest import Ingest
from llmtrack.storage.database import Database
from tests.events import NOW_MS, make_event

from .conftest import LONG, Appliance
from .injection import Faults, Injection

MARKER = "ZANZIBAR-7391"
EVENTS = 8000 if LONG else 2500
STRIDE = 4 if LONG else 25
KILLS_MAX = 60
PURGES = {
    "events": ("purge", "events", "--older-than", "30d", "--yes"),
    "customer": ("purge", "customer", MARKER, "--workspace", "Acme", "--yes"),
    "workspace": ("purge", "workspace", "Acme", "--yes"),
}


async def fill(appliance: Appliance) -> None:
    """Events of one price, every second one of the customer who goes."""
    database = await Database.open(appliance.data_dir / "llmtrack.db")
    ingest = Ingest(database)
    for start in range(0, EVENTS, 500):
        await ingest.add(
            [
                make_event(
                    timestamp_ms=NOW_MS - number * 60_000,
                    customer_id=MARKER if number % 2 else "other",
                    response_id=f"response {number}",
                    metadata=f'{{"note":"{MARKER if number % 2 else "-"}"}}',
                )
                for number in range(start, start + 500)
            ]
        )
    await ingest.close()
    await database.close()


@pytest.fixture
def killed(appliance: Appliance, injection: Injection) -> Callable[..., bool]:
    """Runs a command that is killed at a write; whether it was."""

    def run(after: int, *args: str) -> bool:
        injection.set(Faults(kill_after=after))
        done = subprocess.run(
            appliance.command(*args),
            capture_output=True,
            check=False,
            env={**os.environ, **injection.environment},
        )
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        return done.returncode != 0

    return run


def is_sound_and_begun(appliance: Appliance) -> bool:
    with closing(sqlite3.connect(appliance.data_dir / "llmtrack.db")) as connection:
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        return bool(connection.execute("select count(*) from deletion_ledger").fetchone()[0])


@pytest.mark.parametrize("kind", list(PURGES))
def test_a_purge_that_is_killed_again_and_again_is_completed(
    appliance: Appliance, killed: Callable[..., bool], kind: str
) -> None:
    appliance.create_key()
    asyncio.run(fill(appliance))
    kills, command = 0, PURGES[kind]
    while kills < KILLS_MAX and killed(1 + kills * STRIDE, *command):
        kills += 1
        if is_sound_and_begun(appliance):
            command = ("purge", "run")  # from here on it is completed
    appliance.run("purge", "run")

    assert kills > 3
    appliance.run("check", "db", "data")
    ledger = appliance.json("purge", "ledger")
    assert {entry["kind"] for entry in ledger} == {kind}
    assert all(entry["finished"] for entry in ledger)
    assert len(appliance.json("workspaces", "list")) == (kind != "workspace")
    if kind != "workspace":
        assert len(appliance.events()) == (EVENTS // 2 if kind == "customer" else 0)
        [usage] = appliance.json("usage", "--workspace", "Acme", "--from", "2025-01-01")
        assert usage["events"] == EVENTS, "totals stay"
    if kind != "events":
        left = [path.read_bytes() for path in appliance.data_dir.glob("llmtrack.db*")]
        assert MARKER.encode() not in b"".join(left)
    print(f"{kind}: {kills} kills")  # noqa: T201
