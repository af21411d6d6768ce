"""Purging and backups as the operator does them."""

import json
from pathlib import Path
from typing import Any

from llmtrack.cli.data import Data, now_ms
from llmtrack.cli.purging import plan_events, purge_planned
from llmtrack.services.ingest import Ingest
from llmtrack.storage.database import Database
from tests.conftest import PASSWORD
from tests.events import make_event

from .conftest import Program


def test_a_customer_is_erased_with_a_receipt(program: Program) -> None:
    program.add([make_event(customer_id="c-1"), make_event(customer_id="c-2")])
    assert "nothing was changed" in program.fails(5, "purge", "customer", "c-1", "-w", "Acme")

    receipt = program.json("purge", "customer", "c-1", "-w", "Acme", "--yes")

    assert receipt["removed"]["events"] == 1
    assert receipt["in_backups_until"] > receipt["finished"]
    [entry] = program.json("purge", "ledger")
    assert (entry["id"], entry["kind"]) == (receipt["deletion"], "customer")
    again = program.json("purge", "customer", "c-1", "-w", "Acme", "--yes")
    assert again["removed"] == {}


def test_a_purge_says_what_went_not_what_was_planned(program: Program) -> None:
    program.add([make_event(cost_pico=10**12), make_event(cost_pico=10**12)])

    data = Data(str(program.directory))

    async def purge_while_events_come_in(database: Database) -> dict[str, Any]:
        [plan] = await plan_events(database, "Acme", now_ms(), 30)
        ingest = Ingest(database)
        await ingest.add([make_event(cost_pico=5 * 10**12)])
        await ingest.close()
        planned = plan.row()
        assert (planned["events"], planned["cost_usd"], planned["purged"]) == (2, "2", False)
        return await purge_planned(data, database, plan, keep_totals=True)

    row = data.run(purge_while_events_come_in)

    assert (row["events"], row["cost_usd"], row["purged"]) == (3, "7", True)
    [entry] = program.json("purge", "ledger")
    assert entry["removed"].startswith("3 events")


def test_a_deleted_key_is_in_the_file_that_a_restore_reads(program: Program) -> None:
    key = program.json("keys", "create", "-w", "Acme", "--name", "lost")

    program.ok("keys", "delete", key["id"], "--yes")

    [line] = (program.directory / "deletions.jsonl").read_text().splitlines()
    assert json.loads(line)["subject"] == key["id"]


def test_a_workspace_is_deleted_whole(program: Program) -> None:
    program.add([make_event()])

    receipt = program.json("purge", "workspace", "Acme", "--yes")

    assert receipt["removed"]["workspaces"] == 1
    assert program.json("workspaces", "list") == []
    assert program.ok("check").exit_code == 0


def test_a_user_is_deleted_and_a_session_list_is_emptied(program: Program) -> None:
    program.ok("users", "create", "bob@example.com", "--password-file", "-", stdin=PASSWORD)
    receipt = program.json("purge", "user", "bob@example.com", "--yes")

    assert receipt["removed"] == {"users": 1}
    assert [user["email"] for user in program.json("users", "list")] == ["alice@example.com"]
    assert program.json("purge", "sessions", "--yes") == {"signed_out": "everybody"}


def test_retention_is_set_and_applied(program: Program) -> None:
    program.add([make_event(), make_event()])
    assert "DAYS or --forever" in program.fails(2, "workspaces", "set-retention", "Acme")
    program.ok("workspaces", "set-retention", "Acme", "30")

    assert program.json("purge", "run")["by_workspace"] == {"Acme": 2}
    assert program.json("purge", "run")["events"] == 0
    program.ok("workspaces", "set-retention", "Acme", "--forever")


def test_a_sealed_backup_goes_there_and_back(program: Program, tmp_path: Path) -> None:
    program.add([make_event()])
    identity = tmp_path / "key.txt"
    public_key = program.json("backup", "keygen", "--out", str(identity))["public_key"]
    (program.directory / "llmtrack.toml").write_text(f'[backup]\nrecipient = "{public_key}"\n')

    made = program.json("backup", "create")
    [listed] = program.json("backup", "list")

    assert made["file"].endswith(".db.age")
    assert (listed["file"], listed["sealed"], listed["events"]) == (made["file"], True, None)
    assert program.json("backup", "verify", "--latest")["verified"] == "checksum only: sealed"
    opened = program.json("backup", "verify", "--all", "--identity", str(identity))
    assert (opened["events"], opened["verified"]) == (1, True)
    assert "is sealed" in program.fails(6, "backup", "restore", made["file"], "--yes")
    program.json("purge", "customer", "nobody", "-w", "Acme", "--yes")
    drill = program.json(
        *("backup", "restore", made["file"], "--to", str(tmp_path / "drill")),
        *("--identity", str(identity)),
    )
    assert (drill["events"], drill["deleted_again"], drill["undo"]) == (1, 1, None)
    assert program.json("backup", "prune", "--dry-run") == []


def test_one_bad_backup_does_not_hide_the_good_ones(program: Program) -> None:
    backups = [Path(program.json("backup", "create", "--out", f)["file"]) for f in names(program)]
    backups[1].write_bytes(backups[1].read_bytes()[:9000])

    done = program.run("backup", "verify", "--all", "--json")

    assert done.exit_code == 6
    verdicts = {Path(found["file"]): found["verified"] for found in json.loads(done.stdout)}
    assert verdicts == {backups[0]: True, backups[1]: False, backups[2]: True}
    assert f"1 of 3 are bad: {backups[1]}" in done.stderr
    assert "is damaged" in program.run("backup", "verify", "--all").stdout


def names(program: Program) -> list[str]:
    directory = program.directory / "backups"
    directory.mkdir()
    return [str(directory / f"{number}.db") for number in range(3)]


def test_a_bad_recipient_is_refused_with_its_line(program: Program) -> None:
    (program.directory / "llmtrack.toml").write_text('[backup]\nrecipient = "age1qqq"\n')

    assert "llmtrack.toml:2" in program.fails(78, "backup", "create")
