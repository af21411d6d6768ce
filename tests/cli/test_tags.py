"""`llmtrack workspaces tags` and usage by tags."""

from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.events import make_event

NOVEMBER = ("--from", "2025-11-01", "--to", "2025-12-01")


@pytest.fixture(autouse=True)
def _events(program: Program) -> None:
    program.json("keys", "create", "--workspace", "Acme", "--name", "app")
    told = [
        (5, '{"team":"search","tier":"gold"}', "o3"),
        (3, '{"team":"ads"}', "o3"),
        (2, '{"team":"search","=cmd":"x=y","=cmd=x":"y"}', "gpt-4o-mini"),
        (1, None, "o3"),
    ]
    program.add(
        [
            make_event(cost_pico=cost * 10**12, metadata=metadata, model=model)
            for cost, metadata, model in told
        ]
    )


def usage(program: Program, *args: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = program.json("usage", "--workspace", "Acme", *NOVEMBER, *args)
    return rows


def test_a_tag_is_added_listed_and_removed(program: Program) -> None:
    assert program.json("workspaces", "tags", "list", "Acme") == []
    added = program.json("workspaces", "tags", "add", "Acme", "team")

    assert [(row["tag"], row["values"], row["counted"]) for row in added] == [("team", 2, "all")]
    assert program.json("workspaces", "tags", "list", "Acme") == added
    assert "team" in program.ok("workspaces", "tags", "list", "Acme").stdout
    assert program.json("check", "data")[0]["ok"]
    [entry, *_] = program.json("audit", "list", "--workspace", "Acme")
    assert (entry["action"], entry["target"]) == ("tag.track", "team")
    assert program.json("workspaces", "tags", "remove", "Acme", "team") == []
    assert "not tracked" in program.fails(
        3, "usage", "--workspace", "Acme", *NOVEMBER, "--by", "tag:team"
    )


def test_a_tag_may_hold_an_equals_sign(program: Program) -> None:
    assert "not tracked" in program.fails(
        3, "usage", "--workspace", "Acme", *NOVEMBER, "--where", "tag:=cmd=x=y"
    )
    program.ok("workspaces", "tags", "add", "Acme", "=cmd")
    assert [row["cost_usd"] for row in usage(program, "--where", "tag:=cmd=x=y")] == ["2"]
    program.ok("workspaces", "tags", "add", "Acme", "=cmd=x")
    assert [row["cost_usd"] for row in usage(program, "--where", "tag:=cmd=x=y")] == ["2"]
    both = ("--where", "tag:=cmd=x=y", "--where", "tag:=cmd=x=y")
    assert "given twice" in program.fails(2, "usage", "-w", "Acme", *both)
    assert "no tag:=cmd 'x=' here" in program.fails(
        3, "usage", "-w", "Acme", "--where", "tag:=cmd=x="
    )
    for wrong in ("tag:", "tag:=", "tag:==", "tag:=cmd=", "=x"):
        assert "is not one of" in program.fails(2, "usage", "-w", "Acme", "--where", wrong)


def test_usage_is_by_a_tag_and_within_one(program: Program) -> None:
    for key in ("team", "tier"):
        program.ok("workspaces", "tags", "add", "Acme", key)

    by_team = usage(program, "--by", "tag:team")
    assert [(row["tag:team"], row["cost_usd"], row["events"]) for row in by_team] == [
        ("search", "7", 2),
        ("ads", "3", 1),
        (None, "1", 1),
    ]
    by_model = usage(program, "--where", "tag:team=search")
    assert {row["model"]: row["cost_usd"] for row in by_model} == {"o3": "5", "gpt-4o-mini": "2"}
    both = usage(program, "--by", "tag:tier", "--where", "tag:team=search")
    assert [(row["tag:tier"], row["cost_usd"]) for row in both] == [("gold", "5"), (None, "2")]
    of_both = ("--where", "tag:team=ads", "--where", "tag:tier=gold")
    assert usage(program, "--by", "day", *of_both) == []
    [day] = usage(program, "--by", "day", "--where", "tag:team=ads")
    assert day["cost_usd"] == "3"
    table = program.ok("usage", "--workspace", "Acme", *NOVEMBER, "--by", "tag:team").stdout
    assert table.splitlines()[1].startswith("search")


def test_what_makes_no_sense_is_refused(program: Program) -> None:
    for words, args in (
        ("quotes", ("workspaces", "tags", "add", "Acme", 'a"b')),
        ("is not one of", ("usage", "--workspace", "Acme", "--where", "tag:team")),
    ):
        assert words in program.fails(2, *args)
    program.ok("workspaces", "tags", "add", "Acme", "team")
    assert "tracked already" in program.fails(4, "workspaces", "tags", "add", "Acme", "team")
    for words, name in (("no tag:team 'x'", "tag:team=x"), ("not tracked", "tag:tier=x")):
        assert words in program.fails(3, "usage", "--workspace", "Acme", "--where", name)
