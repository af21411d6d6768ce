"""What was deleted stays deleted, whatever older file takes the database's place."""

import sqlite3
from pathlib import Path

from llmtrack.services.backup import create
from llmtrack.services.deletion import delete
from llmtrack.services.deletion_file import read_deletions
from llmtrack.services.deletion_runs import align_file, begin, ledger, unfinished
from llmtrack.services.restoring import restore
from llmtrack.storage.database import Database
from llmtrack.storage.deletions import Deletion
from llmtrack.storage.key_changes import delete_key
from llmtrack.storage.keys import create_key
from tests.conftest import NOW_MS, WHO, World

from .test_deletion import MARKER, add, begin_events, directory, erase_customer


async def delete_four_things(world: World, key: str) -> list[Deletion]:
    """A customer, a key, a user and a workspace; the ledger then."""
    await erase_customer(world)
    await world.database.write(delete_key, world.acme.id, key, **WHO)
    bob, globex = world.bob.public_id, world.globex.public_id
    for kind, subject, workspace in (("user", bob, ""), ("workspace", globex, globex)):
        deletion = await begin(
            world.database,
            directory(world),
            kind=kind,
            workspace_public_id=workspace,
            subject=subject,
            now_ms=NOW_MS,
        )
        await delete(world.database, deletion, now_ms=NOW_MS)
    return await ledger(world.database)


async def test_no_restore_brings_back_what_was_deleted_since(world: World, tmp_path: Path) -> None:
    await add(world, customer_id=MARKER)
    path = world.database.path
    lost_key = await world.database.write(create_key, world.acme.id, name="lost", **WHO)
    copy = create(path, tmp_path / "copy.db", now_ms=NOW_MS).path
    assert MARKER.encode() in copy.read_bytes()
    known = await delete_four_things(world, lost_key.key.public_id)
    await world.database.close()

    dry = restore(copy, path, overwrite=False, now_ms=NOW_MS, dry_run=True)
    assert len(dry.replayed) == 4
    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert {found.kind for found in restored.replayed} == {"customer", "key", "user", "workspace"}
    assert restored.facts.rows["event"] == 0
    assert MARKER.encode() not in path.read_bytes()
    connection = sqlite3.connect(path)
    rows = connection.execute("select email from user order by email").fetchall()
    assert rows == [("alice@example.com",), ("charlie@example.com",)]
    assert connection.execute("select name from workspace").fetchall() == [("Acme",)]
    digests = connection.execute("select count(*) from key_digest").fetchone()
    assert digests == (1,), "Acme's own key alone still works"
    ids = {row[0] for row in connection.execute("select public_id from deletion_ledger")}
    connection.close()
    assert ids == {found.public_id for found in known}, "and the next restore knows it, too"


async def test_the_ledger_survives_the_loss_of_the_database(world: World, tmp_path: Path) -> None:
    await add(world, customer_id=MARKER)
    path = world.database.path
    copy = create(path, tmp_path / "copy.db", now_ms=NOW_MS).path
    await erase_customer(world)
    await world.database.close()
    path.write_bytes(b"\xa5" * 8192)

    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert len(restored.replayed) == 1
    assert MARKER.encode() not in path.read_bytes()
    assert len(read_deletions(path.parent)) == 1


async def test_a_purge_from_before_the_backup_is_not_done_again(
    world: World, tmp_path: Path
) -> None:
    """Old events that were imported after a purge are not what it was about."""
    await delete(world.database, await begin_events(world, NOW_MS), now_ms=NOW_MS)
    await add(world, count=3)
    path = world.database.path
    copy = create(path, tmp_path / "copy.db", now_ms=NOW_MS).path
    await world.database.close()

    restored = restore(copy, path, overwrite=True, now_ms=NOW_MS)

    assert restored.replayed == []
    assert restored.facts.rows["event"] == 3


async def test_an_older_database_put_there_by_hand_is_deleted_from_again(
    world: World, tmp_path: Path
) -> None:
    await add(world, customer_id=MARKER)
    path = world.database.path
    lost_key = await world.database.write(create_key, world.acme.id, name="lost", **WHO)
    copy = create(path, tmp_path / "copy.db", now_ms=NOW_MS).path
    known = await delete_four_things(world, lost_key.key.public_id)
    assert await align_file(world.database, directory(world), now_ms=NOW_MS) == 4
    await world.database.close()
    path.write_bytes(copy.read_bytes())
    old = await Database.open(path)

    carried_out = await align_file(old, directory(world), now_ms=NOW_MS)
    now_known = await ledger(old)
    left = await old.rows("select 1 from name where text = :text", text=MARKER)
    keys = await old.rows("select 1 from key_digest")
    workspaces = [row[0] for row in await old.rows("select name from workspace")]
    still_open = await unfinished(old)
    await old.close()

    assert carried_out == 4
    assert (left, len(keys), workspaces, still_open) == ([], 1, ["Acme"], [])
    assert {found.public_id for found in now_known} == {found.public_id for found in known}
    assert len(read_deletions(directory(world))) == 4
