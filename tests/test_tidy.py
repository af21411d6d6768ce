"""The code itself: layers, sizes, names. A rule that is not tested here is a wish."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmtrack.storage.schema import LOOKUP_TABLES, MIGRATIONS
from tests.tidy import habits, layers, tree, walls
from tests.tidy.source import Module, modules

ROOT = Path(__file__).parents[1]
PACKAGE = modules(ROOT, "llmtrack")
EVERYTHING = [*PACKAGE, *modules(ROOT, "tests", "packaging")]

Rule = Callable[[Module], Iterator[str]]

PACKAGE_RULES: list[Rule] = [
    layers.upward_imports,
    layers.cli_reaching_into_web,
    layers.config_read_below,
    layers.libraries_out_of_place,
    layers.lazy_imports,
    habits.sql_outside_storage,
    habits.clocks_below_services,
    habits.prints,
    walls.connections_elsewhere,
    walls.pages_with_the_database,
    walls.pages_that_write_freely,
    walls.calls_to_elsewhere,
]
RULES_EVERYWHERE: list[Rule] = [
    habits.long_files,
    habits.long_functions,
    habits.banned_names,
    habits.unfinished,
]


def name_of(rule: Rule) -> str:
    return rule.__name__


def faults(rule: Rule, found: list[Module]) -> str:
    return "\n".join(line for module in found for line in rule(module))


@pytest.mark.parametrize("rule", PACKAGE_RULES, ids=name_of)
def test_the_package_has_no(rule: Rule) -> None:
    assert not faults(rule, PACKAGE)


@pytest.mark.parametrize("rule", RULES_EVERYWHERE, ids=name_of)
def test_no_python_file_has(rule: Rule) -> None:
    assert not faults(rule, EVERYTHING)


def test_no_module_imports_itself_through_others() -> None:
    assert not "\n".join(layers.cycles(PACKAGE))


def test_every_key_of_a_tenant_s_table_starts_with_the_workspace() -> None:
    with sqlite3.connect(":memory:") as connection:
        for migration in MIGRATIONS:
            connection.executescript(migration)

        assert not "\n".join(tree.keys_not_led_by_the_workspace(connection, LOOKUP_TABLES))
    connection.close()


def test_the_versions_agree() -> None:
    assert not "\n".join(tree.differing_versions(ROOT))


def test_a_wheel_gets_every_package() -> None:
    assert not "\n".join(tree.unpacked_packages(ROOT))


def test_packaging_shadows_no_library() -> None:
    assert not "\n".join(tree.shadowed_libraries(ROOT))


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    assert not "\n".join(tree.private_places(ROOT, tree.tracked_files(ROOT)))
