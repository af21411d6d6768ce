"""`llmtrack notices`: the operator tells one workspace, or all of them."""

from llmtrack.cli.exit_codes import ExitCode
from tests.cli.conftest import Program


def test_a_notice_is_published_listed_and_withdrawn(program: Program) -> None:
    program.json("workspaces", "create", "Globex")

    one = program.json("notices", "publish", "Back at noon.", "--workspace", "Acme")
    assert [row["workspace"] for row in one] == ["Acme"]
    everywhere = program.json("notices", "publish", "Upgrade on Friday.", "--all", "--days", "2")
    assert {row["workspace"] for row in everywhere} >= {"Acme", "Globex"}

    listed = program.json("notices", "list", "--workspace", "Acme")
    assert {row["text"] for row in listed} == {"Upgrade on Friday.", "Back at noon."}
    assert {row["state"] for row in listed} == {"shown"}
    gone = program.json("notices", "withdraw", one[0]["id"], "--workspace", "Acme")
    assert gone["state"] == "withdrawn"
    states = {row["id"]: row["state"] for row in program.json("notices", "list", "-w", "Acme")}
    assert states[one[0]["id"]] == "withdrawn"


def test_it_says_where_it_goes_and_what_is_wrong(program: Program) -> None:
    program.fails(ExitCode.USAGE, "notices", "publish", "Hello")
    program.fails(ExitCode.USAGE, "notices", "publish", "Hello", "--all", "--workspace", "Acme")
    assert "text" in program.fails(ExitCode.USAGE, "notices", "publish", " ", "--all")
    refused = program.fails(ExitCode.REFUSED, "notices", "publish", "Hello", "--all", "--mail")
    assert "mail.host" in refused
    assert program.json("notices", "list", "--workspace", "Acme") == []
    program.fails(ExitCode.NOT_FOUND, "notices", "withdraw", "ntc_nothing", "--workspace", "Acme")
