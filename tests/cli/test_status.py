"""Status, checks, the bundle and the log: what they tell, and what they never do."""

import io
import json
import logging
import os
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmtrack.cli.logs import blanked, set_up_logging
from llmtrack.services.supervisor import notify, watchdog_period_s
from llmtrack.services.surroundings import backup_findings

from .conftest import Program


def test_status_tells_of_the_data_and_the_backups(program: Program) -> None:
    before = program.json("status")
    program.ok("backup", "create")
    after = program.json("status")

    assert before["server"] == "not running"
    assert before["last_backup"] == "never"
    assert (after["backups"], after["last_backup_hours"]) == (1, 0)
    assert after["database_bytes"] > 0
    assert "last backup" in program.ok("status").stdout


def test_permissions_are_repaired_on_demand(program: Program) -> None:
    program.directory.chmod(0o755)
    program.database.chmod(0o644)

    assert "can be used by other users" in program.run("check", "permissions").output
    program.ok("check", "permissions", "--fix")
    assert program.directory.stat().st_mode & 0o777 == 0o700
    assert program.database.stat().st_mode & 0o777 == 0o600
    program.ok("check", "permissions")


def test_every_check_runs_by_its_name(program: Program) -> None:
    program.ok("backup", "create")
    names = {finding["check"] for finding in program.json("check")}

    for name in ("config", "disk", "clock", "tls", "backup", "ports", "data"):
        assert name in names


@pytest.mark.parametrize(("hours", "is_good"), [(1, True), (47, True), (49, False)])
def test_a_missing_backup_is_a_finding_after_a_while(hours: int, is_good: bool) -> None:
    now_ms = hours * 3_600_000
    [finding] = backup_findings([], now_ms, is_scheduled=True, set_up_ms=0)

    assert finding.ok is is_good
    assert "llmtrack backup create" in (finding.fix or "")


def test_the_bundle_has_no_secret(program: Program, tmp_path: Path) -> None:
    (program.directory / "llmtrack.toml").write_text('[metrics]\ntoken = "hunter2-hunter2"\n')
    program.ok("support-bundle", "--out", str(tmp_path / "b.tar.gz"))
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        texts = {
            entry.name: (archive.extractfile(entry) or io.BytesIO()).read().decode()
            for entry in archive
        }

    assert set(texts) == {f"{n}.json" for n in ("versions", "settings", "status", "checks", "rows")}
    assert "hunter2" not in "".join(texts.values())
    assert "alice@example.com" not in "".join(texts.values())
    assert json.loads(texts["settings.json"])["metrics.token"]["value"] == "(secret)"


def test_the_bundle_of_a_damaged_database_says_what_failed(
    program: Program, tmp_path: Path
) -> None:
    program.database.write_bytes(b"\xa5" * 8192)

    program.ok("support-bundle", "--out", str(tmp_path / "b.tar.gz"))

    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        for name, has_failed in (("rows", True), ("versions", False), ("settings", False)):
            made = json.load(archive.extractfile(f"{name}.json") or io.BytesIO())
            assert ("failed" in made) == has_failed


@pytest.mark.parametrize(
    "text",
    [
        "key llmt_abcdefghijklmnopqrstuvwxyz0123456789 refused",
        "Authorization: Bearer abcdef0123456789",
        "GET /setup?token=AbCdEf012345-_x",
        "AGE-SECRET-KEY-1QQQQQQQQQ",
    ],
)
def test_the_log_never_has_a_key(text: str) -> None:
    assert "(secret)" in blanked(text)
    assert "0123456789" not in blanked(text)


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])


@pytest.mark.usefixtures("_logging_restored")
def test_each_form_of_the_log() -> None:
    lines = {}
    for form in ("tty", "journal", "json"):
        stream = io.StringIO()
        set_up_logging("info", form, stream)
        logging.getLogger("llmtrack.x").warning("two\nlines %s", "llmt_abcdefghijk")
        logging.getLogger("llmtrack.x").debug("not shown")
        lines[form] = stream.getvalue().splitlines()

    assert lines["journal"] == ["<4>llmtrack.x: two", "<4>lines (secret)"]
    document = json.loads(lines["json"][0])
    assert (document["level"], document["message"]) == ("warning", "two\nlines (secret)")
    assert lines["tty"][0].endswith("warning llmtrack.x: two")


def test_systemd_is_told_through_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("READY=1", "STATUS=serving")
        assert listening.recv(100) == b"READY=1\nSTATUS=serving"
    notify("READY=1")  # nobody listens any more


def test_the_watchdog_of_the_unpacker_s_process_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    assert watchdog_period_s() == 20
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_period_s() is None
