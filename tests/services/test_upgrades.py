"""Every database that a version has written is brought up to date, with a way back."""

import gzip
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from llmtrack.services.backup import verify
from llmtrack.services.inspection import recounted
from llmtrack.services.upgrades import (
    PRE_UPGRADE,
    back_up_first,
    pending_steps,
    rehearse,
    schema_of,
    upgrade,
)
from llmtrack.storage import migrating
from llmtrack.storage.database import Database
from llmtrack.storage.keys import list_keys
from llmtrack.storage.maintenance import all_costs
from llmtrack.storage.schema import MIGRATIONS
from llmtrack.storage.workspaces import scope_for_admin
from tests.conftest import NOW_MS

RELEASED = sorted((Path(__file__).parents[1] / "golden" / "databases").glob("*.db.gz"))
EVENT_COST_PICO = 40 * 66_000_000
"""Of each of those: 40 events of one price in the workspace Acme."""


@pytest.fixture(params=RELEASED, ids=lambda path: str(path.name))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "llmtrack.db"
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


def test_there_is_a_database_of_every_schema_up_to_the_newest_kept(tmp_path: Path) -> None:
    """Each was written by the program of its time; see packaging/release_database."""
    schemas = {}
    for path in RELEASED:
        (tmp_path / path.name).write_bytes(gzip.decompress(path.read_bytes()))
        schemas[path.name] = schema_of(tmp_path / path.name)

    assert sorted(schemas.values()) == list(range(1, len(RELEASED) + 1))
    assert all(name == f"schema-{number}.db.gz" for name, number in schemas.items())
    assert len(RELEASED) >= 21


def test_the_tool_that_writes_them_knows_the_present_schema(tmp_path: Path) -> None:
    tool = Path(__file__).parents[2] / "packaging" / "release_database"
    kept = tmp_path / "kept.db.gz"

    subprocess.run([sys.executable, tool, kept], check=True, timeout=60)

    (tmp_path / "llmtrack.db").write_bytes(gzip.decompress(kept.read_bytes()))
    assert schema_of(tmp_path / "llmtrack.db") == len(MIGRATIONS)


async def test_an_old_database_is_upgraded_and_still_adds_up(old: Path) -> None:
    upgrade(old)

    assert schema_of(old) == len(MIGRATIONS)
    opened = await Database.open(old)
    scope = await scope_for_admin(opened, "Acme")
    assert (await recounted(scope)).found == []
    assert (await opened.write(all_costs)).events_pico == EVENT_COST_PICO
    assert "app" in {key.name for key in await list_keys(scope, now_ms=NOW_MS)}
    await opened.close()


@pytest.fixture
def behind(old: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with one more step to go."""
    upgrade(old)
    step = "create table planned (id integer primary key) strict"
    for module in ("storage.opening", "storage.migrating", "services.upgrades"):
        monkeypatch.setattr(f"llmtrack.{module}.MIGRATIONS", (*MIGRATIONS, step))
    return old


def test_a_backup_is_made_before_anything_is_migrated(behind: Path, tmp_path: Path) -> None:
    made = back_up_first(behind, tmp_path / "backups", recipient=None, now_ms=NOW_MS)

    assert made is not None
    assert made.manifest is not None
    assert (made.manifest.reason, made.schema) == (PRE_UPGRADE, len(MIGRATIONS))
    assert verify(made.path).rows == made.rows
    upgrade(behind)
    assert pending_steps(behind) == 0
    assert back_up_first(behind, tmp_path / "backups", recipient=None, now_ms=NOW_MS) is None


def test_a_database_of_every_schema_is_backed_up_as_it_is(old: Path, tmp_path: Path) -> None:
    made = back_up_first(old, tmp_path / "backups", recipient=None, now_ms=NOW_MS)

    assert made is not None
    assert made.schema == schema_of(old)
    assert verify(made.path).costs == made.costs


def test_a_rehearsal_changes_nothing(behind: Path) -> None:
    before = behind.read_bytes()

    tried = rehearse(behind)

    assert tried.size > 0
    assert behind.read_bytes() == before
    assert pending_steps(behind) == 1
    assert not list(behind.parent.glob("*.part*"))


def test_a_migration_that_is_cut_off_is_done_again_whole(
    behind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (*MIGRATIONS, "create table planned (id integer primary key) strict;\nselect nothing")
    monkeypatch.setattr(migrating, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError):
        upgrade(behind)

    assert schema_of(behind) == len(MIGRATIONS)
    good = (*MIGRATIONS, "create table planned (id integer primary key) strict")
    monkeypatch.setattr(migrating, "MIGRATIONS", good)
    upgrade(behind)
    assert schema_of(behind) == len(MIGRATIONS) + 1


def test_a_database_that_is_not_there_yet_needs_nothing(tmp_path: Path) -> None:
    assert pending_steps(tmp_path / "new.db") == 0
