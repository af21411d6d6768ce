"""The commands as a script uses them: through a real process, by their JSON and exit codes."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmtrack.storage.opening import connect_writer
from llmtrack.storage.usage import UsageWriter
from llmtrack.storage.writer import transaction
from tests.events import NOW_MS, make_event

PASSWORD = "correct horse battery staple"
DAY_MS = 86_400_000
EXPORT_FIELDS = (
    "id timestamp provider model operation feature environment customer_id key_prefix status"
    " input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens latency_ms"
    " cost_usd cost_status client_cost_usd response_id service source metadata"
)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data_dir: Path) -> Run:
    def call(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "llmtrack", "--data-dir", str(data_dir), *args]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    return call


@pytest.fixture
def acme(run: Run) -> dict[str, Any]:
    setup = ("--admin-email", "alice@example.com", "--password-file", "-", "--workspace", "Acme")
    done = run("setup", "--non-interactive", *setup, "--json", stdin=PASSWORD)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def add_events(data_dir: Path, count: int, *, age_days: int = 0) -> None:
    connection = connect_writer(data_dir / "llmtrack.db")
    at_ms = NOW_MS - age_days * DAY_MS
    with transaction(connection):
        events = [make_event(timestamp_ms=at_ms + n, received_ms=at_ms + n) for n in range(count)]
        UsageWriter().add(connection, events, 0)
    connection.close()


def usage(run: Run, by: str = "model") -> list[dict[str, Any]]:
    period = ("--from", "2024-01-01", "--to", "2026-01-01")
    rows: list[dict[str, Any]] = json.loads(
        run("usage", "--workspace", "Acme", *period, "--by", by, "--json").stdout
    )
    return rows


def test_set_up_is_done_once(run: Run, acme: dict[str, Any]) -> None:
    assert acme["workspace_id"].startswith("wsp_")
    setup = ("--admin-email", "eve@example.com", "--password-file", "-", "--workspace", "Other")
    again = run("setup", "--non-interactive", *setup, "--json", stdin=PASSWORD)

    assert again.returncode == 0
    assert json.loads(again.stdout) == {"already_set_up": True}
    assert len(json.loads(run("users", "list", "--json").stdout)) == 1


def test_a_password_is_never_an_argument(run: Run, acme: dict[str, Any]) -> None:
    assert acme
    made = run("users", "create", "bob@example.com", "-w", "Acme", "--json", stdin=PASSWORD)
    assert made.returncode == 0
    assert run("users", "create", "c@example.com", "--password", PASSWORD).returncode == 2
    assert run("users", "create", "d@example.com", stdin="short").returncode != 0
    assert run("users", "create", "bob@example.com", stdin=PASSWORD).returncode == 4


@pytest.mark.usefixtures("acme")
def test_keys_are_created_listed_and_ended(run: Run) -> None:
    made = json.loads(run("keys", "create", "-w", "Acme", "--name", "bot", "--json").stdout)

    assert made["key"].startswith(made["prefix"])
    for step, state in (("deactivate", "inactive"), ("reactivate", "active")):
        assert run("keys", step, made["id"]).returncode == 0
        [key] = json.loads(run("keys", "list", "--json").stdout)
        assert (key["name"], key["state"]) == ("bot", state)
        assert "key" not in key
    assert run("keys", "delete", made["id"]).returncode == 5
    assert run("keys", "delete", made["id"], "--yes").returncode == 0
    assert json.loads(run("keys", "list", "-w", "Acme", "--json").stdout) == []
    assert run("keys", "deactivate", made["id"]).returncode == 3


@pytest.mark.usefixtures("acme")
def test_usage_and_export_agree(run: Run, data_dir: Path) -> None:
    add_events(data_dir, 1500)

    [row] = usage(run)
    lines = run("events", "export", "--workspace", "Acme", "--format", "jsonl").stdout.splitlines()

    assert (row["events"], row["cost_usd"]) == (1500, "0.099")
    assert len(lines) == 1500
    assert list(json.loads(lines[0])) == EXPORT_FIELDS.split()
    assert json.loads(lines[0])["cost_usd"] == "0.000066"
    for by in ("provider", "feature", "key", "environment", "status", "day"):
        [row] = usage(run, by)
        assert (row["events"], row["cost_usd"]) == (1500, "0.099")
    [nobody] = usage(run, "customer")
    assert (nobody["customer"], nobody["events"]) == (None, 1500)


@pytest.mark.usefixtures("acme")
def test_a_backup_brings_back_what_was_there(run: Run, data_dir: Path, tmp_path: Path) -> None:
    add_events(data_dir, 5)
    copy = str(tmp_path / "copy")
    assert run("backup", "create", "--out", copy).returncode == 0
    add_events(data_dir, 7)

    assert run("backup", "verify", copy).returncode == 0
    assert run("backup", "restore", copy).returncode == 5
    assert usage(run)[0]["events"] == 12
    assert run("backup", "restore", copy, "--yes").returncode == 0
    assert usage(run)[0]["events"] == 5
    assert run("check").returncode == 0


@pytest.mark.usefixtures("acme")
def test_a_damaged_backup_is_refused(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    run("backup", "create", "--out", str(copy))
    with copy.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)

    assert run("backup", "verify", str(copy)).returncode == 6
    assert run("backup", "restore", str(copy), "--yes").returncode == 6
    assert run("check").returncode == 0


@pytest.mark.usefixtures("acme")
def test_a_purge_keeps_the_totals(run: Run, data_dir: Path) -> None:
    add_events(data_dir, 20, age_days=300)
    before = usage(run, "day")

    assert run("purge", "events", "--older-than", "90d").returncode == 5
    assert run("purge", "events", "--older-than", "90d", "--dry-run").returncode == 0
    assert len(run("events", "export", "-w", "Acme", "--format", "jsonl").stdout.split("\n")) == 21
    assert run("purge", "events", "--older-than", "90d", "--yes").returncode == 0

    assert run("events", "export", "-w", "Acme", "--format", "jsonl").stdout == ""
    assert usage(run, "day") == before
    assert run("check").returncode == 0


@pytest.mark.usefixtures("acme")
def test_check_finds_a_wrong_total(run: Run, data_dir: Path) -> None:
    add_events(data_dir, 3)
    connection = sqlite3.connect(data_dir / "llmtrack.db")
    connection.execute("update usage_day set cost_rest = cost_rest + 1 where kind = 2")
    connection.commit()
    connection.close()

    assert run("check").returncode == 6


@pytest.mark.parametrize(
    ("damage", "code"),
    [("pragma user_version = 99", 78), ("pragma application_id = 7", 78)],
)
@pytest.mark.usefixtures("acme")
def test_a_file_of_another_version_is_left_alone(
    run: Run, data_dir: Path, damage: str, code: int
) -> None:
    connection = sqlite3.connect(data_dir / "llmtrack.db")
    connection.execute(damage)
    connection.close()

    done = run("users", "list")

    assert done.returncode == code
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_no_command_creates_a_database_by_accident(run: Run, data_dir: Path) -> None:
    assert run("users", "list").returncode == 3
    assert not data_dir.exists()
