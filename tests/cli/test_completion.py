"""Commands and options by the Tab key, in the shells that are here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Program


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_s_script_asks_the_program(bare: Program, shell: str) -> None:
    script = bare.run("completion", shell).stdout
    assert f"_LLMTRACK_COMPLETE={shell}_complete" in script


def test_bash_completes_commands_and_options(tmp_path: Path, bare: Program) -> None:
    bash = shutil.which("bash") or pytest.skip("needs bash")
    script = tmp_path / "completion"
    script.write_text(bare.run("completion", "bash").stdout)
    program = tmp_path / "llmtrack"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m llmtrack "$@"\n')
    program.chmod(0o755)
    words = "COMP_WORDS=(llmtrack backup cr); COMP_CWORD=2"
    asked = f"source {script}; {words}; _llmtrack_completion llmtrack; echo ${{COMPREPLY[@]}}"
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "-c", asked], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["create"]
