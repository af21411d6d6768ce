"""Manifests and seals: what is known of a backup, and who can open it."""

import asyncio
import json
from pathlib import Path

import pytest

from llmtrack.services.backup import create, verify
from llmtrack.services.ingest import Ingest
from llmtrack.services.manifest import BackupUnusable, manifest_path
from llmtrack.services.restoring import restore
from llmtrack.services.rotation import copies_in
from llmtrack.services.sealing import KeyPair, Unsealable, generate_key_pair, write_identity
from tests.conftest import NOW_MS, World
from tests.events import make_event

from .test_backup import event_ids, run


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


def test_the_manifest_says_what_must_be_in_the_copy(copy: Path) -> None:
    found = verify(copy).manifest

    assert found is not None
    assert (found.created, found.reason) == ("2026-11-20T12:00:00.000Z", "manual")
    assert found.event_cost_usd == found.total_cost_usd == "0.00132"
    assert found.rows is not None
    assert found.rows["event"] == 20
    assert manifest_path(copy).stat().st_mode & 0o777 == 0o600


def test_a_copy_that_is_not_what_its_manifest_says_is_refused(copy: Path) -> None:
    run(copy, "delete from event where id = (select min(id) from event)")

    with pytest.raises(BackupUnusable, match="SHA-256"):
        verify(copy)


def edited(copy: Path, **changes: object) -> None:
    path = manifest_path(copy)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"created": "yesterday"},
        {"created": None},
        {"schema": "17"},
        {"rows": "twenty"},
        {"rows": {"event": 21}},
        {"bytes": -0.5},
        {"sha256": None},
        {"event_cost_usd": "1.00"},
        {"total_cost_usd": "1.00"},
        {"format": 2},
    ],
    ids=str,
)
def test_a_manifest_that_was_edited_is_refused_and_stops_no_listing(
    copy: Path, changes: dict[str, object]
) -> None:
    edited(copy, **changes)

    with pytest.raises(BackupUnusable) as refused:
        verify(copy)
    assert refused.value.fix
    assert copy in [found.path for found in copies_in(copy.parent)]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"{}"])
def test_what_is_no_manifest_is_refused(copy: Path, content: bytes) -> None:
    manifest_path(copy).write_bytes(content)

    with pytest.raises(BackupUnusable, match="no manifest"):
        verify(copy)
    assert copy in [found.path for found in copies_in(copy.parent)]


def test_a_directory_is_no_backup(copy: Path) -> None:
    (copy.parent / "directory.db").mkdir()

    assert "directory.db" not in [found.path.name for found in copies_in(copy.parent)]


async def test_a_backup_between_an_event_and_its_sums_has_the_whole_total(
    world: World, tmp_path: Path
) -> None:
    """The sums of many batches are written at once: a copy may be of a moment before."""
    ingest = Ingest(world.database)
    await ingest.add([make_event(world.acme.id, key_id=1) for _ in range(20)])
    assert await world.database.rows("select 1 from unsummed")

    made = await asyncio.to_thread(
        create, world.database.path, tmp_path / "early.db", now_ms=NOW_MS
    )

    assert made.manifest is not None
    assert made.manifest.total_cost_usd == made.manifest.event_cost_usd == "0.00132"
    await ingest.close()


@pytest.fixture
def pair() -> KeyPair:
    return generate_key_pair()


@pytest.fixture
def identity(pair: KeyPair, tmp_path: Path) -> Path:
    write_identity(tmp_path / "key.txt", pair, "")
    return tmp_path / "key.txt"


@pytest.fixture
def sealed(path: Path, pair: KeyPair, tmp_path: Path) -> Path:
    target = tmp_path / "sealed.db"
    return create(path, target, now_ms=NOW_MS, recipient=pair.recipient).path


def test_a_sealed_backup_gives_nothing_away(sealed: Path) -> None:
    assert sealed.name == "sealed.db.age"
    assert b"SQLite format" not in sealed.read_bytes()
    facts = verify(sealed)
    assert facts.manifest is not None
    assert (facts.is_opened, facts.rows) == (False, {})
    assert facts.manifest.rows is None
    assert facts.manifest.event_cost_usd is None
    assert not list(sealed.parent.glob("*.part"))


def test_a_sealed_backup_is_restored_with_its_key(sealed: Path, path: Path, identity: Path) -> None:
    backed_up = event_ids(path)
    run(path, "delete from event")
    with pytest.raises(BackupUnusable, match="is sealed"):
        restore(sealed, path, overwrite=True, now_ms=NOW_MS)
    assert verify(sealed, identity=identity).rows["event"] == 20

    restore(sealed, path, overwrite=True, now_ms=NOW_MS, identity=identity)

    assert event_ids(path) == backed_up
    assert not list(sealed.parent.glob("*.part*"))


@pytest.mark.parametrize("content", [b"", b"\xff\x00" * 99, b"age1no key\n", b"AGE-SECRET-KEY-1QQ"])
def test_another_file_is_no_private_key(sealed: Path, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)

    with pytest.raises(Unsealable, match="holds no private key"):
        verify(sealed, identity=other)


def test_a_dry_run_changes_nothing(path: Path, copy: Path) -> None:
    run(path, "delete from event")
    before = path.read_bytes()

    tried = restore(copy, path, overwrite=False, now_ms=NOW_MS, dry_run=True)

    assert tried.facts.rows["event"] == 20
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.part*"))
    assert not list(path.parent.glob("restore-undo-*"))
