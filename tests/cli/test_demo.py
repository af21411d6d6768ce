"""`llmtrack demo seed`: made-up usage in workspaces of its own, with exact totals."""

from llmtrack.cli.exit_codes import ExitCode
from tests.cli.conftest import Program


def test_seeding_makes_workspaces_whose_totals_are_exact(program: Program) -> None:
    made = program.json("demo", "seed", "--events", "3000", "--workspaces", "2", "--days", "20")

    assert [workspace["name"] for workspace in made] == ["Demo 1", "Demo 2"]
    total = sum(
        row["events"]
        for workspace in made
        for row in program.json(
            "usage", "--workspace", workspace["id"], "--from", "2000-01-01", "--to", "2100-01-01"
        )
    )
    assert total == 3000
    findings = program.json("check", "data")
    assert all(finding["ok"] for finding in findings)


def test_every_seeded_call_has_a_price(program: Program) -> None:
    program.json("demo", "seed", "--events", "500", "--name", "Shown")
    rows = program.json(
        *("usage", "--workspace", "Shown", "--by", "model"),
        *("--from", "2000-01-01", "--to", "2100-01-01"),
    )
    assert len(rows) > 10
    assert sum(row["unpriced_events"] for row in rows) == 0


def test_a_taken_name_is_refused_and_nothing_changes(program: Program) -> None:
    program.json("demo", "seed", "--events", "10")
    assert "Demo" in program.fails(ExitCode.ALREADY_EXISTS, "demo", "seed", "--events", "10")
