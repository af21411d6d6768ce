"""What holds for the tree as a whole: tracked files, versions, packages, tenant keys."""

import re
import sqlite3
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

# In pieces, so that this file is not its own finding.
_PRIVATE = re.compile(
    "|".join(
        (
            r"(?<![\w.])/" + r"(?:root|home/\w+|work/\w+)/",
            r"\bpypi" + r"\.org",
            r"python" + r"hosted\.org",
            r"registry\." + r"(?:npmjs|yarnpkg)",
            r"deb\.debian" + r"\.org",
        )
    )
)
_RELEASE = re.compile(r"^## \[?(\d+\.\d+\.\d+)", re.MULTILINE)


def tracked_files(root: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def private_places(root: Path, files: Sequence[Path]) -> Iterator[str]:
    """A path of one machine or a registry's host is noise to every other machine."""
    for path in files:
        text = path.read_bytes().decode(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if found := _PRIVATE.search(line):
                yield f"{path.relative_to(root)}:{number}: {found[0]}"


def differing_versions(root: Path) -> Iterator[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    package = (root / "llmtrack" / "__init__.py").read_text()
    if f'__version__ = "{project}"' not in package:
        yield f"llmtrack/__init__.py: pyproject.toml says {project}"
    newest = _RELEASE.search((root / "CHANGELOG.md").read_text())
    if newest is None or newest[1] != project:
        yield f"CHANGELOG.md: the newest release is not {project}"


def unpacked_packages(root: Path) -> Iterator[str]:
    """The wheel's packages are listed one by one, so a new one must be added."""
    setuptools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    for init in (root / "llmtrack").rglob("__init__.py"):
        name = ".".join(init.parent.relative_to(root).parts)
        if name not in setuptools["packages"]:
            yield f"pyproject.toml: {name} is missing in tool.setuptools.packages"


def shadowed_libraries(root: Path) -> Iterator[str]:
    if (root / "packaging" / "__init__.py").exists():
        yield "packaging/__init__.py: would hide the library `packaging` from pip's tools"


def keys_not_led_by_the_workspace(
    connection: sqlite3.Connection, exempt: Sequence[str]
) -> Iterator[str]:
    """An index that starts elsewhere serves, and one day returns, the rows of everybody."""
    tables = connection.execute("select name from sqlite_schema where type = 'table'")
    for (table,) in tables.fetchall():
        columns = [row[1:] for row in connection.execute(f"pragma table_info('{table}')")]
        if table in exempt or "workspace_id" not in [name for name, *_ in columns]:
            continue
        primary = sorted((position, name) for name, *_, position in columns if position)
        keys = {"primary key": [name for _, name in primary]}
        for _, index, *_ in connection.execute(f"pragma index_list('{table}')").fetchall():
            members = connection.execute(f"pragma index_info('{index}')").fetchall()
            keys[index] = [name for *_, name in members]
        for key, names in keys.items():
            if names[:1] != ["workspace_id"]:
                yield f"{table}: {key} ({', '.join(map(str, names))}) must start with workspace_id"
