"""Every rule of the tidy test, shown a planted fault and a neighbour that is allowed."""

import sqlite3
from pathlib import Path

import pytest

from tests.test_tidy import PACKAGE_RULES, RULES_EVERYWHERE, Rule
from tests.tidy import habits, layers, tree, walls
from tests.tidy.source import Module, modules


def plant(root: Path, files: dict[str, str]) -> list[Module]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return modules(root, "llmtrack")


FAULTS: list[tuple[Rule, str, str]] = [
    (layers.upward_imports, "domain/a", "from llmtrack.storage import keys"),
    (layers.upward_imports, "formats/a", "import llmtrack.storage.keys"),
    (layers.upward_imports, "storage/a", "from ..services import jobs"),
    (layers.upward_imports, "services/a", "from llmtrack.web.app import build_app"),
    (layers.cli_reaching_into_web, "cli/keys", "from llmtrack.web.app import build_app"),
    (layers.cli_reaching_into_web, "cli/serve", "from llmtrack.web.render import page"),
    (layers.config_read_below, "services/a", "from llmtrack import config"),
    (layers.config_read_below, "web/overview", "from llmtrack.config import resource_dir"),
    (layers.libraries_out_of_place, "services/a", "import sqlite3"),
    (layers.libraries_out_of_place, "web/a", "from aiosqlite import connect"),
    (layers.libraries_out_of_place, "services/a", "from aiohttp import web"),
    (layers.libraries_out_of_place, "services/a", "from aiohttp.web import Application"),
    (layers.libraries_out_of_place, "storage/users", "import argon2"),
    (layers.libraries_out_of_place, "web/a", "import click"),
    (layers.lazy_imports, "web/a", "def page():\n    import json\n"),
    (habits.sql_outside_storage, "web/a", 'Q = "select id from event where id = 1"'),
    (habits.sql_outside_storage, "services/a", 'Q = """\n  INSERT INTO event VALUES (1)"""'),
    (habits.sql_outside_storage, "cli/a", 'Q = f"delete from {1}"'),
    (habits.clocks_below_services, "domain/a", "import time\nT = time.time()"),
    (habits.clocks_below_services, "storage/a", "from time import time_ns\nT = time_ns()"),
    (habits.clocks_below_services, "formats/a", "T = datetime.now(UTC)"),
    (habits.prints, "services/a", "print(1)"),
    (walls.connections_elsewhere, "storage/a", "import sqlite3\nC = sqlite3.connect(':memory:')"),
    (walls.connections_elsewhere, "storage/a", "from aiosqlite import connect"),
    (walls.pages_with_the_database, "web/budgets", "from llmtrack.web.context import DATABASE"),
    (walls.pages_with_the_database, "web/auth2", "from llmtrack.storage import maintenance"),
    (walls.pages_that_write_freely, "web/account", "w = request.app[DATABASE].write"),
    (walls.pages_that_write_freely, "web/account", "await database.write(f)"),
    (walls.calls_to_elsewhere, "services/webhooks", "from aiohttp import ClientSession"),
    (walls.calls_to_elsewhere, "web/budgets", "import urllib.request"),
    (habits.long_files, "domain/a", "x = 1\n" * 301),
    (habits.long_functions, "domain/a", "def f():\n" + "    x = 1\n" * 40),
    (habits.banned_names, "domain/utils", ""),
    (habits.unfinished, "domain/a", "x = 1  # TO" + "DO later"),
]

ALLOWED: list[tuple[Rule, str, str]] = [
    (layers.upward_imports, "storage/a", "from llmtrack.domain import events\nimport json"),
    (layers.cli_reaching_into_web, "cli/serve", "from llmtrack.web.app import build_app"),
    (walls.connections_elsewhere, "storage/connections", "import sqlite3\nsqlite3.connect('x')"),
    (walls.pages_with_the_database, "web/auth", "from llmtrack.web.context import DATABASE"),
    (walls.pages_that_write_freely, "web/account", "await request[SCOPE].write(f)"),
    (walls.pages_that_write_freely, "web/account", "await database.write_outside(f)"),
    (walls.pages_that_write_freely, "web/setup", "await database.write(f)"),
    (walls.calls_to_elsewhere, "services/mail", "import aiosmtplib"),
    (walls.calls_to_elsewhere, "web/budgets", "from urllib.parse import urlencode"),
    (layers.config_read_below, "web/app", "from llmtrack.config import resource_dir"),
    (layers.libraries_out_of_place, "storage/a", "import sqlite3, aiosqlite"),
    (layers.libraries_out_of_place, "services/webhooks", "from aiohttp import ClientSession"),
    (layers.libraries_out_of_place, "domain/credentials", "import argon2"),
    (layers.lazy_imports, "cli/serve", "def run():\n    import asyncio\n"),
    (habits.sql_outside_storage, "web/a", 'T = "Select a key from the list"'),
    (habits.sql_outside_storage, "web/a", '"""select a from b where c"""'),
    (habits.sql_outside_storage, "storage/a", 'Q = "select id from event"'),
    (habits.clocks_below_services, "services/a", "import time\nT = time.time()"),
    (habits.clocks_below_services, "domain/a", "T = datetime.combine(day, time(0))"),
    (habits.prints, "cli/a", "print(1)"),
    (habits.long_files, "domain/a", "x = 1\n" * 300),
    (habits.long_functions, "domain/a", 'def f():\n    """a\n\n    b"""\n' + "    x = 1\n" * 39),
    (habits.unfinished, "domain/a", 'x = "TO' + 'DO"'),
]


@pytest.mark.parametrize(("rule", "name", "text"), FAULTS)
def test_a_planted_fault_is_found(rule: Rule, name: str, text: str, tmp_path: Path) -> None:
    (module,) = plant(tmp_path, {f"llmtrack/{name}.py": text})

    assert [line for line in rule(module) if line.startswith(f"llmtrack/{name}.py:")]


@pytest.mark.parametrize(("rule", "name", "text"), ALLOWED)
def test_what_is_allowed_is_not_found(rule: Rule, name: str, text: str, tmp_path: Path) -> None:
    (module,) = plant(tmp_path, {f"llmtrack/{name}.py": text})

    assert not list(rule(module))


def test_no_rule_goes_without_a_planted_fault() -> None:
    assert {rule for rule, *_ in FAULTS} == {*PACKAGE_RULES, *RULES_EVERYWHERE}


def test_a_cycle_is_found_and_a_diamond_is_none(tmp_path: Path) -> None:
    diamond = {
        "llmtrack/domain/top.py": "from llmtrack.domain import left, right",
        "llmtrack/domain/left.py": "from llmtrack.domain.bottom import x",
        "llmtrack/domain/right.py": "from . import bottom",
        "llmtrack/domain/bottom.py": "x = 1",
    }
    assert not list(layers.cycles(plant(tmp_path, diamond)))

    diamond["llmtrack/domain/bottom.py"] = "from .top import y"
    assert len(list(layers.cycles(plant(tmp_path, diamond)))) == 4


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ("create table t (workspace_id, id, primary key (workspace_id, id))", 0),
        ("create table t (workspace_id, id integer primary key)", 1),
        ("create table t (workspace_id, id, primary key (id, workspace_id))", 2),
        ("create table t (workspace_id primary key, id unique)", 1),
        ("create table t (workspace_id primary key, id); create index i on t (id)", 1),
        ("create table workspace (id integer primary key, name unique)", 0),
        ("create table lookup (digest primary key, workspace_id)", 0),
    ],
)
def test_a_key_that_does_not_start_with_the_workspace_is_found(schema: str, found: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema)

    assert len(list(tree.keys_not_led_by_the_workspace(connection, ["lookup"]))) == found
    connection.close()


@pytest.mark.parametrize(
    "text", ["cd /ro" + "ot/x", "url = 'https://py" + "pi.org/simple'", "/ho" + "me/ann/x"]
)
def test_a_place_that_only_one_machine_has_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text(text)
    (tmp_path / "good.md").write_text("see /var/lib/llmtrack and https://example.com/root/")

    found = list(tree.private_places(tmp_path, sorted(tmp_path.iterdir())))

    assert len(found) == 1
    assert found[0].startswith("bad.md:1: ")


def test_a_forgotten_version_or_package_is_found(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[project]\nversion = "1.2.3"\n'
        '[tool.setuptools]\npackages = ["llmtrack"]',
        "llmtrack/__init__.py": '__version__ = "1.2.3"',
        "CHANGELOG.md": "# Changes\n\n## [1.2.3] - Unreleased\n",
    }
    plant(tmp_path, files)
    assert not [*tree.differing_versions(tmp_path), *tree.unpacked_packages(tmp_path)]

    files["llmtrack/__init__.py"] = '__version__ = "1.2.2"'
    plant(tmp_path, {**files, "CHANGELOG.md": "## 1.2.2", "llmtrack/new/__init__.py": ""})
    assert len(list(tree.differing_versions(tmp_path))) == 2
    assert len(list(tree.unpacked_packages(tmp_path))) == 1


def test_a_package_named_packaging_is_found(tmp_path: Path) -> None:
    plant(tmp_path, {"packaging/smoke.py": ""})
    assert not list(tree.shadowed_libraries(tmp_path))

    plant(tmp_path, {"packaging/__init__.py": ""})
    assert list(tree.shadowed_libraries(tmp_path))
