"""`llmtrack users`: accounts by hand, with no secret on the command line."""

import sqlite3
from contextlib import closing
from pathlib import Path

from llmtrack.domain.credentials import Passwords
from tests.cli.conftest import Program
from tests.conftest import PASSWORD

NEW_PASSWORD = "five random words for bob"


def stored_hash(path: Path, email: str) -> str | None:
    with closing(sqlite3.connect(path)) as connection:
        sql = "select password_hash from user where email = ?"
        found: str | None = connection.execute(sql, (email,)).fetchone()[0]
        return found


def test_a_user_joins_a_workspace_in_a_role(program: Program) -> None:
    made = program.json(
        *("users", "create", "Bob@Example.com", "--name", "Bob", "--workspace", "Acme"),
        *("--role", "analyst"),
        stdin=f"{PASSWORD}\n",
    )

    assert (made["email"], made["name"], made["admin"]) == ("bob@example.com", "Bob", False)
    hashed = stored_hash(program.database, "bob@example.com")
    assert Passwords(cheap=True).verify(hashed, PASSWORD)
    with closing(sqlite3.connect(program.database)) as connection:
        roles = connection.execute("select role from membership order by role").fetchall()
    assert roles == [("analyst",), ("owner",)]


def test_nothing_is_made_when_the_workspace_is_unknown(program: Program) -> None:
    args = ("users", "create", "bob@example.com", "--workspace", "Nope", "--no-password")

    assert "there is no workspace 'Nope'" in program.fails(3, *args)
    assert len(program.json("users", "list")) == 1


def test_a_user_exists_once(program: Program) -> None:
    args = ("users", "create", "ALICE@example.com", "--no-password")

    assert "already a user" in program.fails(4, *args)


def test_a_new_password_replaces_the_old(program: Program) -> None:
    program.ok("users", "reset-password", "alice@example.com", stdin=NEW_PASSWORD)

    hashed = stored_hash(program.database, "alice@example.com")
    assert Passwords(cheap=True).verify(hashed, NEW_PASSWORD)
    assert not Passwords(cheap=True).verify(hashed, PASSWORD)


def test_a_weak_password_is_refused(program: Program) -> None:
    args = ("users", "reset-password", "alice@example.com")

    assert "needs at least 15" in program.fails(2, *args, stdin="short")
    assert "too easy to guess" in program.fails(2, *args, stdin="a" * 20)


def test_an_unknown_user_is_not_found(program: Program) -> None:
    said = program.fails(3, "users", "reset-password", "nobody@example.com", stdin=NEW_PASSWORD)

    assert "Try: see: llmtrack users list" in said


def test_a_link_signs_in_once(program: Program) -> None:
    args = ("users", "login-link", "alice@example.com")

    made = program.ok(*args, "--url", "https://llmtrack.example/")

    link = made.stdout.strip()
    assert link.startswith("https://llmtrack.example/sign-in/link?token=")
    assert link.rpartition("=")[2].encode() not in program.database.read_bytes()
    assert "Good once, until" in made.stderr


def test_without_a_server_the_link_needs_an_address(program: Program) -> None:
    said = program.fails(69, "users", "login-link", "alice@example.com")

    assert "Try: name it with --url" in said


def test_passwords_and_hashes_are_in_no_listing(program: Program) -> None:
    listed = program.ok("users", "list", "--json").stdout

    assert "argon2" not in listed
    assert '"has_password": true' in listed
