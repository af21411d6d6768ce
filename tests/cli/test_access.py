"""`llmtrack access` and `members`: who is in, who looks in, and the stamp of a review."""

import re

import pytest

from tests.cli.conftest import Program
from tests.conftest import PASSWORD

ACME = ("--workspace", "Acme")


@pytest.fixture
def bob(program: Program) -> str:
    """A viewer of Acme."""
    args = ("users", "create", "bob@example.com", *ACME)
    program.ok(*args, stdin=f"{PASSWORD}\n")
    return "bob@example.com"


def test_a_report_has_members_keys_and_when_a_review_is_due(program: Program, bob: str) -> None:
    program.ok("keys", "create", *ACME, "--name", "bot")

    made = program.json("access", "report", *ACME)

    assert [(m["email"], m["role"]) for m in made["members"]] == [
        ("alice@example.com", "owner"),
        (bob, "viewer"),
    ]
    assert all(m["has_password"] and m["factors"] == [] for m in made["members"])
    [key] = made["keys"]
    assert (key["name"], key["last_used_at"], key["state"]) == ("bot", None, "active")
    assert (made["reviews"], made["review_overdue"], made["grants"]) == ([], False, [])
    assert "Not reviewed yet" in program.ok("access", "report", *ACME).stdout


def test_a_review_is_stamped(program: Program) -> None:
    assert program.json("access", "review", *ACME)["members"] == 1

    [review] = program.json("access", "report", *ACME)["reviews"]
    assert review["reviewed_by"].startswith("command line (uid ")
    assert "Reviewed by command line" in program.ok("access", "report", *ACME).stdout
    assert "access.review" in [e["action"] for e in program.json("audit", "list", *ACME)]


def test_leave_to_look_in_is_for_administrators_and_ends(program: Program, bob: str) -> None:
    why = ("--reason", "ticket 4711", "--hours", "3")
    assert "no administrator" in program.fails(5, "access", "grant", bob, *ACME, *why)
    program.ok("users", "create", "root@example.com", "--admin", "--no-password")

    made = program.json("access", "grant", "root@example.com", *ACME, *why)

    assert [g["id"] for g in program.json("access", "grants", *ACME)] == [made["id"]]
    program.ok("access", "end-grant", made["id"], *ACME)
    assert program.json("access", "grants", *ACME) == []
    assert "no such grant" in program.fails(3, "access", "end-grant", made["id"], *ACME)
    actions = [entry["action"] for entry in program.json("audit", "list", *ACME)]
    assert actions[:2] == ["access_grant.end", "access_grant.create"]


def test_members_are_invited_changed_and_removed(program: Program, bob: str) -> None:
    url = ("--url", "https://costs.example.com")
    made = program.json("members", "invite", "dora@example.com", *ACME, "--role", "admin", *url)
    assert re.fullmatch(
        r"https://costs\.example\.com/invitation\?workspace=wsp_\w+&token=\S+", made["url"]
    )
    [invited] = program.json("members", "invitations", *ACME)
    assert (invited["email"], invited["role"]) == ("dora@example.com", "admin")
    assert "url" not in invited
    program.ok("members", "withdraw", invited["id"], *ACME)
    assert program.json("members", "invitations", *ACME) == []

    program.ok("members", "set-role", bob, "analyst", *ACME)
    assert [m["role"] for m in program.json("members", "list", *ACME)] == ["owner", "analyst"]
    program.ok("members", "remove", bob, *ACME)
    assert len(program.json("members", "list", *ACME)) == 1
    assert "no member" in program.fails(3, "members", "remove", bob, *ACME)
    assert "last owner" in program.fails(5, "members", "remove", "alice@example.com", *ACME)


def test_an_account_is_disabled_enabled_and_signed_out(program: Program, bob: str) -> None:
    assert program.json("users", "disable", bob)["state"] == "disabled"
    assert program.json("users", "enable", bob)["state"] == "active"
    assert program.json("users", "sessions", bob) == []
    assert program.json("users", "sign-out", bob)["sessions_ended"] == 0
    assert "no such session" in program.fails(3, "users", "sign-out", bob, "--session", "ses_x")
    assert program.json("users", "reset-factors", bob)["factors_removed"] == 0
    assert "no user" in program.fails(3, "users", "disable", "nobody@example.com")
