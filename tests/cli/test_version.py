import json
import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

from llmtrack import __version__
from llmtrack.cli.version import PACKAGES, version

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_it_names_the_versions_of_everything_inside() -> None:
    found = json.loads(CliRunner().invoke(version, ["--json"]).output)

    assert found["llmtrack"] == __version__
    assert re.fullmatch(r"3\.\d+\.\d+", found["sqlite"])
    assert found["openssl"].startswith("OpenSSL ")
    assert "unknown" not in found["packages"].values()


def test_the_plain_form_has_one_line_each() -> None:
    lines = CliRunner().invoke(version).output.splitlines()

    assert lines[0].split() == ["llmtrack", __version__]
    assert len(lines) == 4 + len(PACKAGES)


def test_it_lists_exactly_the_default_install() -> None:
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]

    assert tuple(re.split("[<>=]", line)[0] for line in declared) == PACKAGES
