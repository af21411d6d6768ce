"""`llmtrack audit`: what it lists, and what it finds."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Program


def test_the_log_tells_who_did_what(program: Program) -> None:
    rows = program.json("audit", "list")
    assert {row["action"] for row in rows} >= {"user.create", "workspace.create"}
    assert all(row["actor"].startswith("command line (uid ") for row in rows)
    assert program.json("audit", "list", "--action", "user") == [
        row for row in rows if row["action"].startswith("user.")
    ]
    assert program.json("audit", "list", "--to", "2020-01-01") == []


def test_a_whole_log_verifies_and_a_changed_one_does_not(program: Program) -> None:
    whole = program.json("audit", "verify")
    assert whole["whole"] is True
    assert whole["entries"] >= 3
    tamper(program, "update audit_log set actor = 'nobody' where workspace_id = 1 and id = 1")
    broken = program.run("audit", "verify")
    assert broken.exit_code == 6
    assert "workspace 1 entry 1: was changed" in broken.stderr


def test_a_backup_s_manifest_shows_what_was_cut_off(program: Program, tmp_path: Path) -> None:
    made = program.json("backup", "create", "--out", str(tmp_path / "copy.db"))
    manifest = Path(made["file"]).with_suffix(".json")
    assert program.json("audit", "verify", "--heads", str(manifest))["whole"] is True
    tamper(
        program,
        "delete from audit_log where workspace_id = 1"
        " and id = (select max(id) from audit_log where workspace_id = 1)",
    )
    assert program.json("audit", "verify")["whole"] is True
    cut = program.run("audit", "verify", "--heads", str(manifest))
    assert cut.exit_code == 6
    assert "is missing" in cut.stderr


def test_lines_of_a_syslog_show_what_was_cut_off(program: Program, tmp_path: Path) -> None:
    made = program.json("backup", "create", "--out", str(tmp_path / "copy.db"))
    heads = json.loads(Path(made["file"]).with_suffix(".json").read_text())["audit_head"]
    lines = tmp_path / "auth.log"
    lines.write_text(
        "".join(f"Nov 30 03:15:01 vm llmtrack: audit head {head}\n" for head in heads.split(","))
    )
    assert program.json("audit", "verify", "--heads", str(lines))["whole"] is True
    tamper(
        program,
        "delete from audit_log where workspace_id = 1"
        " and id = (select max(id) from audit_log where workspace_id = 1)",
    )
    assert program.json("audit", "verify")["whole"] is True
    cut = program.run("audit", "verify", "--heads", str(lines))
    assert cut.exit_code == 6
    assert "is missing" in cut.stderr
    lines.write_text("nothing of ours\n")
    assert program.run("audit", "verify", "--heads", str(lines)).exit_code == 3


def test_an_export_can_be_verified_by_anybody(program: Program) -> None:
    lines = [json.loads(line) for line in program.run("audit", "export").stdout.splitlines()]
    assert lines == program.json("audit", "export")
    assert len(lines) == program.json("audit", "verify")["entries"]
    assert all(len(line["hash"]) == 64 for line in lines)


def tamper(program: Program, statement: str) -> None:
    with closing(sqlite3.connect(program.database, isolation_level=None)) as connection:
        for name in ("insert", "update", "delete"):
            connection.execute(f"drop trigger audit_log_{name}")
        assert connection.execute(statement).rowcount == 1
