"""The unit for systemd, and the database file's own commands."""

import shutil
import subprocess
from pathlib import Path

import pytest

from llmtrack.cli.service import UNIT

from .conftest import Program


def test_the_unit_starts_the_program_that_printed_it(bare: Program) -> None:
    unit = bare.ok("service", "print-unit", "--program", "/opt/llmtrack", "--user", "metering")

    assert "ExecStart=/opt/llmtrack serve\n" in unit.stdout
    assert "User=metering\nGroup=metering\n" in unit.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_unit_is_hardened(tmp_path: Path) -> None:
    shutil.copy(UNIT, tmp_path / "llmtrack.service")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20"]
    done = subprocess.run(
        [*command, str(tmp_path / "llmtrack.service")], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stdout.decode().splitlines()[-1]


def test_a_new_database_needs_no_migration(program: Program) -> None:
    told = program.json("db", "migrate", "--status")

    assert told["pending"] == 0
    assert program.json("db", "migrate", "--dry-run")["bytes"] > 0
    assert program.json("db", "migrate")["backup"] is None
    assert program.json("db", "integrity", "--full")["problems"] == 0
    assert program.json("db", "checkpoint")["emptied"] is True


def test_damage_is_told(program: Program) -> None:
    content = bytearray(program.database.read_bytes())
    content[5 * 4096 : 5 * 4096 + 64] = b"\xa5" * 64
    program.database.write_bytes(content)

    assert "is damaged" in program.fails(6, "db", "integrity")
