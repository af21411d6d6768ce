#!/usr/bin/env python3
"""What is inside a build, and under which licences: CycloneDX JSON and a text.

    .venv-build/bin/python packaging/sbom.py dist

Writes llmtrack.cdx.json and THIRD-PARTY.txt. Run in the environment that the build is made of:
it holds the default install and PyInstaller, which is told apart. The same environment gives the
same bytes. Format: https://cyclonedx.org/docs/1.5/json/.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LICENCE_FILE = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)[^/]*$")


def shipped() -> list[Distribution]:
    """The default install: what pyproject.toml names and what that needs, on this machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting, found = [_name(text) for text in project["dependencies"]], {}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = distribution(name)
        waiting += [_name(text) for text in found[name].requires or () if _is_needed_here(text)]
    return [found[name] for name in sorted(found)]


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _is_needed_here(requirement: str) -> bool:
    """Not of an extra, and installed: what is for other systems or older Pythons is not."""
    if "extra ==" in requirement:
        return False
    try:
        distribution(_name(requirement))
    except ModuleNotFoundError:
        return False
    return True


def licence_of(found: Distribution) -> str:
    """As the distribution says it: an SPDX expression, a classifier, or its own words."""
    fields: Any = found.metadata
    expression = fields.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        text.rpartition(" :: ")[2]
        for text in fields.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    return ", ".join(classified) or str(fields.get("License") or "see its files").splitlines()[0]


def licence_texts(found: Distribution) -> Iterator[str]:
    for file in sorted(found.files or (), key=str):
        if ".dist-info" in str(file) and LICENCE_FILE.search(str(file)):
            yield Path(str(file.locate())).read_text(encoding="utf-8", errors="replace").strip()


def beside_python() -> list[tuple[str, str, str]]:
    """Name, version and licence of what is in the build and no Python distribution."""
    sqlite = re.search(r"# SQLite (\S+)", (ROOT / "packaging" / "sqlite").read_text())
    htmx = next((ROOT / "static").glob("htmx-*.min.js")).name
    return [
        ("python", ".".join(map(str, sys.version_info[:3])), "PSF-2.0"),
        ("sqlite", sqlite[1] if sqlite else "", "blessing"),
        ("htmx", htmx.removeprefix("htmx-").removesuffix(".min.js"), "0BSD"),
    ]


def bill() -> dict[str, Any]:
    version = re.search(r'__version__ = "(.*)"', (ROOT / "llmtrack/__init__.py").read_text())
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{found.name.lower()}@{found.version}",
            "name": found.name,
            "version": found.version,
            "purl": f"pkg:pypi/{found.name.lower()}@{found.version}",
            "licenses": [{"license": {"name": licence_of(found)}}],
        }
        for found in shipped()
    ]
    components += [
        {
            "type": "library",
            "bom-ref": f"pkg:generic/{name}@{number}",
            "name": name,
            "version": number,
            "purl": f"pkg:generic/{name}@{number}",
            "licenses": [{"license": {"name": licence}}],
        }
        for name, number, licence in beside_python()
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "llmtrack",
                "name": "llmtrack",
                "version": version[1] if version else "",
            }
        },
        "components": components,
    }


def third_party() -> str:
    parts = ["What a build of LLMtrack contains that others have written.\n"]
    for found in shipped():
        parts.append(f"{'=' * 72}\n{found.name} {found.version}: {licence_of(found)}\n")
        parts += [text + "\n" for text in licence_texts(found)]
    for name, number, licence in beside_python():
        parts.append(f"{'=' * 72}\n{name} {number}: {licence}\n")
    # Beside what they are of: the price list, the common passwords, htmx, the icons.
    for file in sorted(
        [*(ROOT / "llmtrack").glob("*.LICENSE"), *(ROOT / "static").glob("*.LICENSE")]
    ):
        text = file.read_text(encoding="utf-8").strip()
        parts.append(f"{'=' * 72}\n{file.stem}\n\n{text}\n")
    return "\n".join(parts)


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "llmtrack.cdx.json").write_text(json.dumps(bill(), indent=2) + "\n")
    (directory / "THIRD-PARTY.txt").write_text(third_party(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
