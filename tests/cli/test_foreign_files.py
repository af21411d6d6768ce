"""What lies where the data should be, and is not ours, is named and left exactly as it is."""

import sqlite3
from pathlib import Path

import pytest

from llmtrack.storage.schema import MIGRATIONS

from .conftest import Processes, Program

SETUP = ("setup", "--non-interactive", "--admin-email", "a@example.com", "--workspace", "Acme")
COMMANDS = [
    ("users", "list"),
    ("check",),
    ("backup", "create"),
    (*SETUP, "--password-file", "-"),
]
PASSWORD = "correct horse battery staple\n"


@pytest.fixture(params=COMMANDS, ids=lambda command: command[0])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


def state(path: Path) -> tuple[bytes, int]:
    return path.read_bytes(), path.stat().st_mode


def make(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    path.chmod(0o644)


def test_a_database_of_another_program(bare: Program, command: tuple[str, ...]) -> None:
    bare.directory.mkdir()
    make(bare.database, "create table t (a)", "insert into t values (1)")
    before = state(bare.database)

    said = bare.fails(78, *command, stdin=PASSWORD)

    assert f"Error: {bare.database} is a SQLite database, but not one of LLMtrack" in said
    assert "Try: " in said
    assert state(bare.database) == before


def test_a_file_that_is_no_database(bare: Program, command: tuple[str, ...]) -> None:
    bare.directory.mkdir()
    bare.database.write_bytes(b"no database" * 1000)
    before = state(bare.database)

    said = bare.fails(78, *command, stdin=PASSWORD)

    assert f"Error: {bare.database} is no SQLite database\nTry: " in said
    assert state(bare.database) == before


def test_a_directory(bare: Program, command: tuple[str, ...]) -> None:
    bare.database.mkdir(parents=True)

    said = bare.fails(78, *command, stdin=PASSWORD)

    assert f"Error: {bare.database} is a directory\nTry: " in said


def test_a_database_of_a_newer_version(program: Program, command: tuple[str, ...]) -> None:
    newer = len(MIGRATIONS) + 1
    make(program.database, f"pragma user_version = {newer}")

    said = program.fails(78, *command, stdin=PASSWORD)

    assert f"{program.database} has schema {newer}, and this version knows {newer - 1}" in said
    assert "Try: install the version that wrote it" in said


def test_the_server_refuses_them_too(bare: Program, processes: Processes) -> None:
    bare.directory.mkdir()
    make(bare.database, "create table t (a)")

    code, said = processes.run("-d", bare.directory, "serve", "--listen", "127.0.0.1:0")

    assert (code, said.count("Error: ")) == (78, 1)
    assert str(bare.database) in said


def test_a_data_directory_that_is_a_file(tmp_path: Path, processes: Processes) -> None:
    (tmp_path / "file").touch()

    code, said = processes.run("-d", tmp_path / "file", "serve", "--listen", "127.0.0.1:0")

    assert (code, said) == (
        2,
        f"Error: {tmp_path / 'file'} is no directory\nTry: name another one\n",
    )
