"""`llmtrack keys`: shown once, then known by id, prefix or name."""

import re
from typing import Any

import pytest

from llmtrack.domain.credentials import KEY_PATTERN
from tests.cli.conftest import Program
from tests.events import make_event


def create(program: Program, name: str = "backend", workspace: str = "Acme") -> dict[str, Any]:
    made: dict[str, Any] = program.json("keys", "create", "--workspace", workspace, "--name", name)
    return made


def state(program: Program, key: dict[str, Any]) -> str | None:
    rows = program.json("keys", "list", "--workspace", key["workspace"])
    states: dict[str, str] = {row["id"]: row["state"] for row in rows}
    return states.get(key["id"])


def test_json_tells_all_about_a_new_key(program: Program) -> None:
    made = program.json(
        *("keys", "create", "--workspace", "Acme", "--name", "web", "--source", "shop")
    )

    assert KEY_PATTERN.fullmatch(made["key"])
    assert made["key"].startswith(made["prefix"])
    assert re.fullmatch(r"key_[a-z2-7]{16}", made["id"])
    assert (made["name"], made["source"], made["workspace"]) == ("web", "shop", "Acme")
    assert made["state"] == "active"


def test_stdout_is_the_key_alone(program: Program) -> None:
    made = program.ok("keys", "create", "--workspace", "Acme", "--name", "web")

    assert KEY_PATTERN.fullmatch(made.stdout.rstrip("\n"))
    assert "never again" in made.stderr


def test_a_listing_never_shows_a_key(program: Program) -> None:
    key = create(program)

    listed = program.ok("keys", "list", "--workspace", "Acme", "--json").stdout

    assert key["prefix"] in listed
    assert key["key"] not in listed
    assert key["key"].encode() not in program.database.read_bytes()


@pytest.mark.parametrize("by", ["id", "prefix", "name"])
def test_a_key_is_switched_off_and_on(program: Program, by: str) -> None:
    key = create(program)

    assert program.json("keys", "deactivate", key[by])["state"] == "inactive"
    assert state(program, key) == "inactive"
    assert program.json("keys", "reactivate", key[by])["state"] == "active"
    assert state(program, key) == "active"


def test_deleting_is_for_good_and_asks_first(program: Program) -> None:
    key = create(program)

    assert "Try: say --yes" in program.fails(5, "keys", "delete", key["id"])
    assert state(program, key) == "active"
    assert program.json("keys", "delete", key["id"], "--yes")["state"] == "deleted"

    assert state(program, key) is None
    program.fails(3, "keys", "reactivate", key["id"])


def test_a_name_of_two_keys_is_not_guessed(program: Program) -> None:
    program.ok("workspaces", "create", "Globex")
    acme, globex = create(program), create(program, workspace="Globex")

    said = program.fails(5, "keys", "deactivate", "backend")
    assert acme["id"] in said
    assert globex["id"] in said

    program.ok("keys", "deactivate", "backend", "--workspace", "Globex")
    assert (state(program, acme), state(program, globex)) == ("active", "inactive")


def test_another_workspace_hides_its_keys(program: Program) -> None:
    program.ok("workspaces", "create", "Globex")
    key = create(program)

    program.fails(3, "keys", "delete", key["id"], "--workspace", "Globex", "--yes")

    assert state(program, key) == "active"


def test_names_are_needed(program: Program) -> None:
    program.fails(2, "keys", "create", "--workspace", "Acme")
    program.fails(2, "keys", "create", "--workspace", "Acme", "--name", " ")
    program.fails(3, "keys", "create", "--workspace", "Nope", "--name", "x")


def test_a_key_is_renamed_and_edited(program: Program) -> None:
    key = create(program)

    assert program.json("keys", "rename", key["id"], "frontend")["name"] == "frontend"
    edited = program.json(
        *("keys", "edit", "frontend", "--source", "web", "--network", "192.0.2.0/24"),
        *("--network", "2001:db8::/32", "--expires", "2099-01-01"),
    )
    assert edited["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert (edited["source"], edited["expires_at"]) == ("web", "2099-01-01T00:00:00.000Z")
    freed = program.json("keys", "edit", "frontend", "--network", "", "--expires", "")
    assert (freed["networks"], freed["expires_at"], freed["source"]) == (None, None, "web")
    program.fails(2, "keys", "edit", "frontend", "--network", "here")
    program.fails(2, "keys", "edit", "frontend", "--expires", "soon")
    program.fails(2, "keys", "rename", "frontend", "")


def test_a_rotation_keeps_the_id_and_shows_both_prefixes(program: Program) -> None:
    key = create(program)

    made = program.json("keys", "rotate", key["name"], "--grace-days", "3")

    assert made["id"] == key["id"]
    assert KEY_PATTERN.fullmatch(made["key"])
    assert (made["prefix"], made["old_prefix"]) == (made["key"][:12], key["prefix"])
    assert made["old_expires_at"] > made["rotated_at"]
    said = program.ok("keys", "rotate", key["id"])
    assert KEY_PATTERN.fullmatch(said.stdout.rstrip("\n"))
    assert "The old one stops at" in said.stderr
    program.fails(2, "keys", "rotate", key["id"], "--grace-days", "8")


def leaked(program: Program, text: str, *options: str) -> dict[str, Any]:
    [found] = program.json("keys", "find", "--raw", "-", *options, stdin=text)
    assert isinstance(found, dict)
    return found


def test_a_leaked_key_is_found_in_junk_with_its_use_and_stopped(program: Program) -> None:
    key = create(program)
    program.add([make_event(), make_event(cost_pico=34_000_000)])

    found = leaked(program, f"+  API_KEY='{key['key']}',\n", "--since", "2025-11-01")
    assert (found["id"], found["secret"], found["state"]) == (key["id"], "current", "active")
    assert (found["events_since"], found["cost_usd_since"]) == (2, "0.0001")
    assert leaked(program, key["key"], "--since", "2026-01-01")["events_since"] == 0

    said = program.ok("keys", "find", "--raw", "-", "--deactivate", stdin=key["key"])
    assert key["key"] not in said.output
    assert state(program, key) == "inactive"


def test_a_leaked_secret_from_before_rotations_is_found(program: Program) -> None:
    key = create(program)
    program.json("keys", "rotate", key["id"], "--grace-days", "3")
    assert leaked(program, key["key"])["secret"] == "old, still in its grace"

    program.json("keys", "rotate", key["id"], "--grace-days", "0")

    found = leaked(program, key["key"], "--deactivate")
    assert (found["id"], found["secret"], found["state"]) == (key["id"], "replaced", "inactive")


def test_a_text_without_a_key_of_ours_says_so(program: Program) -> None:
    key = create(program)
    typo = key["key"][:-1] + ("a" if key["key"][-1] != "a" else "b")

    assert "no LLMtrack key" in program.fails(3, "keys", "find", "--raw", "-", stdin="hello")
    assert "no LLMtrack key" in program.fails(3, "keys", "find", "--raw", "-", stdin=typo)
    program.ok("keys", "delete", key["id"], "--yes")
    said = program.fails(3, "keys", "find", "--raw", "-", stdin=key["key"])
    assert "it was deleted" in said


def test_a_key_given_as_a_path_is_not_repeated(program: Program) -> None:
    key = create(program)

    said = program.run("keys", "find", "--raw", key["key"])

    assert said.exit_code == 2
    assert key["key"] not in said.output
