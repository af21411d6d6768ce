"""Backups: of one moment under load, refused unless whole, and restored without surprises."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from llmtrack.domain.errors import AlreadyExists, Refused
from llmtrack.services import backup as backup_module
from llmtrack.services.backup import create, default_name, verify
from llmtrack.services.ingest import Ingest
from llmtrack.services.inspection import recounted
from llmtrack.services.lock import AlreadyRunning, DirectoryLock
from llmtrack.services.manifest import BackupUnusable, manifest_path
from llmtrack.services.restoring import restore
from llmtrack.storage.database import Database
from llmtrack.storage.opening import DatabaseUnusable, SchemaTooNew
from llmtrack.storage.schema import MIGRATIONS
from llmtrack.storage.workspaces import scope_for_admin
from tests.conftest import NOW_MS, World
from tests.events import make_event


@pytest.fixture
async def path(world: World) -> Path:
    """A closed database of the cast with twenty events."""
    ingest = Ingest(world.database)
    await ingest.add([make_event(world.acme.id, key_id=1) for _ in range(20)])
    await ingest.close()
    await world.database.close()
    return world.database.path


@pytest.fixture
def copy(path: Path, tmp_path: Path) -> Path:
    return create(path, tmp_path / "copy.db", now_ms=NOW_MS).path


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def run(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


def event_ids(path: Path) -> set[object]:
    return {row[0] for row in rows(path, "select id from event")}


async def test_a_backup_under_load_is_one_moment_and_adds_up(world: World, tmp_path: Path) -> None:
    """Each copy holds all that was acknowledged before it began, and whole transactions only."""
    ingest = Ingest(world.database)
    running = True
    acknowledged = 0

    async def send() -> None:
        nonlocal acknowledged
        while running:
            await ingest.add([make_event(world.acme.id, key_id=1) for _ in range(5)])
            acknowledged += 5

    senders = [asyncio.create_task(send()) for _ in range(4)]
    await asyncio.sleep(0.2)
    for number in range(3):
        before = acknowledged
        facts = await asyncio.to_thread(
            create, world.database.path, tmp_path / f"{number}.db", now_ms=NOW_MS
        )
        assert before <= facts.rows["event"] <= acknowledged + 20
        assert facts.rows["event"] % 5 == 0
    running = False
    await asyncio.gather(*senders)
    await ingest.close()

    assert event_ids(facts.path) <= event_ids(world.database.path)
    opened = await Database.open(facts.path)
    scope = await scope_for_admin(opened, "Acme")
    assert (await recounted(scope)).found == []
    await opened.close()


async def test_what_is_restored_is_what_was_backed_up(path: Path, copy: Path) -> None:
    backed_up = event_ids(path)
    run(path, "delete from event")

    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert event_ids(path) == backed_up
    assert restored.facts.rows["event"] == 20
    opened = await Database.open(path)
    assert (await recounted(await scope_for_admin(opened, "Acme"))).found == []
    await opened.close()


def test_a_backup_is_one_private_file(copy: Path) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(copy.parent.glob("copy.db*")) == [copy]


def test_an_existing_file_is_never_replaced(path: Path, copy: Path) -> None:
    before = copy.read_bytes()

    with pytest.raises(AlreadyExists):
        create(path, copy, now_ms=NOW_MS)

    assert copy.read_bytes() == before


def test_an_incomplete_copy_is_thrown_away(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_module, "all_copied", _copied_without_events)

    with pytest.raises(BackupUnusable, match="incomplete: event has 0 rows"):
        create(path, tmp_path / "new.db", now_ms=NOW_MS)

    assert not list(tmp_path.glob("new.db*"))


def _copied_without_events(path: Path, target: Path) -> None:
    run(path, f"vacuum into '{target}'")
    run(target, "delete from event")


def test_too_little_space_is_told_before_anything_is_written(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)

    with pytest.raises(OSError, match="has 10 bytes free"):
        create(path, tmp_path / "new.db", now_ms=NOW_MS)

    assert not list(tmp_path.glob("new.db*"))


@pytest.mark.parametrize("page", [1, 3, 9])
def test_damage_in_any_page_is_found(copy: Path, page: int) -> None:
    content = bytearray(copy.read_bytes())
    start = page * 4096
    content[start : start + 64] = b"\xa5" * 64
    copy.write_bytes(content)

    with pytest.raises(BackupUnusable, match="is damaged"):
        verify(copy)


def test_a_cut_file_is_found(copy: Path) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: len(content) // 2])

    with pytest.raises(BackupUnusable, match="malformed"):
        verify(copy)


def test_files_that_are_not_ours_are_refused(copy: Path, tmp_path: Path) -> None:
    text, other, empty = (tmp_path / name for name in ("a.txt", "other.db", "empty.db"))
    text.write_text("hello " * 1000)
    run(other, "create table t (a)")
    empty.touch()
    for file in (text, other, empty):
        with pytest.raises(DatabaseUnusable):
            verify(file)
    manifest_path(copy).unlink()
    run(copy, f"pragma user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(SchemaTooNew):
        verify(copy)
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "missing.db")


def test_nothing_is_replaced_unasked(path: Path, copy: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(Refused, match="would be replaced"):
        restore(copy, path, overwrite=False, now_ms=NOW_MS)

    assert path.read_bytes() == before


def test_a_running_server_keeps_its_database(path: Path, copy: Path) -> None:
    with (
        DirectoryLock.take(path.parent, "llmtrack serve"),
        pytest.raises(AlreadyRunning, match="llmtrack serve"),
    ):
        restore(copy, path, overwrite=True, now_ms=NOW_MS)


async def test_a_command_that_has_it_open_keeps_it_too(path: Path, copy: Path) -> None:
    opened = await Database.open(path)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await asyncio.to_thread(restore, copy, path, overwrite=True, now_ms=NOW_MS)

    assert len(await opened.rows("select id from event")) == 20
    await opened.close()


def test_a_damaged_backup_changes_nothing(path: Path, copy: Path) -> None:
    before = path.read_bytes()
    copy.write_bytes(copy.read_bytes()[:8192])

    with pytest.raises(BackupUnusable):
        restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert path.read_bytes() == before
    assert not list(path.parent.glob("restore-undo-*"))


def test_what_was_replaced_can_be_restored_in_turn(path: Path, copy: Path) -> None:
    run(path, "delete from event where id = (select min(id) from event)")

    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)
    assert restored.undo is not None
    assert restored.undo.parent.stat().st_mode & 0o777 == 0o700
    assert len(event_ids(restored.undo)) == 19
    restore(restored.undo, path, overwrite=True, now_ms=NOW_MS + 1000)

    assert len(event_ids(path)) == 19


def test_a_wal_left_by_a_crash_is_kept_in_the_undo_and_not_applied(path: Path, copy: Path) -> None:
    crashed = sqlite3.connect(path, isolation_level=None)
    crashed.execute("pragma journal_mode=wal")
    crashed.execute("delete from event")
    frozen = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    crashed.close()
    for suffix, content in frozen.items():
        Path(f"{path}{suffix}").write_bytes(content)

    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert len(event_ids(path)) == 20
    assert restored.undo is not None
    assert event_ids(restored.undo) == set()
    assert list(restored.undo.parent.iterdir()) == [restored.undo]
    assert not Path(f"{path}-wal").exists()


def test_a_database_too_damaged_to_open_is_replaced_and_its_parts_kept(
    path: Path, copy: Path
) -> None:
    path.write_bytes(b"\xa5" * 8192)
    Path(f"{path}-wal").write_bytes(b"rest")

    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert len(event_ids(path)) == 20
    assert restored.undo is not None
    assert restored.undo.read_bytes() == b"\xa5" * 8192
    assert Path(f"{restored.undo}-wal").read_bytes() == b"rest"


def test_sessions_and_links_do_not_come_back(path: Path, tmp_path: Path) -> None:
    run(
        path,
        "insert into session (token_digest, user_id, created_ms, last_seen_ms, expires_ms)"
        " values (x'01', 1, 0, 0, 9e15)",
    )
    run(
        path,
        "insert into login_link (token_digest, purpose, user_id, created_ms, expires_ms)"
        " values (x'02', 'sign_in', 1, 0, 9e15)",
    )
    copy = create(path, tmp_path / "copy.db", now_ms=NOW_MS).path

    restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert rows(path, "select 1 from session union all select 1 from login_link") == []


def test_a_drill_restores_into_a_new_directory(path: Path, copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "drill" / "llmtrack.db"

    restored = restore(copy, target, overwrite=False, now_ms=NOW_MS)

    assert restored.undo is None
    assert event_ids(target) == event_ids(path)
    assert target.parent.stat().st_mode & 0o777 == 0o700
    assert target.stat().st_mode & 0o777 == 0o600


def test_names_sort_by_time() -> None:
    assert default_name(NOW_MS) == "llmtrack-20261120-120000.db"
