"""A page, a log or an index that is not what it was: nothing is built on it unseen."""

import json
import random
import signal
from pathlib import Path

import pytest

from llmtrack.domain.errors import LLMtrackError
from llmtrack.services.page_check import DatabaseDamaged, check_pages, check_pages_meanwhile

from .conftest import Appliance
from .test_kill import SENDERS, end, started, wait_for

PAGE_BYTES = 4096


def damage(database: Path, page: int) -> None:
    """Overwrite the second half of a page, as a bad disk might."""
    with database.open("r+b") as file:
        file.seek(page * PAGE_BYTES + PAGE_BYTES // 2)
        file.write(random.Random(page).randbytes(PAGE_BYTES // 2))  # noqa: S311


def damaged_pages(database: Path) -> list[int]:
    """Pages whose damage SQLite notices: free space may hold anything."""
    whole = database.read_bytes()
    found = []
    for page in range(1, len(whole) // PAGE_BYTES):
        damage(database, page)
        try:
            check_pages(database, database.parent)
        except LLMtrackError:
            found.append(page)
        database.write_bytes(whole)
    return found


@pytest.fixture
def filled(appliance: Appliance) -> Appliance:
    """Stopped, with some events and a backup."""
    appliance.start()
    senders = started(appliance)
    wait_for(senders, 300)
    end(senders)
    assert appliance.stop() == 0
    appliance.run("backup", "create")
    return appliance


async def test_the_server_refuses_it_and_names_the_newest_good_backup(filled: Appliance) -> None:
    database = filled.data_dir / "llmtrack.db"
    found = damaged_pages(database)
    page = found[len(found) // 2]
    damage(database, page)
    before = database.read_bytes()

    assert filled.launch().wait(60) == 6
    assert "is damaged" in filled.log
    assert "Traceback" not in filled.log
    [backup] = (filled.data_dir / "backups").glob("*.db")
    assert f"llmtrack backup restore {backup} --yes" in filled.log
    assert database.read_bytes() == before, "nothing was changed"

    # A large file is read while it serves; that finds it as well.
    with pytest.raises(DatabaseDamaged):
        await check_pages_meanwhile(database, filled.data_dir / "backups")

    filled.run("backup", "restore", str(backup), "--yes")
    filled.start()
    assert filled.stop() == 0


@pytest.mark.parametrize("cut", ["half", "some bytes", "all", "removed"])
def test_a_log_that_was_cut_loses_nothing_before_the_cut(appliance: Appliance, cut: str) -> None:
    """What a machine may leave that lies about its syncs: a prefix of the log."""
    appliance.start()
    senders = started(appliance)
    wait_for(senders, 200)
    appliance.stop(signal.SIGKILL)
    acknowledged = end(senders)
    wal = appliance.data_dir / "llmtrack.db-wal"
    shm = appliance.data_dir / "llmtrack.db-shm"
    whole = wal.read_bytes()
    if cut == "removed":
        wal.unlink()
    else:
        kept = {"half": len(whole) // 2, "some bytes": len(whole) - 100, "all": 0}[cut]
        wal.write_bytes(whole[:kept])
    if cut == "half":
        shm.unlink()  # an index of the log that fits no more
    else:
        shm.write_bytes(b"x" * shm.stat().st_size)

    appliance.start()
    key = appliance.create_key("again")["key"]
    event = {"provider": "openai", "model": "gpt-4o-mini", "feature": "after"}
    assert appliance.post(json.dumps(event).encode(), {"x-api-key": key})[0] == 200
    assert appliance.stop() == 0
    stored = {event["feature"] for event in appliance.events()} - {"after"}
    # What was in flight at the kill may be stored without an answer.
    assert len(stored - acknowledged) <= SENDERS
    if cut == "some bytes":
        # The last commit alone; nobody waits in the log for more than that.
        assert len(acknowledged - stored) <= 50
    appliance.run("check", "db", "data")


def test_a_second_server_is_refused_and_told_of_the_first(server: Appliance) -> None:
    second = Appliance.__new__(Appliance)
    second.__dict__ |= server.__dict__
    second.log_file = server.log_file.with_name("second.log")
    assert server.process is not None
    first = server.process
    try:
        assert second.launch().wait(60) != 0
        assert second.process is not None
        assert second.process.returncode == 69
        assert f"pid {first.pid}" in second.log
        assert f"https://127.0.0.1:{server.port}" in second.log
    finally:
        server.process = first
    assert server.stop() == 0
