"""The code as data: modules, their imports and their functions."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    target: str
    """The module, or the name in it where the two cannot be told apart: `llmtrack.web.app`."""
    line: int
    inside_function: bool


@dataclass(frozen=True)
class Module:
    root: Path
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def name(self) -> str:
        parts = self.path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def layer(self) -> str:
        """The sub-package, or the module's own name beside them: `storage`, `config`."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "llmtrack"

    @cached_property
    def functions(self) -> list[FunctionNode]:
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    @cached_property
    def imports(self) -> list[Import]:
        inside = {id(node) for function in self.functions for node in ast.walk(function)}
        return [
            Import(target, node.lineno, id(node) in inside)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for target in self._targets(node)
        ]

    def _targets(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = self.name.split(".")
                is_package = self.path.name == "__init__.py"
                up = len(package) - node.level + is_package
                origin = ".".join([*package[:up], *([origin] if origin else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(self.root)}:{line}"


def modules(root: Path, *directories: str) -> list[Module]:
    return [
        Module(root, path)
        for directory in directories
        for path in sorted((root / directory).rglob("*.py"))
        if "node_modules" not in path.parts
    ]


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of all docstring constants, and of strings that document an attribute."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
