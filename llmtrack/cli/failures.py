"""How an error reaches the person: one line on stderr, what to try, an exit code.

Never a traceback, unless LLMTRACK_DEBUG=1 asks for it.
"""

import errno
import os
from typing import IO, Any

import click

from llmtrack.cli.exit_codes import ExitCode, exit_code_of
from llmtrack.domain.errors import LLMtrackError

_FIXES = {
    ExitCode.PERMISSION: "run it as the user who owns the data directory, e.g. "
    "sudo -u llmtrack llmtrack ...",
    ExitCode.BUSY: "another process is using the database; try again in a moment",
    ExitCode.IO: "check the disk: df -h, and the kernel's messages: dmesg",
    ExitCode.VERIFICATION_FAILED: "stop the server, keep a copy of the data directory, then "
    "restore the last good backup: llmtrack backup restore FILE",
    ExitCode.FAILURE: "run it again with LLMTRACK_DEBUG=1 to see where, and report it",
}


_READ_ONLY = "the file system is read-only now; see why: dmesg | tail"


class Failure(click.ClickException):
    """Any error, told the way click tells its own."""

    def __init__(self, error: Exception) -> None:
        super().__init__(_text_of(error))
        code = exit_code_of(error)
        self.exit_code = int(code)  # type: ignore[misc]
        own = getattr(error, "fix", None)
        usual = _READ_ONLY if getattr(error, "errno", None) == errno.EROFS else _FIXES.get(code)
        self.fix = own or (None if own == "" else usual)

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {self.format_message()}", file=file, err=file is None)
        if self.fix:
            click.echo(f"Try: {self.fix}", file=file, err=file is None)


class ReportingGroup(click.Group):
    """The root command: whatever its subcommands raise ends as a `Failure`."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            # A reader that has gone (`| head`) is click's to end quietly.
            is_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
            if is_pipe or os.environ.get("LLMTRACK_DEBUG") == "1":
                raise
            raise Failure(error) from error


def _text_of(error: Exception) -> str:
    if isinstance(error, LLMtrackError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    if isinstance(error, OSError) or type(error).__module__ == "sqlite3":
        return str(error)
    return f"unexpected {type(error).__name__}: {error}"
