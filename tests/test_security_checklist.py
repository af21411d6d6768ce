"""docs/security-checklist.md: no id is left out, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECKLIST = (ROOT / "docs" / "security-checklist.md").read_text("utf-8")
IDS = {
    *(f"W{n}" for n in range(1, 10)),
    *(f"K{n}" for n in range(1, 15)),
    *(f"P{n}" for n in range(1, 13)),
    *(f"S{n}" for n in range(1, 18)),
    *(f"A{n}" for n in range(1, 12)),
    *(f"I{n}" for n in range(1, 15)),
}
MET, _, NOT_MET = CHECKLIST.partition("## Not met")
ROW = re.compile(r"^\| ([A-Z]\d+) \| (.+) \| ([^|]*) \|$", re.MULTILINE)
NAMED = sorted(set(re.findall(r"`((?:tests|bench)/[\w/.]+)(?:::(\w+))?`", MET)))


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_no_id_is_left_out_or_met_and_not_met() -> None:
    met = {row[0] for row in ROW.findall(MET)}
    missing = set(re.findall(r"^\| ([A-Z]\d+) \|", NOT_MET, re.MULTILINE))
    assert met | missing >= IDS
    assert not met & missing


def test_every_row_names_a_test() -> None:
    for number, requirement, test in ROW.findall(MET):
        assert requirement
        assert re.search(r"`(tests|bench)/", test), number


@pytest.mark.parametrize(("path", "function"), NAMED)
def test_every_test_that_it_names_is_there(path: str, function: str) -> None:
    assert (ROOT / path).is_file()
    assert not function or function in functions_of(ROOT / path)
