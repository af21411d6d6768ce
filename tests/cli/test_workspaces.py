"""`llmtrack workspaces`: tenants and plans."""

import pytest

from tests.cli.conftest import Program


def test_a_workspace_is_made_for_an_owner(program: Program) -> None:
    made = program.json(
        *("workspaces", "create", "Globex", "--time-zone", "Europe/Berlin"),
        *("--owner", "alice@example.com"),
    )

    assert made["id"].startswith("wsp_")
    assert (made["name"], made["time_zone"], made["plan"]) == (
        "Globex",
        "Europe/Berlin",
        "unlimited",
    )


def test_names_are_unique(program: Program) -> None:
    assert "already a workspace" in program.fails(4, "workspaces", "create", "Acme")


def test_an_unknown_owner_leaves_nothing_behind(program: Program) -> None:
    program.fails(3, "workspaces", "create", "Globex", "--owner", "x@example.com")

    assert [row["name"] for row in program.json("workspaces", "list")] == ["Acme"]


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_plan_limits_and_no_number_means_no_limit(program: Program, by: str) -> None:
    [row] = program.json("workspaces", "list")

    limited = program.json(
        *("workspaces", "set-plan", row[by], "--name", "free", "--monthly-events", "3000")
    )
    assert (limited["plan"], limited["monthly_events"]) == ("free", 3000)

    unlimited = program.json(
        *("workspaces", "set-plan", row[by], "--name", "pro", "--billing-status", "past_due")
    )
    assert (unlimited["monthly_events"], unlimited["billing_status"]) == (None, "past_due")


def test_what_cannot_be_a_plan_is_a_usage_error(program: Program) -> None:
    args = ("workspaces", "set-plan", "Acme", "--name", "free")

    program.fails(2, *args, "--monthly-events", "-1")
    program.fails(2, *args, "--billing-status", "sometimes")
    program.fails(2, "workspaces", "set-plan", "Acme")
    program.fails(3, "workspaces", "set-plan", "Nope", "--name", "free")


def test_suspended_and_resumed(program: Program) -> None:
    assert program.json("workspaces", "suspend", "Acme")["state"] == "suspended"
    assert program.json("workspaces", "list")[0]["state"] == "suspended"
    assert program.json("workspaces", "resume", "Acme")["state"] == "active"


def test_a_change_says_which_file_it_is_made_in(program: Program) -> None:
    changed = program.ok("workspaces", "suspend", "Acme")
    listed = program.ok("workspaces", "list")

    assert changed.stderr == f"Data: {program.database}\n"
    assert listed.stderr == ""


def test_another_time_zone_counts_every_day_anew(program: Program) -> None:
    program.ok("workspaces", "set-time-zone", "Acme", "Asia/Kolkata")

    changed = program.json("workspaces", "set-time-zone", "Acme", "Asia/Kolkata")
    assert changed == {"workspace": "Acme", "time_zone": "Asia/Kolkata", "changed": False}
    assert "Mars/Olympus" in program.fails(2, "workspaces", "set-time-zone", "Acme", "Mars/Olympus")
    assert program.json("check", "data")[0]["ok"]
