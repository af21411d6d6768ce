"""`llmtrack setup`: once, in one transaction, and harmless ever after."""

from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.conftest import PASSWORD

ARGS = ("setup", "--non-interactive", "--admin-email", "Alice@Example.com", "--workspace", "Acme")


def test_it_makes_admin_and_workspace(bare: Program, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\nnot this line\n")

    made = bare.json(*ARGS, "--password-file", str(tmp_path / "password"))

    assert set(made) == {"already_set_up", "workspace_id", "workspace", "user_id", "email"}
    assert made["already_set_up"] is False
    [user] = bare.json("users", "list")
    assert (user["id"], user["email"], user["admin"]) == (
        made["user_id"],
        "alice@example.com",
        True,
    )
    [workspace] = bare.json("workspaces", "list")
    assert (workspace["id"], workspace["name"]) == (made["workspace_id"], "Acme")
    assert bare.json("keys", "list", "--workspace", "Acme") == []
    assert bare.directory.stat().st_mode & 0o777 == 0o700
    assert bare.database.stat().st_mode & 0o777 == 0o600


def test_a_key_comes_only_when_asked_for(bare: Program) -> None:
    made = bare.json(*ARGS, "--key-name", "backend", stdin=PASSWORD)

    [key] = bare.json("keys", "list", "--workspace", "Acme")
    assert made["key"].startswith(key["prefix"])
    assert (made["key_id"], key["name"]) == (key["id"], "backend")


def test_a_second_run_changes_nothing_and_says_so(program: Program) -> None:
    again = program.ok("setup", "--non-interactive")

    assert "Already set up: nothing was changed." in again.stderr
    assert program.json(*ARGS) == {"already_set_up": True}
    assert len(program.json("users", "list")) == 1


def test_it_takes_a_workspace_that_is_already_there(bare: Program) -> None:
    bare.json(*ARGS, stdin=PASSWORD)
    bare.ok("workspaces", "create", "Globex")

    assert {row["name"] for row in bare.json("workspaces", "list")} == {"Acme", "Globex"}


@pytest.mark.parametrize(
    ("args", "stdin", "text"),
    [
        (
            ("setup", "--non-interactive", "--workspace", "Acme"),
            PASSWORD,
            "--admin-email is needed",
        ),
        (("setup", "--non-interactive", "--admin-email", "a@b.c"), PASSWORD, "--workspace is"),
        (ARGS, "", "no password on the first line of stdin"),
        (ARGS, "short\n", "needs at least 15"),
        ((*ARGS, "--time-zone", "Mars/Base"), PASSWORD, "'Mars/Base' is no time zone"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_nothing_is_left(
    bare: Program, args: tuple[str, ...], stdin: str, text: str
) -> None:
    assert text in bare.fails(2, *args, stdin=stdin)
    assert not bare.database.exists() or bare.json("users", "list") == []


def test_a_password_file_that_is_missing_is_named(bare: Program) -> None:
    assert "/no/such/file" in bare.fails(3, *ARGS, "--password-file", "/no/such/file")
