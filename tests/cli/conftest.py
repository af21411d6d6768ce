"""The program as a person runs it: arguments in; exit code, stdout and stderr out."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmtrack.cli.main import llmtrack
from llmtrack.domain import credentials
from llmtrack.services.ingest import Ingest
from llmtrack.storage.database import Database
from llmtrack.storage.priced_events import PricedEvent
from tests.conftest import PASSWORD


class Program:
    """Commands on one data directory, run inside this process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def database(self) -> Path:
        return self.directory / "llmtrack.db"

    def run(self, *args: str, stdin: str | None = None) -> Result:
        command = ["--data-dir", str(self.directory), *args]
        return CliRunner().invoke(llmtrack, command, input=stdin, prog_name="llmtrack")

    def ok(self, *args: str, stdin: str | None = None) -> Result:
        done = self.run(*args, stdin=stdin)
        assert done.exit_code == 0, done.output
        return done

    def json(self, *args: str, stdin: str | None = None) -> Any:
        return json.loads(self.ok(*args, "--json", stdin=stdin).stdout)

    def fails(self, code: int, *args: str, stdin: str | None = None) -> str:
        """What stderr says of a failure: never a traceback, always a next step."""
        done = self.run(*args, stdin=stdin)
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.stderr

    def set_up(self) -> dict[str, Any]:
        made: dict[str, Any] = self.json(
            *("setup", "--non-interactive", "--admin-email", "alice@example.com"),
            *("--workspace", "Acme", "--password-file", "-"),
            stdin=f"{PASSWORD}\n",
        )
        return made

    def add(self, events: Sequence[PricedEvent]) -> None:
        """Store events as the server does."""
        asyncio.run(self._add(events))

    async def _add(self, events: Sequence[PricedEvent]) -> None:
        database = await Database.open(self.database)
        ingest = Ingest(database)
        for start in range(0, len(events), 500):
            await ingest.add(events[start : start + 500])
        await ingest.close()
        await database.close()


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "RFC_9106_LOW_MEMORY", credentials.CHEAP_PROFILE)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LLMTRACK_DATA_DIR", "LLMTRACK_DEBUG", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bare(tmp_path: Path) -> Program:
    """A directory that does not exist yet."""
    return Program(tmp_path / "data")


@pytest.fixture
def program(bare: Program) -> Program:
    """Set up: alice@example.com owns Acme, which has no key yet."""
    bare.set_up()
    return bare


class Processes:
    """Real processes, without root's power to ignore permissions; none outlives its test."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *args: str | Path) -> subprocess.Popen[str]:
        command = [*_unprivileged(), sys.executable, "-m", "llmtrack", *map(str, args)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *args: str | Path) -> tuple[int, str]:
        """Exit code and stderr."""
        process = self.start(*args)
        _, errors = process.communicate(timeout=30)
        assert "Traceback" not in errors
        return process.returncode, errors

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.end()


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root needs setpriv to see what other users see")
    return [setpriv, "--bounding-set", "-all", "--inh-caps", "-all"]
