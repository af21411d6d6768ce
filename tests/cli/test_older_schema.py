"""A database of an older version: no command changes it in passing, for no backup was made."""

import gzip
from pathlib import Path

import pytest

from .conftest import Program

OLDEST = min((Path(__file__).parents[1] / "golden" / "databases").glob("*.db.gz"))


@pytest.fixture
def old(bare: Program) -> Program:
    bare.directory.mkdir(mode=0o700)
    bare.database.write_bytes(gzip.decompress(OLDEST.read_bytes()))
    bare.database.chmod(0o600)
    return bare


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "list"),
        ("keys", "create", "-w", "Acme", "--name", "new"),
        ("users", "list"),
        ("usage", "-w", "Acme"),
        ("purge", "run"),
        ("events", "export", "-w", "Acme", "--format", "jsonl"),
    ],
    ids=" ".join,
)
def test_it_is_refused_with_the_way_on(old: Program, command: tuple[str, ...]) -> None:
    before = old.database.read_bytes()

    said = old.fails(78, *command)

    assert "llmtrack db migrate" in said
    assert old.database.read_bytes() == before


def test_what_looks_at_the_installation_works(old: Program) -> None:
    before = old.database.read_bytes()
    pending = old.json("status")["pending_migrations"]
    assert pending > 0
    assert "older version" in old.run("check", "data").stdout
    old.ok("backup", "create")
    assert old.run("db", "migrate", "--status").exit_code == 78
    assert old.json("db", "migrate", "--dry-run")["pending"] == pending
    assert old.database.read_bytes() == before

    made = old.json("db", "migrate")

    assert Path(made["backup"]).exists()
    assert old.json("status")["pending_migrations"] is None
    old.ok("check", "db", "data")
