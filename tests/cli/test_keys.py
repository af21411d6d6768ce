"""`llmtrack keys`: shown once, then known by id, prefix or name."""

import re
from typing import Any

import pytest

from llmtrack.domain.credentials import KEY_PATTERN
from tests.cli.conftest import Program


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
