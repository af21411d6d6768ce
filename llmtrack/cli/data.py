# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""The data directory that a command works on, and how it opens the database there."""

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llmtrack.cli.exit_codes import CommandFailed, ExitCode

if TYPE_CHECKING:
    from llmtrack.config.loading import Config
    from llmtrack.config.setting import Setting
    from llmtrack.storage.audit import Actor
    from llmtrack.storage.database import Database

T = TypeVar("T")

DATABASE_NAME = "llmtrack.db"
BUSY_TIMEOUT_MS = 30_000
"""Beside a server that never stops writing a command finds the lock free now and then only."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def operator() -> "Actor":
    """Who runs this command, for the audit log."""
    from llmtrack.storage.audit import Actor

    return Actor(None, f"command line (uid {os.getuid()})")


class Data:
    """Resolved when a command needs it, so that `version` and `--help` never do."""

    def __init__(self, flag: str | None, config_file: Path | None = None) -> None:
        self._flag = flag
        self._config_file = config_file
        self._flags: dict[Setting[Any], str] = {}

    def override(self, flags: "Mapping[Setting[Any], str | None]") -> None:
        """Settings that flags of the command itself have named; None means not named."""
        self._flags |= {setting: text for setting, text in flags.items() if text is not None}
        self.__dict__.pop("config", None)

    @cached_property
    def config(self) -> "Config":
        """The settings in force. Raises ConfigUnusable."""
        return self.read_config()

    def read_config(self) -> "Config":
        """As `config`, read anew."""
        from llmtrack.config.loading import load
        from llmtrack.config.table import DATA_DIR

        flags = {DATA_DIR: self._flag, **self._flags} if self._flag else self._flags
        return load(flags, os.environ, file=self._config_file)

    @property
    def directory(self) -> Path:
        return self.config.data_dir

    @property
    def backup_directory(self) -> Path:
        from llmtrack.config.table import BACKUP_DIR

        return self.config[BACKUP_DIR] or self.directory / "backups"

    @property
    def database(self) -> Path:
        return self.directory / DATABASE_NAME

    def announce(self) -> None:
        """Say on stderr which file is about to change: the wrong one is found out at once."""
        click.echo(f"Data: {self.database}", err=True)

    def run(
        self,
        function: "Callable[[Database], Awaitable[T]]",
        *,
        changes: bool = False,
        create: bool = False,
    ) -> T:
        """Run `function(database)`; a missing database is an error unless `create`."""
        import asyncio

        if changes:
            self.announce()
        if not create:
            self.require()
        self._refuse_older_schema()
        return asyncio.run(self._run(function, create=create))

    @property
    def pending_steps(self) -> int:
        """How many migrations the database is behind this version."""
        from llmtrack.services.upgrades import pending_steps

        return pending_steps(self.database)

    def _refuse_older_schema(self) -> None:
        """A command must not migrate in passing: no backup was made, and a server may run."""
        if self.pending_steps:
            raise CommandFailed(
                f"{self.database} is of an older version: {self.pending_steps} migrations are "
                "pending",
                ExitCode.CONFIG,
                fix="restart the server, or without one: llmtrack db migrate",
            )

    def require(self, *, may_be_read_only: bool = False) -> None:
        """Raise CommandFailed unless there is a database and this user may write to it.

        With `may_be_read_only` a disk that takes no more writes will do: data is rescued so.
        """
        path = self.database
        if not path.exists():
            raise CommandFailed(
                f"there is no database at {path}",
                ExitCode.NOT_FOUND,
                fix="name the data directory with --data-dir or LLMTRACK_DATA_DIR; "
                "a new one is made by: llmtrack serve",
            )
        # SQLite writes beside the file even to read it (the WAL's index).
        for needed in (path, path.parent):
            if not os.access(needed, os.W_OK):
                if os.statvfs(needed).f_flag & os.ST_RDONLY:
                    if may_be_read_only:
                        return
                    raise CommandFailed(
                        f"{needed} is on a file system that is read-only now",
                        ExitCode.PERMISSION,
                        fix="see why: dmesg | tail; a copy can still be made: "
                        "llmtrack backup create --out DIRECTORY",
                    )
                raise CommandFailed(
                    f"{needed} cannot be written by this user (uid {os.geteuid()})",
                    ExitCode.PERMISSION,
                )

    async def _run(self, function: "Callable[[Database], Awaitable[T]]", *, create: bool) -> T:
        from llmtrack.storage.database import Database

        database = await Database.open(
            self.database, create=create, busy_timeout_ms=BUSY_TIMEOUT_MS
        )
        try:
            return await function(database)
        finally:
            await database.close()


pass_data = click.make_pass_decorator(Data)
