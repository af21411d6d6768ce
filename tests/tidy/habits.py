"""Sizes, names and what does not belong in a layer. Each rule yields one line a fault."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.tidy.source import FunctionNode, Module, docstrings

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40

BANNED_NAMES = {
    "base": "name the thing it is the base of",
    "common": "name what is common",
    "helpers": "name what is helped",
    "manager": "name what is managed, and do it there",
    "util": "name the noun",
    "utils": "name the noun",
}

# Lower or upper case as SQL is written; "Select a key from the list" is a sentence.
_SQL = re.compile(
    r"\s*(?:select\s.+\sfrom\s|insert\s+(?:or\s+\w+\s+)?into\s|update\s+\w+\s+set\s"
    r"|delete\s+from\s|create\s+(?:table|index|view|trigger)\s|pragma\s+\w|attach\s+database)",
    re.DOTALL,
)
_CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns"}
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


def long_files(module: Module) -> Iterator[str]:
    lines = len(module.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield f"{module.at(1)}: {lines} lines, more than {FILE_LINES_MAX}: split by noun"


def long_functions(module: Module) -> Iterator[str]:
    for function in module.functions:
        lines = _length(function)
        if lines > FUNCTION_LINES_MAX:
            yield f"{module.at(function.lineno)}: {function.name} has {lines} lines"


def _length(function: FunctionNode) -> int:
    """From `def` to the end, the docstring not counted: explaining must cost nothing."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def banned_names(module: Module) -> Iterator[str]:
    if advice := BANNED_NAMES.get(module.path.stem):
        yield f"{module.at(1)}: {module.path.stem} says nothing: {advice}"


def sql_outside_storage(module: Module) -> Iterator[str]:
    documentation = docstrings(module.tree)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        looks_like_sql = _SQL.match(node.value) or _SQL.match(node.value.swapcase())
        if looks_like_sql and id(node) not in documentation and module.layer != "storage":
            yield f"{module.at(node.lineno)}: only storage speaks SQL"


def clocks_below_services(module: Module) -> Iterator[str]:
    """`domain`, `formats` and `storage` are told the time: so a test can tell them any."""
    if module.layer not in ("domain", "formats", "storage"):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        by_attribute = isinstance(called, ast.Attribute) and called.attr in _CLOCKS
        by_name = isinstance(called, ast.Name) and called.id in _CLOCKS - {"time"}
        if by_attribute or by_name:
            yield f"{module.at(node.lineno)}: take the time as an argument"


def prints(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "print" and module.layer != "cli":
            yield f"{module.at(node.lineno)}: only cli talks to a terminal"


def unfinished(module: Module) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT and _UNFINISHED.search(token.string):
            yield f"{module.at(token.start[0])}: do it or file an issue"
